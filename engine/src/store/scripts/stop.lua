-- Step: Skip (Waiting, Deferred → skipped). A recipient does not want messages any more: kept, and what waits for them ends.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] tenant packed as I4, '' for all  [2] lanes, each a digit  [3] now, seconds  then each recipient, 8 octets
-- Returns: how many were not known before.
-- Limits: at most 1,000 recipients a call.
local base, tenant, lanes, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local slot, added, changed, events = 's\8\0\0' .. struct.pack('>I4', now), 0, {}, {}
for i = 4, #ARGV do
  local recipient, new = ARGV[i], 0
  for lane in string.gmatch(lanes, '%d') do
    if tenant == '' then
      new = math.max(new, call('SADD', base .. 'stopall:' .. lane, recipient))
    else
      new = math.max(new, call('SADD', base .. 'stop:' .. lane, tenant .. recipient))
    end
  end
  added = added + new
  local record = call('HGET', base .. 'rec', recipient) or ''
  local at, kept = messages_of(record), sub(record, 1, messages_of(record) - 1)
  while at <= #record do
    local last, state = item_end(record, at), byte(record, at + STATE)
    local wanted = find(lanes, tostring(byte(record, at + LANE) % CAPPED), 1, true)
      and (tenant == '' or sub(record, at + TENANT, at + TENANT + 3) == tenant)
    -- What an SMSC has a part of is not called back.
    if wanted and last == at + BODY - 1 and (state == WAITING or state == DEFERRED) then
      events[#events + 1] = moved(record, at, '.', slot)
      call('ZREM', base .. 'due:' .. line_of(record, at), recipient .. sub(record, at + ID, at + ID + 7))
    else
      kept = kept .. sub(record, at, last)
    end
    at = last + 1
  end
  if kept ~= record then changed[recipient] = kept end
end
write_records(base, changed)
write_journal(base, events)
return added
