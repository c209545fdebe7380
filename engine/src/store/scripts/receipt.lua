-- Event: Receipt (Enroute → final), for the ordinary case: the recipient has one message, of one segment, and the
-- receipt's id is the answer's, octet for octet. Everything else goes back to the engine, which knows the other
-- equalities, and comes again as decide.lua.
-- KEYS[1] partition base, c:{pN}:
-- ARGV    for each receipt, 3 values: recipient, the SMSC's id of the message, result slot; at most 500
-- Returns: for each receipt 'S' and the message's first 41 octets (up to accepted_at) when it is settled, else 'R' and
-- the recipient's record, or 'N' when there is none.
-- Limits: 500 receipts a call.
local base = KEYS[1]
local recipients, n = {}, 0
for i = 1, #ARGV, 3 do n = n + 1; recipients[n] = ARGV[i] end
local records = redis.call('HMGET', base .. 'rec', unpack(recipients))
local counts, results, reply, gone, settled = {}, {}, {}, {}, {}
for m = 1, n do
  local i, record = 1 + (m - 1) * 3, records[m]
  if settled[recipients[m]] or not record then
    reply[m] = 'N'
  else
    local id = ARGV[i + 1]
    local length = byte(record, 43)
    if length and length > 0 and byte(record, 1) == 69 and byte(record, 31) == 1
      and 43 + length == #record and sub(record, 44) == id then
      local slot, message = ARGV[i + 2], sub(record, 17, 24)
      local letter = sub(slot, 1, 1)
      count(counts, message, letter, 1)
      if letter == 'R' then count(counts, message, '%', byte(record, 32)) end
      note_result(results, message, slot)
      gone[#gone + 1] = recipients[m]
      settled[recipients[m]] = true
      reply[m] = 'S' .. sub(record, 1, 41)
    else
      reply[m] = 'R' .. record
    end
  end
end
if #gone > 0 then redis.call('HDEL', base .. 'rec', unpack(gone)) end
write_counts(base, counts)
write_results(base, results)
return reply
