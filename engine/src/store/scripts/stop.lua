-- Step: Skip (Waiting, Deferred → skipped). A recipient does not want messages any more: kept, and what waits for them ends.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] tenant packed as I4, '' for all  [2] lanes, each a digit  [3] now, seconds  then each recipient, 8 octets
-- Returns: how many were not known before.
-- Limits: at most 1,000 recipients a call.
local base, tenant, lanes, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local slot, added, changed, events = 's\8\0\0' .. struct.pack('>I4', now), 0, {}, {}
for i = 4, #ARGV do
  local recipient = ARGV[i]
  added = added + opt_out(base, recipient, lanes, tenant)
  local record = call('HGET', base .. 'rec', recipient) or ''
  local kept = end_waiting(base, recipient, record, { lanes, tenant, slot }, events)
  if kept ~= record then changed[recipient] = kept end
end
write_records(base, changed)
write_journal(base, events)
return added
