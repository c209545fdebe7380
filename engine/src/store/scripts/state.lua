-- Moves a campaign from one of some states to another.
-- KEYS[1] campaign c:{tN}:cmp:<id>
-- ARGV[1] states it may be in, between commas  [2] the state then  [3] a field that is set with it, or none  [4] its value, and so on
-- Returns: 1 moved; 0 it is in another state; -1 there is no such campaign.
-- Limits: one campaign.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return -1 end
if not string.find(ARGV[1], ',' .. state .. ',', 1, true) then return 0 end
redis.call('HSET', KEYS[1], 'state', ARGV[2], unpack(ARGV, 3))
return 1
