-- Notes when the first message of a campaign was leased, once.
-- KEYS[1] campaign c:{tN}:cmp:<id>
-- ARGV[1] when, in microseconds
-- Returns: 1 noted; 0 it was noted before, or there is no such campaign.
-- Limits: one campaign.
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
return redis.call('HSETNX', KEYS[1], 'begun_at', ARGV[1])
