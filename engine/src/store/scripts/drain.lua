-- Event: Cancel (Queued → canceled). Empties the queues of a stopped campaign, a stretch at a time.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] messages at most, up to 1,000  [3] now, seconds  then every smsc
-- Returns: messages canceled; 0 when the queues are empty.
-- Limits: ARGV[2] messages for each SMSC.
local base, campaign, want = KEYS[1], ARGV[1], tonumber(ARGV[2])
if redis.call('HGET', base .. 'c:' .. campaign, 'halt') ~= 'c' then return 0 end
local slot, counts, canceled = 'c\7\0\0' .. struct.pack('>I4', ARGV[3]), {}, 0
for i = 4, #ARGV do
  local entries = redis.call('LPOP', base .. 'q:' .. ARGV[i] .. ':' .. campaign, want) or {}
  local results = {}
  for _, entry in ipairs(entries) do
    note_result(results, sub(entry, 11, 18), slot)
    count(counts, sub(entry, 11, 18), 'c', 1)
  end
  write_results(base, results)
  canceled = canceled + #entries
end
write_counts(base, counts)
return canceled
