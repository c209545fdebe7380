-- Step: Lease (Queued, Waiting, Deferred → Leased), Wait behind an earlier message, Skip who opted out or is capped.
-- Claims due messages for one SMSC, lane by lane: what is due again, campaigns taking turns, and what was never leased, round
-- and round over the tenants, each as often as its weight says; the two share what there is, and begin in turns. Asked again
-- with the same number it gives the same reply.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] epoch, decimal  [2] number of this lease, from 1  [3] number of the one before, 0: none  [4] now, microseconds
--     [5] smsc  [6] segments wanted, at most 1,000  [7] version of the routes  [8] routes that the SMSC serves, ",1,2,"
--     [9] gates that are open, ",0,"  [10] partitions  [11] run id of the server that all engines have checked in with, empty where
--     there is no other engine
-- Returns: 'ok', 1 when more is due, the next due time in microseconds or '', lines whose spans are older than the routes
--     (1 or 0), then one string: for each leased message length(2) of its row, length(2) of its record or 0, where the
--     message begins in that, from 0 (2), row, and the record; the message alone where that is long. 'older' and the last
--     known number: the database is older than what this process has seen of it. 'elsewhere': it is on another server, with which
--     not all have checked in.
-- Limits: 1,000 segments a call; turns of at most 16 messages times the weight. The last message may have more segments
--     than were still wanted.
local base, epoch, number, before, now, smsc = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local budget, version, served, open, partitions = tonumber(ARGV[6]), tonumber(ARGV[7]), ARGV[8], ARGV[9], tonumber(ARGV[10])
-- Messages a tenant gets in one turn: turns cost calls, long turns cost the others time. A lease of a few gives one to each.
local QUANTUM_MIN, QUANTUM_MAX = 8, 16
-- Members of a due set among which campaigns take turns.
local DUE_WINDOW = 256
-- A message that waits is looked at again then, for what ended its waiting without saying so: a pause, a gate.
local RECHECK_US = 1000000
-- The same of one whose tenant is suspended: that takes hours, and who lets it go on can wait for its retries.
local RECHECK_SUSPENDED_US = 10000000

if ARGV[11] ~= '' and not find(call('INFO', 'server'), ARGV[11], 1, true) then return { 'elsewhere' } end

local epoch4, smsc2, now_s = struct.pack('>I4', epoch), struct.pack('>I2', smsc), floor(now / 1000000)
local out, o = {}, 0
-- What was leased, as it is remembered: 'm' recipient(8) id(8) for a message that was due, 't' campaign(5) first row(4)
-- rows(4) for a turn.
local notes, n_notes = {}, 0
-- Records that are longer are not handed out: of a number to which hundreds of messages are under way.
local RECORD_MAX = 1024

local headers = {}
local function hand_out(row, record, first, ends)
  local header
  if first == 1 and ends == #record then
    header = headers[#row * 65536 + ends]
    if not header then
      header = struct.pack('>I2I2I2', #row, ends, 0)
      headers[#row * 65536 + ends] = header
    end
  elseif #record <= RECORD_MAX then
    header = struct.pack('>I2I2I2', #row, #record, first - 1)
  else
    header, record = struct.pack('>I2I2I2', #row, 0, 0), sub(record, first, ends)
  end
  out[o + 1], out[o + 2], out[o + 3] = header, row, record
  o = o + 3
end

-- A packed index is position × partitions + partition; the partition is in the base.
local partition = tonumber(string.match(base, '{p(%d+)}'))

-- The row of a message that was leased before.
local function row_of(record, at)
  local index = byte(record, at + ID + 5) * 65536 + byte(record, at + ID + 6) * 256 + byte(record, at + ID + 7)
  return call('LINDEX', base .. 'aud:' .. campaign_of(record, at), floor(index / partitions)) or ''
end

-- A message that the last lease brought is handed out again, if it still is under that lease.
local function again(recipient, id, row)
  local record = call('HGET', base .. 'rec', recipient)
  if not record then return end
  local first, ends = locate_id(record, id)
  if first and byte(record, first + STATE) == LEASED and sub(record, first + EPOCH, first + EPOCH + 3) == epoch4 then
    hand_out(row or row_of(record, first), record, first, ends)
  end
end

local known = call('HGET', base .. 'leases', epoch)
local last = '0'
if known then last = sub(known, 1, find(known, ':', 1, true) - 1) end
if last == number then
  local at = #number + 2
  while at <= #known do
    if byte(known, at) == 109 then -- m
      again(sub(known, at + 1, at + 8), sub(known, at + 9, at + 16))
      at = at + 17
    else
      local campaign, first, count = struct.unpack('>I5I4I4', sub(known, at + 1, at + 13))
      local rows = call('LRANGE', string.format('%saud:%.0f', base, campaign), first, first + count - 1)
      for i, row in ipairs(rows) do
        local id = struct.pack('>I5I3', campaign, (first + i - 1) * partitions + partition)
        again(sub(row, ROW_RECIPIENT, ROW_RECIPIENT + 7), id, row)
      end
      at = at + 14
    end
  end
  return { 'ok', 1, '', 0, table.concat(out) }
end
if last ~= before then return { 'older', last } end

local events, dues, halts, stale = {}, {}, {}, 0

-- Records that this lease has changed: recipient and record in turns, and where each stands.
local set, s, slots = {}, 0, {}
local function put(recipient, record)
  local slot = slots[recipient]
  if slot then
    set[slot] = record
  else
    set[s + 1], set[s + 2] = recipient, record
    s = s + 2
    slots[recipient] = s
  end
end

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

-- Members of a due set that are due, as many as may be taken at most. Where more are, campaigns take turns, among those that
-- have waited longest and now and then among those that have not: whoever was refused once does not wait for all that
-- another tenant had refused before. A lease of one gives one campaign its turn, so that they begin leases in turns as well.
local function choose_due(key)
  local most, due = math.max(budget, DUE_WINDOW), nil
  if number % 4 == 3 then
    due = call('ZREVRANGEBYSCORE', key, now, '-inf', 'LIMIT', '0', most)
  else
    due = call('ZRANGEBYSCORE', key, '-inf', now, 'LIMIT', '0', most)
  end
  if #due <= budget then return due end
  local of, order, chosen = {}, {}, {}
  for _, member in ipairs(due) do
    local campaign = sub(member, 9, 13)
    if not of[campaign] then
      of[campaign] = {}
      order[#order + 1] = campaign
    end
    table.insert(of[campaign], member)
  end
  -- By their numbers, whichever has waited longest: every other lease begins with retries.
  table.sort(order)
  local turn, begin = 1, floor(number / 2)
  while #chosen < budget do
    for i = 1, #order do
      local member = of[order[(i + begin) % #order + 1]][turn]
      if member and #chosen < budget then chosen[#chosen + 1] = member end
    end
    turn = turn + 1
  end
  return chosen
end

local has_caps, has_suspended = call('EXISTS', base .. 'caps') == 1, call('EXISTS', base .. 'suspended') == 1

-- Whether nothing of that tenant is leased; asked once a tenant.
local suspended_of = {}
local function is_suspended(tenant4)
  if not has_suspended then return false end
  if suspended_of[tenant4] == nil then
    suspended_of[tenant4] = call('SISMEMBER', base .. 'suspended', (struct.unpack('>I4', tenant4))) == 1
  end
  return suspended_of[tenant4]
end

-- A tenant's frequency cap in a lane, "most seconds", or nil: reminders have none.
local function cap_of(tenant4, lane)
  return lane == 1 and has_caps and call('HGET', base .. 'caps', (struct.unpack('>I4', tenant4))) or nil
end

-- Whether a recipient has had enough of a tenant's messages: those that were taken, and those that may be by now.
local function is_capped(cap, tenant4, recipient, record)
  local most, seconds = string.match(cap, '^(%d+) (%d+)$')
  local times, count = call('HGET', base .. 'cap:' .. (struct.unpack('>I4', tenant4)), recipient) or '', 0
  for at = 1, #times, 4 do
    if struct.unpack('>I4', sub(times, at, at + 3)) > now_s - seconds then count = count + 1 end
  end
  local at = record and messages_of(record) or 1
  while record and at <= #record do
    local state, last = byte(record, at + STATE), item_end(record, at)
    if byte(record, at + LANE) >= CAPPED and sub(record, at + TENANT, at + TENANT + 3) == tenant4
      and (state == LEASED or state == IN_DOUBT or state ~= ENROUTE and not is_whole(record, at, last)) then
      count = count + 1
    end
    at = last + 1
  end
  return count >= tonumber(most)
end

-- Leaves out a message that waits, when its turn comes and its recipient wants no more. Returns whether it was left out.
local function leave_out(record, first, ends, recipient)
  local tenant4, lane, reason = sub(record, first + TENANT, first + TENANT + 3), byte(record, first + LANE) % CAPPED, nil
  local cap = cap_of(tenant4, lane)
  if call('SISMEMBER', base .. 'stop:' .. lane, tenant4 .. recipient) == 1
    or call('SISMEMBER', base .. 'stopall:' .. lane, recipient) == 1 and not is_back(base, recipient, lane, tenant4) then
    reason = '\8'
  elseif cap and is_capped(cap, tenant4, recipient, record) then
    reason = '\9'
  else
    return false
  end
  events[#events + 1] = moved(record, first, '.', 's' .. reason .. '\0\0' .. struct.pack('>I4', now_s))
  put(recipient, sub(record, 1, first - 1) .. sub(record, ends + 1))
  return true
end

-- What is due again in a line.
local function take_due(line)
  local key = base .. 'due:' .. line
  local due = choose_due(key)
  if #due == 0 then return end
  local recipients, gone, later, behind = {}, {}, {}, {}
  for i = 1, #due do recipients[i] = sub(due[i], 1, 8) end
  local records = call('HMGET', base .. 'rec', unpack(recipients))
  for i = 1, #due do
    local recipient, id = recipients[i], sub(due[i], 9, 16)
    local record = slots[recipient] and set[slots[recipient]] or records[i]
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
      elseif is_suspended(tenant) then
        later[#later + 1] = now + RECHECK_SUSPENDED_US
        later[#later + 1] = due[i]
      elseif is_held_up(record, first, tenant, lane) then
        later[#later + 1] = now + RECHECK_US
        later[#later + 1] = due[i]
        behind[#behind + 1] = due[i]
      elseif is_whole(record, first, ends) and leave_out(record, first, ends, recipient) then
        gone[#gone + 1] = due[i]
      else
        gone[#gone + 1] = due[i]
        local message = sub(record, first, first) .. char(LEASED, (byte(record, first + MOVES) + 1) % 256) .. epoch4
          .. sub(record, first + ID, first + SMSC - 1) .. smsc2
          .. char(lane + (cap_of(tenant, lane) and CAPPED or 0)) .. sub(record, first + GATE, ends)
        local after = sub(record, 1, first - 1) .. message .. sub(record, ends + 1)
        put(recipient, after)
        hand_out(row_of(record, first), after, first, ends)
        n_notes = n_notes + 1
        notes[n_notes] = 'm' .. recipient .. id
        budget = budget - byte(record, first + SEGMENTS)
      end
    end
  end
  if #gone > 0 then
    call('ZREM', key, unpack(gone))
    note_gone(base, line, gone)
  end
  if #later > 0 then call('ZADD', key, 'XX', unpack(later)) end
  if #behind > 0 then note_behind(base, line, behind) end
end

-- Rows that were taken from spans in a line, and the turns that they were taken in: first and last of its rows, what their
-- ids begin with, the position × partitions of the first, what follows the ids, the tenant.
local rows, n_rows, turns
-- Lists of which the last entry was taken: they go together.
local emptied

local has_paced = call('EXISTS', base .. 'paced') == 1

-- With how many permits rows of a campaign are leased; nil: it has no rate.
local function permits_of(campaign)
  return has_paced and tonumber(call('HGET', base .. 'paced', campaign) or nil) or nil
end

-- The first campaign of a tenant's lane that may be leased from, with what is behind it and its permits: those that wait for permits
-- step back.
local function first_in(lane_key)
  local campaign, next_campaign, permits = nil, nil, 0
  for _ = 1, has_paced and call('LLEN', lane_key) or 1 do
    -- The second of each says whether there is more behind the first.
    campaign, next_campaign = unpack(call('LRANGE', lane_key, '0', '1'))
    permits = campaign and permits_of(campaign)
    if permits ~= 0 then return campaign, next_campaign, permits end
    if next_campaign then call('RPUSH', lane_key, call('LPOP', lane_key)) end
  end
  return nil, campaign
end

local has_rated = call('EXISTS', base .. 'rated') == 1

-- With how many permits rows of a tenant are leased; nil: it has no rate. Who has none left wants some, and stands beside the ring until then.
local function allowance_of(line, lane, tenant)
  local permits = has_rated and tonumber(call('HGET', base .. 'rated', tenant) or nil) or nil
  if permits == 0 then
    call(lane == 0 and 'HSET' or 'HSETNX', base .. 'wants', tenant, lane)
    call('SADD', base .. 'aside:' .. tenant, line)
  end
  return permits
end

-- Takes up to `want` rows of a tenant's oldest campaign. Returns whether the tenant goes on standing in this ring; nil: it does, and all that
-- it has there waits for permits of its campaigns.
local function take(line, lane, gate2, route2, tenant, want)
  local lane_key = base .. 'lane:' .. line .. ':' .. tenant
  local campaign, next_campaign, permits = first_in(lane_key)
  if not campaign then
    if next_campaign then return nil end
    return false
  end
  local spans = base .. 'spans:' .. line .. ':' .. campaign
  local span, next_span = unpack(call('LRANGE', spans, '0', '1'))
  if not span then
    -- Lost, as by hand: what it had there is missed elsewhere, and nobody waits behind it.
    call('HDEL', base .. 'c:' .. campaign, 's:' .. line)
    call('LREM', lane_key, 0, campaign)
    return next_campaign ~= nil
  end
  local first, count, cut = struct.unpack('>I4I4I4', span)
  if cut < version then
    call('LPOP', lane_key)
    call('RPUSH', base .. 'stale', line .. ' ' .. tenant .. ' ' .. campaign)
    stale = 1
    return next_campaign ~= nil
  end
  local allowance = allowance_of(line, lane, tenant)
  if allowance == 0 then return false end
  want = math.min(want, count, permits or count, allowance or count)
  local found = call('LRANGE', base .. 'aud:' .. campaign, first, first + want - 1)
  local used, tenant4, head, before_rows = 0, struct.pack('>I4', tenant), struct.pack('>I5', campaign), n_rows
  while used < #found and budget > 0 do
    used = used + 1
    n_rows = n_rows + 1
    rows[n_rows] = found[used]
    budget = budget - byte(found[used], ROW_SEGMENTS)
  end
  if permits then call('HINCRBY', base .. 'paced', campaign, -used) end
  if allowance then call('HINCRBY', base .. 'rated', tenant, -used) end
  if used > 0 then
    local tail = '\0\0\13' .. tenant4 .. route2 .. smsc2 .. char(lane) .. gate2
    turns[#turns + 1] = { before_rows + 1, n_rows, head, first * partitions + partition, tail, tenant4 }
    n_notes = n_notes + 1
    notes[n_notes] = 't' .. head .. struct.pack('>I4I4', first, used)
  end
  if #found == 0 then
    used = want
    events[#events + 1] = range('f', 0, campaign, tenant, first, want)
  end
  if used < count then
    call('LSET', spans, '0', struct.pack('>I4I4I4', first + used, count - used, cut))
    return true
  end
  if next_span then
    call('LPOP', spans)
    return true
  end
  emptied[#emptied + 1] = spans
  call('HDEL', base .. 'c:' .. campaign, 's:' .. line)
  if next_campaign then
    call('LPOP', lane_key)
    return true
  end
  emptied[#emptied + 1] = lane_key
  return false
end

-- Round and round over the tenants in a line's ring.
local function take_turns(line, lane, gate2, route2)
  local ring, before_rows, resting = base .. 'ring:' .. line, n_rows, {}
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
      else
        local more = take(line, lane, gate2, route2, tenant, math.min(budget, quantum * tonumber(weights[i] or 1)))
        if more then again[#again + 1] = tenant end
        if more == nil then resting[#resting + 1] = tenant end
      end
    end
    if #unserved > 0 then call('LPUSH', ring, unpack(unserved)) end
    if #again > 0 then call('RPUSH', ring, unpack(again)) end
  end
  if #resting > 0 then
    call('RPUSH', ring, unpack(resting))
    call('SADD', base .. 'lines', 'r' .. line)
  end
  if #emptied > 0 then call('DEL', unpack(emptied)) end
  if n_rows > before_rows then call('HINCRBY', base .. 'depth', line, before_rows - n_rows) end
end

-- Which of the line's rows are left out: reason by row.
local function left_out(lane, recipients, records)
  local out_of, stop, stopall = {}, base .. 'stop:' .. lane, base .. 'stopall:' .. lane
  if call('EXISTS', stop) == 1 then
    local members = {}
    for _, turn in ipairs(turns) do
      local tenant4 = turn[6]
      for i = turn[1], turn[2] do members[i] = tenant4 .. recipients[i] end
    end
    for i, struck in ipairs(call('SMISMEMBER', stop, unpack(members))) do
      if struck == 1 then out_of[i] = 8 end
    end
  end
  if call('EXISTS', stopall) == 1 then
    local struck = call('SMISMEMBER', stopall, unpack(recipients))
    for _, turn in ipairs(turns) do
      for i = turn[1], turn[2] do
        if struck[i] == 1 and not is_back(base, recipients[i], lane, turn[6]) then out_of[i] = 8 end
      end
    end
  end
  if lane == 0 or not has_caps then return out_of end
  for _, turn in ipairs(turns) do
    local cap = cap_of(turn[6], lane)
    for i = turn[1], turn[2] do
      local slot = slots[recipients[i]]
      local record = slot and set[slot] or records[i]
      if cap and not out_of[i] and is_capped(cap, turn[6], recipients[i], record) then out_of[i] = 9 end
    end
    turn[5] = sub(turn[5], 1, 11) .. char(lane + (cap and CAPPED or 0)) .. sub(turn[5], 13)
  end
  return out_of
end

-- Makes the rows that were taken part of their recipients' records.
local function record_rows(lane)
  if n_rows == 0 then return end
  local recipients, pack = {}, struct.pack
  for i = 1, n_rows do recipients[i] = sub(rows[i], ROW_RECIPIENT, ROW_RECIPIENT + 7) end
  local records = call('HMGET', base .. 'rec', unpack(recipients))
  local out_of = left_out(lane, recipients, records)
  local leased = char(FORM_MESSAGE, LEASED, 0) .. epoch4
  for _, turn in ipairs(turns) do
    local head, index, tail = leased .. turn[3], turn[4], turn[5]
    for i = turn[1], turn[2] do
      local row, recipient = rows[i], recipients[i]
      local record = records[i]
      if slots[recipient] then record = set[slots[recipient]] end
      local message = head .. pack('>I3', index) .. tail .. sub(row, ROW_SEGMENTS, ROW_CREDITS)
      index = index + partitions
      if out_of[i] then
        local slot = 's' .. char(out_of[i]) .. '\0\0' .. pack('>I4', now_s)
        events[#events + 1] = 'mQ' .. sub(moved(message, 1, '.', slot), 3)
      elseif not record then
        put(recipient, message)
        hand_out(row, message, 1, BODY)
      elseif is_held_up(record, #record, turn[6], lane) then
        message = char(FORM_MESSAGE, WAITING) .. sub(message, 3)
        put(recipient, record .. message)
        note_due(dues, line_of(message, 1), now + RECHECK_US, recipient .. sub(message, 1 + ID, ID + 8))
      else
        local after = record .. message
        put(recipient, after)
        hand_out(row, after, #record + 1, #after)
      end
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
      rows, n_rows, turns, emptied = {}, 0, {}, {}
      if budget > 0 then
        take_turns(line[1], lane, line[2], line[3])
        record_rows(lane)
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
write_pairs(base, set, s)
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
call('HSET', base .. 'leases', epoch, number .. ':' .. table.concat(notes))
return { 'ok', budget <= 0 and 1 or 0, next_due and string.format('%.0f', next_due) or '', stale, table.concat(out) }
