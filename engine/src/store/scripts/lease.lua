-- Event: Lease (Queued, Deferred → Leased), or Wait (Queued → Waiting) behind an unanswered message.
-- Claims due messages for one SMSC: first those that are due again, then lane by lane, round and round over the
-- tenants that have something in the lane, each as often as its weight says.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] smsc  [2] segments wanted, at most 1,000  [3] now, microseconds  [4] epoch, 4 octets
-- Returns: 1 when more is due, the next due time in microseconds or '', then each leased message as stored. The last
-- message may have more segments than were still wanted.
-- Limits: 1,000 segments a call; turns of at most 16 messages times the weight.
local base, smsc, budget, now, epoch = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
-- Messages a tenant gets in one turn: turns cost calls, long turns cost the others time. A lease of a few gives one to each.
local QUANTUM_MIN, QUANTUM_MAX = 8, 16
local PAUSED_RETRY = 5000000 -- a due message of a paused campaign is looked at again after 5 s
local due_key = base .. 'due:' .. smsc
local leased, changed, counts, results = {}, {}, {}, {}

-- One message that is due again.
local function lease_again(member, record)
  local id = sub(member, 9, 16)
  local first, last = locate(record, id)
  if not first or sub(record, first, first) ~= 'D' then return end
  local campaign = string.format('%.0f', (struct.unpack('>I5', id)))
  local halt = redis.call('HGET', base .. 'c:' .. campaign, 'halt')
  if halt == 'p' then
    redis.call('ZADD', due_key, now + PAUSED_RETRY, member)
    return
  end
  if halt == 'c' then
    note_result(results, id, 'c\7\0\0' .. struct.pack('>I4', floor(now / 1000000)))
    count(counts, id, 'c', 1)
    return sub(record, 1, first - 1) .. sub(record, last + 1)
  end
  local message = 'L' .. epoch .. sub(record, first + 5, last)
  leased[#leased + 1] = message
  budget = budget - byte(message, 31)
  return sub(record, 1, first - 1) .. message .. sub(record, last + 1)
end

local due = redis.call('ZRANGEBYSCORE', due_key, '-inf', now, 'LIMIT', 0, budget)
if #due > 0 then
  redis.call('ZREM', due_key, unpack(due))
  local recipients = {}
  for i, member in ipairs(due) do recipients[i] = sub(member, 1, 8) end
  local records = redis.call('HMGET', base .. 'rec', unpack(recipients))
  for i, member in ipairs(due) do
    local recipient = recipients[i]
    local record = changed[recipient] or records[i]
    if record then
      local after = lease_again(member, record)
      if after then changed[recipient] = wake(base, after, now) end
    end
  end
end

-- Takes up to `want` messages of a tenant's oldest campaign. Returns whether the tenant has more in this lane.
local entries = {}
local function take(lane, tenant, want)
  local line = base .. 'lane:' .. smsc .. ':' .. lane .. ':' .. tenant
  local campaign = redis.call('LINDEX', line, 0)
  if not campaign then return false end
  local queue = base .. 'q:' .. smsc .. ':' .. campaign
  local popped = redis.call('LPOP', queue, want) or {}
  local back, n = {}, #entries
  for i = 1, #popped do
    local entry = popped[i]
    if budget > 0 then
      n = n + 1
      entries[n] = entry
      budget = budget - byte(entry, 25)
    else
      table.insert(back, 1, entry)
    end
  end
  if #back > 0 then redis.call('LPUSH', queue, unpack(back)) end
  if #back == 0 and (#popped < want or redis.call('EXISTS', queue) == 0) then
    redis.call('LPOP', line)
    return redis.call('EXISTS', line) == 1
  end
  return true
end

for lane = 0, 1 do
  local ring = base .. 'ring:' .. smsc .. ':' .. lane
  local before = #entries
  while budget > 0 do
    local waiting = redis.call('LLEN', ring)
    if waiting == 0 then break end
    local least = math.max(1, math.min(QUANTUM_MIN, floor(budget / 8)))
    local quantum = math.max(least, math.min(QUANTUM_MAX, floor(budget / waiting)))
    local tenants = redis.call('LPOP', ring, math.min(waiting, math.ceil(budget / quantum)))
    local weights = redis.call('HMGET', base .. 'weights', unpack(tenants))
    local again, unserved = {}, {}
    for i, tenant in ipairs(tenants) do
      if budget <= 0 then
        table.insert(unserved, 1, tenant)
      elseif take(lane, tenant, math.min(budget, quantum * tonumber(weights[i] or 1))) then
        again[#again + 1] = tenant
      end
    end
    if #unserved > 0 then redis.call('LPUSH', ring, unpack(unserved)) end
    if #again > 0 then redis.call('RPUSH', ring, unpack(again)) end
  end
  deepen(base, smsc, lane, before - #entries)
end

if #entries > 0 then
  local head, recipients = 'L' .. epoch .. '\0', {}
  for i, entry in ipairs(entries) do recipients[i] = sub(entry, 3, 10) end
  local records = redis.call('HMGET', base .. 'rec', unpack(recipients))
  local n = #leased
  for i = 1, #entries do
    local entry, recipient = entries[i], recipients[i]
    local record = changed[recipient] or records[i]
    if not record or record == '' then
      local message = head .. entry
      changed[recipient] = message
      n = n + 1
      leased[n] = message
    elseif unanswered(record) then
      changed[recipient] = record .. 'W' .. epoch .. '\0' .. entry
    else
      local message = head .. entry
      changed[recipient] = record .. message
      n = n + 1
      leased[n] = message
    end
  end
end
write_records(base, changed)
write_counts(base, counts)
write_results(base, results)
local more = redis.call('EXISTS', base .. 'ring:' .. smsc .. ':0', base .. 'ring:' .. smsc .. ':1')
local next_due = redis.call('ZRANGE', due_key, 0, 0, 'WITHSCORES')
return { more > 0 and 1 or 0, next_due[2] or '', unpack(leased) }
