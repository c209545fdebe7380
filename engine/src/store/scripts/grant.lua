-- Gives credits to a tenant, once for each token.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger  [3] its grants of the last day c:{tN}:grants
-- ARGV[1] credits, 1 to 1e12  [2] reference  [3] now, microseconds  [4] most credits a tenant may be granted in all
--     [5] token of the grant, 16 octets  [6] how long it is remembered, microseconds  [7] most that are remembered
--     [8] token, as it stands in the ledger: SQL is to know it, should Redis lose its end
-- Returns: credits available now, also when this grant was made before; -1 when the most would be passed, -2 when there is
--     no such tenant.
-- Limits: at most ARGV[4] credits a tenant in all, far under 2^53 where numbers stop being exact; ARGV[7] tokens.
local tenant, ledger, grants = KEYS[1], KEYS[2], KEYS[3]
local given, reference, now, granted_max, token = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local remembered, grants_max = tonumber(ARGV[6]), tonumber(ARGV[7])
local KEPT_MS = 34560000000 -- a ledger line is kept for 400 days
if redis.call('EXISTS', tenant) == 0 then return -2 end
if redis.call('ZSCORE', grants, token) then return tonumber(redis.call('HGET', tenant, 'available')) end
local credits = tonumber(given)
if tonumber(redis.call('HGET', tenant, 'granted')) + credits > granted_max then return -1 end
redis.call('ZREMRANGEBYSCORE', grants, '-inf', string.format('%.0f', now - remembered))
redis.call('ZADD', grants, now, token)
redis.call('ZREMRANGEBYRANK', grants, 0, -grants_max - 1)
redis.call('PEXPIRE', grants, string.format('%.0f', remembered / 1000))
redis.call('HINCRBY', tenant, 'granted', given)
redis.call('XADD', ledger, 'MINID', '~', string.format('%.0f', math.max(0, now / 1000 - KEPT_MS)), '*', '1',
  cjson.encode({ type = 'grant', credits = credits, reference = reference, token = ARGV[8], at = now }))
return redis.call('HINCRBY', tenant, 'available', given)
