-- Holds the credits of one message of a tenant's direct campaign.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger  [3] direct campaign c:{tN}:cmp:<id>
-- ARGV[1] credits, from 1  [2] now, microseconds  [3] campaign's id in the ledger
-- Returns: 1 held; 0 credits are short.
-- Limits: one message; credits are bounded by the grant.
local credits = tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'available') or 0) < credits then return 0 end
redis.call('HINCRBY', KEYS[1], 'available', '-' .. ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'held', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'total', 1)
redis.call('RPUSH', KEYS[2], cjson.encode({ type = 'hold', credits = credits, campaign = ARGV[3], at = ARGV[2] }))
return 1
