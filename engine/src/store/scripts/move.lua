-- Any step but Lease, Wait and Skip: moves messages, each only if it still is exactly what the caller saw. The one script
-- that knows no step by name: the states that may be left come from the table of states.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] now, microseconds  [2] now in seconds, packed as I4  then for each move, 7 values:
--     letters of the states that may be left, recipient, head that is expected, replacement ('' = at its end),
--     event for the journal ('' = none), line and due time in microseconds with a space between ('' = not deferred),
--     's' and the sender (8 octets) of one that was taken, 'd' and digests of settled receipts, or ''
-- Returns: a string of 1 (moved), 2 (had moved so before) and 0 (was something else), then pairs of recipient and parked
--     receipts for those moved who have some.
-- Limits: at most 500 messages a call.
local base, now, at_s = KEYS[1], ARGV[1], ARGV[2]
local recipients, n = {}, 0
for i = 3, #ARGV, 7 do n = n + 1; recipients[n] = ARGV[i + 1] end
local records = call('HMGET', base .. 'rec', unpack(recipients))
local changed, events, dues, flags, found = {}, {}, {}, {}, {}
for m = 1, n do
  local i, recipient = 3 + (m - 1) * 7, recipients[m]
  local from, expected, replacement, event, due, note = ARGV[i], ARGV[i + 2], ARGV[i + 3], ARGV[i + 4], ARGV[i + 5], ARGV[i + 6]
  local record, first, last = changed[recipient], nil, nil
  if record == nil then record = records[m] end
  if record and find(from, sub(expected, 2, 2), 1, true) then first, last = locate(record, expected) end
  if first then
    local tenant, octet = sub(record, first + TENANT, first + TENANT + 3), byte(record, first + LANE)
    local state, member = byte(record, first + STATE), recipient .. sub(expected, 8)
    if event ~= '' then events[#events + 1] = event end
    if state == WAITING or state == DEFERRED then
      call('ZREM', base .. 'due:' .. line_of(record, first), member)
      call('ZREM', base .. 'due:' .. pinned_line_of(record, first), member)
    end
    if due ~= '' then
      local line, score = string.match(due, '^(%S+) (%d+)$')
      note_due(dues, line, score, member)
    end
    if octet >= CAPPED and byte(replacement, 2) == ENROUTE and state ~= ENROUTE then
      count_for_cap(base, record, first, recipient, at_s)
    end
    local after = sub(record, 1, first - 1) .. replacement .. sub(record, last + 1)
    if byte(note, 1) == 115 then -- s
      after = trails_with(record, sub(note, 2) .. tenant .. sub(expected, 8, 12) .. at_s) .. sub(after, messages_of(after))
    elseif byte(note, 1) == 100 then -- d
      after = remember(after, sub(note, 2))
    end
    wake(dues, after, tenant, octet % CAPPED, recipient, now)
    changed[recipient] = after
    flags[m] = '1'
    found[#found + 1] = recipient
  else
    flags[m] = '0'
    if record and replacement ~= '' and locate(record, sub(replacement, 1, HEAD)) then
      flags[m] = '2'
      found[#found + 1] = recipient
    end
  end
end
write_records(base, changed)
write_dues(base, dues)
write_journal(base, events)
return add_parked(base, found, { table.concat(flags) })
