-- What the scripts share; put in front of each of them when they are loaded.
--
-- A record is a recipient's messages in submission order, packed as domain/record.rs says:
--   message = state(1) epoch(4) attempts(1) length(2) recipient(8) id(8) tenant(4) smsc(2) segments(1) credits(1) lane(1) body
-- KEYS[1] is always the partition's base, "c:{pN}:"; every other key is built from it and so has its hash tag.
local byte, sub, find, floor = string.byte, string.sub, string.find, math.floor

-- The last octet of the message that begins at `at`.
local function message_end(record, at)
  return at + 7 + byte(record, at + 6) * 256 + byte(record, at + 7)
end

-- First and last octet of the message with that id, or nil.
local function locate(record, id)
  local at = 1
  while at <= #record do
    local last = message_end(record, at)
    if sub(record, at + 16, at + 23) == id then return at, last end
    at = last + 1
  end
end

-- Whether a message of the record is claimed or waits to be claimed again: the next one has to wait behind it.
local function unanswered(record)
  local at = 1
  while at <= #record do
    local state = sub(record, at, at)
    if state == 'L' or state == 'D' then return true end
    at = message_end(record, at) + 1
  end
  return false
end

-- Makes the first waiting message due when nothing ahead of it is unanswered any more.
local function wake(base, record, now)
  local at = 1
  while at <= #record do
    local state, last = sub(record, at, at), message_end(record, at)
    if state == 'L' or state == 'D' then return record end
    if state == 'W' then
      local smsc = byte(record, at + 28) * 256 + byte(record, at + 29)
      redis.call('ZADD', base .. 'due:' .. smsc, now, sub(record, at + 8, at + 23))
      return sub(record, 1, at - 1) .. 'D' .. sub(record, at + 1)
    end
    at = last + 1
  end
  return record
end

-- Adds n to one of a campaign's counters, at the end of the script. A call from a script costs Redis some microseconds
-- whatever it does, so all counters of a partition are one hash, read and written in one call each.
--   id: a packed MessageId, whose first five octets are the campaign; letter: see store/counters.rs
local function count(counts, id, letter, n)
  local field = sub(id, 1, 5) .. letter
  counts[field] = (counts[field] or 0) + n
end

local function write_counts(base, counts)
  local fields, n = {}, 0
  for field in pairs(counts) do n = n + 1; fields[n] = field end
  if n == 0 then return end
  local key, pairs_of = base .. 'counts', {}
  local known = redis.call('HMGET', key, unpack(fields))
  for i = 1, n do
    pairs_of[2 * i - 1] = fields[i]
    -- As text a number has 14 digits: exact far beyond what is counted here.
    pairs_of[2 * i] = '' .. ((known[i] or 0) + counts[fields[i]])
  end
  redis.call('HSET', key, unpack(pairs_of))
end

-- Notes how a message ended, to be written at the end of the script. `id` is the packed MessageId.
local function note_result(results, id, slot)
  local n = #results
  results[n + 1] = id
  results[n + 2] = slot
end

local function write_results(base, results)
  if #results > 0 then redis.call('HSET', base .. 'res', unpack(results)) end
end

-- Writes back the records that a script changed; an empty one is removed.
local function write_records(base, changed)
  local set, gone = {}, {}
  for recipient, record in pairs(changed) do
    if record == '' then
      gone[#gone + 1] = recipient
    else
      set[#set + 1] = recipient
      set[#set + 1] = record
    end
  end
  if #set > 0 then redis.call('HSET', base .. 'rec', unpack(set)) end
  if #gone > 0 then redis.call('HDEL', base .. 'rec', unpack(gone)) end
end

-- Moves messages from one state to the next, each only if it still is exactly what the caller saw.
--   ARGV[1] now, microseconds; then for each move, 6 values:
--   recipient, expected message, its replacement ('' = at its end), counter letter ('' = none),
--   result slot ('' = not at its end), due time in microseconds ('' = not deferred)
-- `from`: the states that may be left, by the octets of their letters.
-- Returns: a string of 1 (moved) and 0 (was something else) in the order of the moves, then pairs of recipient and
-- parked receipts for those moved who have some.
local function move(from)
  local base, now = KEYS[1], ARGV[1]
  local recipients, n = {}, 0
  for i = 2, #ARGV, 6 do n = n + 1; recipients[n] = ARGV[i] end
  if n == 0 then return { '' } end
  local records = redis.call('HMGET', base .. 'rec', unpack(recipients))
  local changed, counts, results, moved = {}, {}, {}, {}
  for m = 1, n do
    local i, recipient = 2 + (m - 1) * 6, recipients[m]
    local expected, replacement = ARGV[i + 1], ARGV[i + 2]
    local record, after = changed[recipient], nil
    if record == nil then record = records[m] end
    if record and from[byte(expected, 1)] then
      if record == expected then
        after = replacement
      else
        local first, last = find(record, expected, 1, true)
        if first then after = wake(base, sub(record, 1, first - 1) .. replacement .. sub(record, last + 1), now) end
      end
    end
    if after then
      changed[recipient] = after
      moved[m] = '1'
      local id, letter, credits = sub(expected, 17, 24), ARGV[i + 3], byte(expected, 32)
      if letter ~= '' then count(counts, id, letter, 1) end
      if letter == 'A' then count(counts, id, '$', credits) end
      if letter == 'R' then count(counts, id, '%', credits) end
      -- A message that was in doubt is none any more, whatever it becomes.
      if byte(expected, 1) == 73 then count(counts, id, 'I', -1) end
      if ARGV[i + 4] ~= '' then note_result(results, id, ARGV[i + 4]) end
      if ARGV[i + 5] ~= '' then
        local smsc = byte(expected, 29) * 256 + byte(expected, 30)
        redis.call('ZADD', base .. 'due:' .. smsc, ARGV[i + 5], recipient .. id)
      end
    else
      moved[m] = '0'
    end
  end
  write_records(base, changed)
  write_counts(base, counts)
  write_results(base, results)
  local reply = { table.concat(moved) }
  if redis.call('EXISTS', base .. 'early') == 1 then
    local early = redis.call('HMGET', base .. 'early', unpack(recipients))
    for m = 1, n do
      if early[m] then
        reply[#reply + 1] = recipients[m]
        reply[#reply + 1] = early[m]
      end
    end
  end
  return reply
end

-- Keeps count of what is queued for an SMSC in a lane.
local function deepen(base, smsc, lane, n)
  if n ~= 0 then redis.call('HINCRBY', base .. 'depth', smsc .. ':' .. lane, n) end
end

-- Puts entries at the end of a campaign's queue for one SMSC, and the campaign and its tenant in line for it.
local function push(base, smsc, lane, tenant, campaign, entries)
  local queue = base .. 'q:' .. smsc .. ':' .. campaign
  local length = redis.call('RPUSH', queue, unpack(entries))
  deepen(base, smsc, lane, #entries)
  if length > #entries then return end
  local line = base .. 'lane:' .. smsc .. ':' .. lane .. ':' .. tenant
  if redis.call('RPUSH', line, campaign) == 1 then
    redis.call('RPUSH', base .. 'ring:' .. smsc .. ':' .. lane, tenant)
  end
end
