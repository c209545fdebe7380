-- Moves a campaign from one of some states to another.
-- KEYS[1] campaign c:{tN}:cmp:<id>
-- ARGV[1] states it may be in, between commas  [2] the state then  [3] how often it was edited, as it was read; empty: however often
--     then field and value of each that is set with it
-- Returns: 1 moved; 0 it is in another state; -1 there is no such campaign; -2 it was edited since it was read.
-- Limits: one campaign.
local state = redis.call('HGET', KEYS[1], 'state')
if not state then return -1 end
if not string.find(ARGV[1], ',' .. state .. ',', 1, true) then return 0 end
if ARGV[3] ~= '' and (redis.call('HGET', KEYS[1], 'edits') or '0') ~= ARGV[3] then return -2 end
redis.call('HSET', KEYS[1], 'state', ARGV[2], unpack(ARGV, 4))
return 1
