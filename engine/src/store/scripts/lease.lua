-- Step: Lease (Queued, Waiting, Deferred → Leased), Wait behind an earlier message, Skip who opted out or is capped.
-- Claims due messages for one SMSC: lane by lane, first those that are due again, then round and round over the tenants that
-- have something in the lane, each as often as its weight says. Asked again with the same number it gives the same reply.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] epoch, decimal  [2] number of this lease, from 1  [3] number of the one before, 0: none  [4] now, microseconds
--     [5] smsc  [6] segments wanted, at most 1,000  [7] version of the routes  [8] routes that the SMSC serves, ",1,2,"
--     [9] gates that are open, ",0,"  [10] partitions
-- Returns: 'ok', 1 when more is due, the next due time in microseconds or '', lines whose spans are older than the routes
--     (1 or 0), then one string: for each leased message length(2) of its row, row, message. 'older' and the last known
--     number: the database is older than what this process has seen of it.
-- Limits: 1,000 segments a call; turns of at most 16 messages times the weight. The last message may have more segments
--     than were still wanted.
local base, epoch, number, before, now, smsc = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local budget, version, served, open, partitions = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9], tonumber(ARGV[10])
-- Messages a tenant gets in one turn: turns cost calls, long turns cost the others time. A lease of a few gives one to each.
local QUANTUM_MIN, QUANTUM_MAX = 8, 16
-- A message that waits is looked at again then, for what ended its waiting without saying so: a pause, a gate.
local RECHECK_US = 1000000

local epoch4, smsc2, now_s = struct.pack('>I4', epoch), struct.pack('>I2', smsc), floor(now / 1000000)
local out, o, ids, n_ids = {}, 0, {}, 0

local lengths = {}
local function hand_out(row, message, recipient, id)
  local length = lengths[#row]
  if not length then
    length = char(floor(#row / 256), #row % 256)
    lengths[#row] = length
  end
  out[o + 1], out[o + 2], out[o + 3] = length, row, message
  o = o + 3
  ids[n_ids + 1], ids[n_ids + 2] = recipient, id
  n_ids = n_ids + 2
end

-- The row of a message that was leased before.
local function row_of(record, at)
  local index = byte(record, at + ID + 5) * 65536 + byte(record, at + ID + 6) * 256 + byte(record, at + ID + 7)
  return call('LINDEX', base .. 'aud:' .. campaign_of(record, at), floor(index / partitions)) or ''
end

local known = call('HGET', base .. 'leases', epoch)
local last = '0'
if known then last = sub(known, 1, find(known, ':', 1, true) - 1) end
if last == number then
  for at = #number + 2, #known, 16 do
    local recipient, id = sub(known, at, at + 7), sub(known, at + 8, at + 15)
    local record = call('HGET', base .. 'rec', recipient)
    local first, ends = nil, nil
    if record then first, ends = locate_id(record, id) end
    if first and byte(record, first + STATE) == LEASED and sub(record, first + EPOCH, first + EPOCH + 3) == epoch4 then
      hand_out(row_of(record, first), sub(record, first, ends), recipient, id)
    end
  end
  return { 'ok', 1, '', 0, table.concat(out) }
end
if last ~= before then return { 'older', last } end

local changed, events, dues, halts, stale = {}, {}, {}, {}, 0

local function halt_of(campaign)
  local halt = halts[campaign]
  if halt == nil then
    halt = call('HGET', base .. 'c:' .. campaign, 'halt')
    halts[campaign] = halt
  end
  return halt
end

local function is_open(gate) return find(open, ',' .. gate .. ',', 1, true) end

-- Whether a message of that tenant and lane ahead of `before` keeps the next one waiting: it has no answer, or waits for its
-- retry, and is neither halted nor outside its hours.
local function is_held_up(record, before_at, tenant, lane)
  local at = messages_of(record)
  while at < before_at do
    local state = byte(record, at + STATE)
    if (state == LEASED or state == DEFERRED or state == WAITING) and byte(record, at + LANE) % CAPPED == lane
      and sub(record, at + TENANT, at + TENANT + 3) == tenant then
      local gate = byte(record, at + GATE) * 256 + byte(record, at + GATE + 1)
      if state == LEASED or is_open(gate) and not halt_of(campaign_of(record, at)) then return true end
    end
    at = item_end(record, at) + 1
  end
  return false
end

-- What is due again in a line.
local function take_due(line)
  local key = base .. 'due:' .. line
  local due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', 0, budget)
  if #due == 0 then return end
  local recipients, gone, later = {}, {}, {}
  for i = 1, #due do recipients[i] = sub(due[i], 1, 8) end
  local records = call('HMGET', base .. 'rec', unpack(recipients))
  for i = 1, #due do
    local recipient, id = recipients[i], sub(due[i], 9, 16)
    local record = changed[recipient] or records[i]
    local first, ends = nil, nil
    if record then first, ends = locate_id(record, id) end
    local state = first and byte(record, first + STATE)
    if state ~= DEFERRED and state ~= WAITING then
      gone[#gone + 1] = due[i]
    elseif budget > 0 then
      local tenant, lane = sub(record, first + TENANT, first + TENANT + 3), byte(record, first + LANE) % CAPPED
      if halt_of(campaign_of(record, first)) then
        later[#later + 1] = FAR
        later[#later + 1] = due[i]
      elseif is_held_up(record, first, tenant, lane) then
        later[#later + 1] = now + RECHECK_US
        later[#later + 1] = due[i]
      elseif ends == first + BODY - 1 and (call('SISMEMBER', base .. 'stop:' .. lane, tenant .. recipient) == 1
        or call('SISMEMBER', base .. 'stopall:' .. lane, recipient) == 1) then
        gone[#gone + 1] = due[i]
        events[#events + 1] = moved(record, first, '.', 's\8\0\0' .. struct.pack('>I4', now_s))
        changed[recipient] = sub(record, 1, first - 1) .. sub(record, ends + 1)
      else
        gone[#gone + 1] = due[i]
        local message = char(FORM_MESSAGE, LEASED, (byte(record, first + MOVES) + 1) % 256) .. epoch4
          .. sub(record, first + ID, first + SMSC - 1) .. smsc2 .. sub(record, first + LANE, ends)
        changed[recipient] = sub(record, 1, first - 1) .. message .. sub(record, ends + 1)
        hand_out(row_of(record, first), message, recipient, id)
        budget = budget - byte(record, first + SEGMENTS)
      end
    end
  end
  if #gone > 0 then call('ZREM', key, unpack(gone)) end
  if #later > 0 then call('ZADD', key, 'XX', unpack(later)) end
end

-- Rows that were taken from spans in this lane: their campaign, what follows their id, their tenant, position × partitions.
local rows, heads, tails, tenants_of, indexes, n_rows

-- Takes up to `want` rows of a tenant's oldest campaign. Returns whether the tenant has more in this line.
local function take(line, lane, gate2, route2, tenant, want)
  local lane_key = base .. 'lane:' .. line .. ':' .. tenant
  local campaign = call('LINDEX', lane_key, 0)
  if not campaign then return false end
  local spans = base .. 'spans:' .. line .. ':' .. campaign
  local first, count, cut = struct.unpack('>I4I4I4', call('LINDEX', spans, 0))
  if cut < version then
    call('LPOP', lane_key)
    call('RPUSH', base .. 'stale', line .. ' ' .. tenant .. ' ' .. campaign)
    stale = 1
    return call('EXISTS', lane_key) == 1
  end
  want = math.min(want, count)
  local found = call('LRANGE', base .. 'aud:' .. campaign, first, first + want - 1)
  local used, tenant4 = 0, struct.pack('>I4', tenant)
  local head = struct.pack('>I5', campaign)
  local tail = '\0\0\13' .. tenant4 .. route2 .. smsc2 .. char(lane) .. gate2
  while used < #found and budget > 0 do
    used = used + 1
    local row = found[used]
    n_rows = n_rows + 1
    rows[n_rows], heads[n_rows], tails[n_rows], tenants_of[n_rows] = row, head, tail, tenant4
    indexes[n_rows] = (first + used - 1) * partitions
    budget = budget - byte(row, ROW_SEGMENTS)
  end
  if #found == 0 then
    used = want
    events[#events + 1] = range('f', 0, campaign, tenant, first, want)
  end
  if used < count then
    call('LSET', spans, 0, struct.pack('>I4I4I4', first + used, count - used, cut))
    return true
  end
  call('LPOP', spans)
  if call('EXISTS', spans) == 1 then return true end
  call('HDEL', base .. 'c:' .. campaign, 's:' .. line)
  call('LPOP', lane_key)
  return call('EXISTS', lane_key) == 1
end

-- Round and round over the tenants in a line's ring.
local function take_turns(line, lane, gate2, route2)
  local ring, before_rows = base .. 'ring:' .. line, n_rows
  while budget > 0 do
    local waiting = call('LLEN', ring)
    if waiting == 0 then
      call('SREM', base .. 'lines', 'r' .. line)
      break
    end
    local least = math.max(1, math.min(QUANTUM_MIN, floor(budget / 8)))
    local quantum = math.max(least, math.min(QUANTUM_MAX, floor(budget / waiting)))
    local tenants = call('LPOP', ring, math.min(waiting, math.ceil(budget / quantum)))
    local weights = call('HMGET', base .. 'weights', unpack(tenants))
    local again, unserved = {}, {}
    for i, tenant in ipairs(tenants) do
      if budget <= 0 then
        table.insert(unserved, 1, tenant)
      elseif take(line, lane, gate2, route2, tenant, math.min(budget, quantum * tonumber(weights[i] or 1))) then
        again[#again + 1] = tenant
      end
    end
    if #unserved > 0 then call('LPUSH', ring, unpack(unserved)) end
    if #again > 0 then call('RPUSH', ring, unpack(again)) end
  end
  if n_rows > before_rows then call('HINCRBY', base .. 'depth', line, before_rows - n_rows) end
end

-- The reason octet for which a row is left out because its recipient has had enough of a tenant's messages, or nil.
local function is_capped(cap, tenant4, recipient, record)
  local most, seconds = string.match(cap, '^(%d+) (%d+)$')
  local times, count = call('HGET', base .. 'cap:' .. (struct.unpack('>I4', tenant4)), recipient) or '', 0
  for at = 1, #times, 4 do
    if struct.unpack('>I4', sub(times, at, at + 3)) > now_s - seconds then count = count + 1 end
  end
  local at = record and messages_of(record) or 1
  while record and at <= #record do
    if byte(record, at + STATE) == LEASED and byte(record, at + LANE) >= CAPPED
      and sub(record, at + TENANT, at + TENANT + 3) == tenant4 then count = count + 1 end
    at = item_end(record, at) + 1
  end
  return count >= tonumber(most)
end

-- Which of the lane's rows are left out: reason by row.
local function left_out(lane, recipients, records)
  local out_of = {}
  local kept = call('EXISTS', base .. 'stop:' .. lane, base .. 'stopall:' .. lane)
  if kept > 0 then
    local members = {}
    for i = 1, n_rows do members[i] = tenants_of[i] .. recipients[i] end
    local one, all = call('SMISMEMBER', base .. 'stop:' .. lane, unpack(members)), nil
    all = call('SMISMEMBER', base .. 'stopall:' .. lane, unpack(recipients))
    for i = 1, n_rows do
      if one[i] == 1 or all[i] == 1 then out_of[i] = 8 end
    end
  end
  if lane == 0 or call('EXISTS', base .. 'caps') == 0 then return out_of end
  local caps = {}
  for i = 1, n_rows do
    local tenant4 = tenants_of[i]
    if caps[tenant4] == nil then caps[tenant4] = call('HGET', base .. 'caps', (struct.unpack('>I4', tenant4))) end
    if caps[tenant4] and not out_of[i] then
      if is_capped(caps[tenant4], tenant4, recipients[i], changed[recipients[i]] or records[i]) then out_of[i] = 9 end
      tails[i] = sub(tails[i], 1, 11) .. char(lane + CAPPED) .. sub(tails[i], 13)
    end
  end
  return out_of
end

-- Makes the rows that were taken part of their recipients' records.
local function record_rows(line, lane)
  if n_rows == 0 then return end
  local recipients = {}
  for i = 1, n_rows do recipients[i] = sub(rows[i], ROW_RECIPIENT, ROW_RECIPIENT + 7) end
  local records = call('HMGET', base .. 'rec', unpack(recipients))
  local out_of = left_out(lane, recipients, records)
  -- A packed index is position × partitions + partition; the partition is in the base.
  local partition = tonumber(string.match(base, '{p(%d+)}'))
  local leased = char(FORM_MESSAGE, LEASED, 0) .. epoch4
  for i = 1, n_rows do
    local row, recipient, index = rows[i], recipients[i], indexes[i] + partition
    local record = changed[recipient] or records[i]
    local id = heads[i] .. char(floor(index / 65536), floor(index / 256) % 256, index % 256)
    local message = leased .. id .. tails[i] .. sub(row, ROW_SEGMENTS, ROW_CREDITS)
    if out_of[i] then
      local slot = 's' .. char(out_of[i]) .. '\0\0' .. struct.pack('>I4', now_s)
      events[#events + 1] = 'mQ' .. sub(moved(message, 1, '.', slot), 3)
    elseif not record then
      changed[recipient] = message
      hand_out(row, message, recipient, id)
    elseif is_held_up(record, #record, tenants_of[i], lane) then
      message = char(FORM_MESSAGE, WAITING) .. sub(message, 3)
      changed[recipient] = record .. message
      note_due(dues, line_of(message, 1), now + RECHECK_US, recipient .. id)
    else
      changed[recipient] = record .. message
      hand_out(row, message, recipient, id)
    end
  end
end

local lines, next_due, seen = call('SMEMBERS', base .. 'lines'), nil, {}
table.sort(lines)

-- The lines of a lane that the SMSC may lease from now: those with due messages, those with rings.
local function lines_of(lane)
  local dues_of, rings_of = {}, {}
  for _, entry in ipairs(lines) do
    local kind, pin, way, of, gate = string.match(entry, '^(.)(@?)(%d+):(%d+):(%d+)$')
    if tonumber(of) == lane and is_open(gate)
      and (pin == '@' and way == smsc or pin == '' and find(served, ',' .. way .. ',', 1, true)) then
      local line = sub(entry, 2)
      if kind == 'd' then
        dues_of[#dues_of + 1] = line
        seen[#seen + 1] = line
      else
        rings_of[#rings_of + 1] = { line, struct.pack('>I2', gate), struct.pack('>I2', way) }
      end
    end
  end
  return dues_of, rings_of
end

for lane = 0, 1 do
  local dues_of, rings_of = lines_of(lane)
  local function retries()
    for _, line in ipairs(dues_of) do
      if budget > 0 then take_due(line) end
    end
  end
  local function fresh()
    -- Each line begins a lease in its turn, so that none starves another.
    for turn = 1, #rings_of do
      local line = rings_of[(turn + number) % #rings_of + 1]
      rows, heads, tails, tenants_of, indexes, n_rows = {}, {}, {}, {}, {}, 0
      if budget > 0 then
        take_turns(line[1], lane, line[2], line[3])
        record_rows(line[1], lane)
      end
    end
  end
  -- Retries and fresh rows share what there is, each first in its turn: neither keeps the other waiting.
  local first, second = retries, fresh
  if number % 2 == 0 then first, second = fresh, retries end
  local kept = floor(budget / 2)
  budget = budget - kept
  first()
  budget = budget + kept
  second()
  first()
end
write_records(base, changed)
write_dues(base, dues)
write_journal(base, events)
for _, line in ipairs(seen) do
  local first = call('ZRANGE', base .. 'due:' .. line, 0, 0, 'WITHSCORES')
  if #first == 0 then
    call('SREM', base .. 'lines', 'd' .. line)
  elseif tonumber(first[2]) < FAR and (not next_due or tonumber(first[2]) < next_due) then
    next_due = tonumber(first[2])
  end
end
call('HSET', base .. 'leases', epoch, number .. ':' .. table.concat(ids))
return { 'ok', budget <= 0 and 1 or 0, next_due and string.format('%.0f', next_due) or '', stale, table.concat(out) }
