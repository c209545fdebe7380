-- Notes that all rows of a draft have the prices of what it says since it was edited.
-- KEYS[1] campaign c:{tN}:cmp:<id>
-- ARGV[1] how often it was edited by then, from 1  [2] segments of the whole  [3] credits of the whole
-- Returns: 1 noted, or it was before; 0 it was edited since, or there is no such campaign.
-- Limits: one campaign.
local campaign = KEYS[1]
if redis.call('HGET', campaign, 'edits') ~= ARGV[1] then return 0 end
if redis.call('HDEL', campaign, 'unpriced') == 1 then
  redis.call('HSET', campaign, 'estimate_segments', ARGV[2], 'estimate_credits', ARGV[3])
end
return 1
