-- Step: Settle (Enroute → final), for the ordinary case: the recipient has one message, of one segment, and the receipt's id
-- is the answer's, octet for octet. Everything else goes back to the engine, which knows the other equalities, and comes
-- again by move.lua.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] packed receipts: recipient(8) smsc(2) digest(4) result slot(8) length(1) the SMSC's id
-- Returns: for each receipt 'S' and when the message was taken (8 octets) when it is settled, 'D' when it was before, 'R' and
--     the recipient's record, or 'N' when there is none.
-- Limits: at most 500 receipts a call.
local base, packed = KEYS[1], ARGV[1]
local recipients, starts, n, at = {}, {}, 0, 1
while at <= #packed do
  n = n + 1
  recipients[n], starts[n] = sub(packed, at, at + 7), at
  at = at + 23 + byte(packed, at + 22)
end
local records = call('HMGET', base .. 'rec', unpack(recipients))
local changed, events, e, reply, set, s = {}, {}, 0, {}, {}, 0
for m = 1, n do
  local recipient, start = recipients[m], starts[m]
  local record = changed[recipient] or records[m]
  if not record then
    reply[m] = 'N'
  else
    local first, newest = messages_of(record), byte(record, 2)
    -- Behind the fixed part: when it was taken (8), the only segment's mark (1), length and id.
    if byte(record, first + STATE) == ENROUTE and byte(record, first + BODY + 8) == 1 and first > 1
      and byte(packed, start + 22) > 0 and byte(record, first + SMSC + 1) == byte(packed, start + 9)
      and byte(record, first + SMSC) == byte(packed, start + 8)
      and sub(record, first + BODY + 9) == sub(packed, start + 22, start + 22 + byte(packed, start + 22))
    then
      e = e + 1
      events[e] = 'mE.' .. sub(record, first + ID, first + CREDITS) .. sub(packed, start + 14, start + 21)
      reply[m] = 'S' .. sub(record, first + BODY, first + BODY + 7)
      local after
      if newest <= 21 + 4 * (DIGESTS_MAX - 1) then
        after = char(FORM_TRAIL, newest + 4) .. sub(record, 3, newest + 2) .. sub(packed, start + 10, start + 13)
        if first > newest + 3 then after = after .. sub(record, newest + 3, first - 1) end
      else
        after = remember(sub(record, 1, first - 1), sub(packed, start + 10, start + 13))
      end
      changed[recipient] = after
      set[s + 1], set[s + 2], s = recipient, after, s + 2
    elseif first > #record then
      reply[m] = 'N'
      local trail, digest = 1, sub(packed, start + 10, start + 13)
      while trail < first do
        local ends = trail + 1 + byte(record, trail + 1)
        for d = trail + TRAIL_DIGESTS, ends, 4 do
          if sub(record, d, d + 3) == digest then reply[m] = 'D' end
        end
        trail = ends + 1
      end
    else
      reply[m] = 'R' .. record
    end
  end
end
if s > 0 then call('HSET', base .. 'rec', unpack(set)) end
write_journal(base, events)
return reply
