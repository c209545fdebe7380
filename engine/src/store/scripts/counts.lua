-- Keeps how many recipients a campaign was found to have, and what it will take.
-- KEYS[1] campaign c:{tN}:cmp:<id>
-- ARGV[1] number of the finding that says so, from 1  then field and value of each
-- Returns: 1; -1: another finding has begun, nothing was done.
-- Limits: the fields of one campaign.
local campaign, finding = KEYS[1], ARGV[1]
if redis.call('HGET', campaign, 'finding') ~= finding then return -1 end
redis.call('HSET', campaign, unpack(ARGV, 2))
return 1
