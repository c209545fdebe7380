-- Step: Accept (Leased → Enroute), for the ordinary case: one segment of which nothing was known before. The rest is move.lua.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] now, microseconds  [2] now, packed as I8  [3] now in seconds, packed as I4  [4] packed messages: recipient(8)
--     head(15) sender(8) length(1) the SMSC's id
-- Returns: a string of 1 (moved), 2 (had moved so before) and 0 (was something else), then pairs of recipient and parked
--     receipts for those moved who have some.
-- Limits: at most 500 messages a call.
local base, now, at8, at_s, packed = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local recipients, starts, n, at = {}, {}, 0, 1
while at <= #packed do
  n = n + 1
  recipients[n], starts[n] = sub(packed, at, at + 7), at
  at = at + 32 + byte(packed, at + 31)
end
local records = call('HMGET', base .. 'rec', unpack(recipients))
local changed, events, dues, flags = {}, {}, {}, {}
for m = 1, n do
  local recipient, start = recipients[m], starts[m]
  local record = changed[recipient] or records[m]
  local head, first, last = sub(packed, start + 8, start + 22), nil, nil
  if record then first, last = locate(record, head) end
  if first and last == first + BODY - 1 then
    local ends = start + 31 + byte(packed, start + 31)
    local id, tenant = sub(head, 8), sub(record, first + TENANT, first + TENANT + 3)
    local length = 23 + byte(packed, start + 31)
    -- State, the count of moves, what stays, the new length, the fixed rest; then when, and the only segment: taken.
    local message = char(FORM_MESSAGE, ENROUTE, (byte(head, 3) + 1) % 256) .. sub(head, 4)
      .. sub(record, first + ATTEMPTS, first + ATTEMPTS) .. char(floor(length / 256), length % 256)
      .. sub(record, first + TENANT, last) .. at8 .. '\1' .. sub(packed, start + 31, ends)
    events[#events + 1] = moved(record, first, 'E', '')
    if byte(record, first + LANE) >= CAPPED then count_for_cap(base, record, first, recipient, at_s) end
    local trails = trails_with(record, sub(packed, start + 23, start + 30), tenant, sub(id, 1, 5), at_s)
    local begin = messages_of(record)
    if begin == first and last == #record then
      changed[recipient] = trails .. message
    else
      wake(dues, record, tenant, byte(record, first + LANE) % CAPPED, recipient, now)
      changed[recipient] = trails .. sub(record, begin, first - 1) .. message .. sub(record, last + 1)
    end
    flags[m] = '1'
  else
    flags[m] = '0'
    if record then
      first = locate_id(record, sub(head, 8))
      if first and byte(record, first + STATE) == ENROUTE
        and sub(record, first + EPOCH, first + EPOCH + 3) == sub(head, 4, 7)
        and byte(record, first + MOVES) == (byte(head, 3) + 1) % 256 then flags[m] = '2' end
    end
  end
end
write_records(base, changed)
write_dues(base, dues)
write_journal(base, events)
return add_parked(base, recipients, { table.concat(flags) })
