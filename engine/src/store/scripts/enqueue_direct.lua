-- Event: none → Queued. Adds one message to a tenant's direct campaign.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] lane  [4] partitions  [5] partition  [6] smsc (0 = no route)  [7] audience row
--     [8] entry up to its id  [9] entry after its id  [10] most positions a campaign may have here  [11] now, seconds
-- Returns: the packed MessageId, or '' when the campaign is full in this partition.
-- Limits: one message a call; at most ARGV[10] messages a campaign and partition.
local base, campaign, partitions = KEYS[1], ARGV[1], tonumber(ARGV[4])
local position = redis.call('LLEN', base .. 'aud:' .. campaign)
if position >= tonumber(ARGV[10]) then return '' end
redis.call('RPUSH', base .. 'aud:' .. campaign, ARGV[7])
local id = struct.pack('>I5I3', ARGV[1], position * partitions + tonumber(ARGV[5]))
local counts, results = {}, {}
count(counts, id, 'Q', 1)
if ARGV[6] == '0' then
  note_result(results, id, 'n\3\0\0' .. struct.pack('>I4', ARGV[11]))
  count(counts, id, 'n', 1)
else
  push(base, ARGV[6], ARGV[3], ARGV[2], campaign, { ARGV[8] .. id .. ARGV[9] })
end
write_counts(base, counts)
write_results(base, results)
redis.call('HINCRBY', base .. 'c:' .. campaign, 'expanded', 1)
return id
