-- Step: Accept (Leased → Enroute), for the ordinary case: one segment of which nothing was known before. The rest is move.lua.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] now, microseconds  [2] now, packed as I8  [3] now in seconds, packed as I4  [4] packed messages: recipient(8)
--     head(15) and what the trail begins with: sender(8) tenant(4) campaign(5) now(4), then length(1) and the SMSC's id
-- Returns: a string of 1 (moved), 2 (had moved so before) and 0 (was something else), then pairs of recipient and parked
--     receipts for those moved who have some.
-- Limits: at most 500 messages a call.
local base, now, at_s, packed = KEYS[1], ARGV[1], ARGV[3], ARGV[4]
local TRAIL, LENGTH_OF_ID, FIXED_LENGTH = 23, 44, 23 -- in an item: where the trail and the id begin; a body without its id
local recipients, starts, n, at = {}, {}, 0, 1
while at <= #packed do
  n = n + 1
  recipients[n], starts[n] = sub(packed, at, at + 7), at
  at = at + LENGTH_OF_ID + 1 + byte(packed, at + LENGTH_OF_ID)
end
local records = call('HMGET', base .. 'rec', unpack(recipients))
local changed, events, e, dues, flags, set, s = {}, {}, 0, {}, {}, {}, 0
local taken, enroute, lengths = ARGV[2] .. '\1', char(FORM_MESSAGE, ENROUTE), {}

-- The message as it is then: what stays, the new length, the fixed rest; when, and the only segment: taken, with its id.
local function accepted(record, first, start)
  local of_id = byte(packed, start + LENGTH_OF_ID)
  local length = lengths[of_id]
  if not length then
    length = char(floor((FIXED_LENGTH + of_id) / 256), (FIXED_LENGTH + of_id) % 256)
    lengths[of_id] = length
  end
  e = e + 1
  events[e] = 'mLE' .. sub(record, first + ID, first + CREDITS)
  return enroute .. char((byte(record, first + MOVES) + 1) % 256) .. sub(record, first + EPOCH, first + ATTEMPTS) .. length
    .. sub(record, first + TENANT, first + CREDITS) .. taken .. sub(packed, start + LENGTH_OF_ID, start + LENGTH_OF_ID + of_id)
end

for m = 1, n do
  local recipient, start = recipients[m], starts[m]
  local record = changed[recipient] or records[m]
  local head, flag = sub(packed, start + 8, start + 22), '0'
  if record and #record == BODY and sub(record, 1, HEAD) == head and byte(record, 1 + LANE) < CAPPED and not changed[recipient] then
    -- The only message of a recipient without trails.
    local after = char(FORM_TRAIL, 21) .. sub(packed, start + TRAIL, start + LENGTH_OF_ID - 1) .. accepted(record, 1, start)
    changed[recipient] = after
    set[s + 1], set[s + 2], s, flag = recipient, after, s + 2, '1'
  elseif record then
    local first, last = locate(record, head)
    if first and last == first + BODY - 1 then
      if byte(record, first + LANE) >= CAPPED then count_for_cap(base, record, first, recipient, at_s) end
      local trails, begin = trails_with(record, sub(packed, start + TRAIL, start + LENGTH_OF_ID - 1)), messages_of(record)
      if begin ~= first or last ~= #record then
        local tenant, lane = sub(record, first + TENANT, first + TENANT + 3), byte(record, first + LANE) % CAPPED
        wake(dues, record, tenant, lane, recipient, now)
      end
      local after = trails .. sub(record, begin, first - 1) .. accepted(record, first, start) .. sub(record, last + 1)
      changed[recipient] = after
      set[s + 1], set[s + 2], s, flag = recipient, after, s + 2, '1'
    else
      first = locate_id(record, sub(head, 8))
      if first and byte(record, first + STATE) == ENROUTE
        and sub(record, first + EPOCH, first + EPOCH + 3) == sub(head, 4, 7)
        and byte(record, first + MOVES) == (byte(head, 3) + 1) % 256 then flag = '2' end
    end
  end
  flags[m] = flag
end
if s > 0 then call('HSET', base .. 'rec', unpack(set)) end
write_dues(base, dues)
write_journal(base, events)
return add_parked(base, recipients, { table.concat(flags) })
