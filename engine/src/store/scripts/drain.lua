-- Event: Cancel (Queued → canceled). Empties the queues of a stopped campaign, a stretch at a time.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] partitions  [3] messages at most, up to 1,000  [4] now, seconds  then every smsc
-- Returns: messages canceled; 0 when the queues are empty.
-- Limits: ARGV[3] messages for each SMSC.
local base, campaign, partitions, want = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
if redis.call('HGET', base .. 'c:' .. campaign, 'halt') ~= 'c' then return 0 end
local slot, counts, canceled = 'c\7\0\0' .. struct.pack('>I4', ARGV[4]), {}, 0
for i = 5, #ARGV do
  local entries = redis.call('LPOP', base .. 'q:' .. ARGV[i] .. ':' .. campaign, want) or {}
  for _, entry in ipairs(entries) do
    write_result(base, partitions, campaign, sub(entry, 11, 18), slot)
    count(counts, campaign, 'c' .. byte(entry, 26), 1)
  end
  canceled = canceled + #entries
end
write_counts(base, counts)
return canceled
