-- Gives credits to a tenant.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger
-- ARGV[1] credits, 1 to 1e12  [2] reference  [3] now, microseconds  [4] most credits a tenant may be granted in all
-- Returns: credits available now; -1 when the most would be passed, -2 when there is no such tenant.
-- Limits: at most ARGV[4] credits a tenant in all, far under 2^53 where numbers stop being exact.
if redis.call('EXISTS', KEYS[1]) == 0 then return -2 end
local KEPT_MS = 34560000000 -- a ledger line is kept for 400 days
local credits = tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'granted')) + credits > tonumber(ARGV[4]) then return -1 end
redis.call('HINCRBY', KEYS[1], 'granted', ARGV[1])
redis.call('XADD', KEYS[2], 'MINID', '~', string.format('%.0f', math.max(0, ARGV[3] / 1000 - KEPT_MS)), '*', '1',
  cjson.encode({ type = 'grant', credits = credits, reference = ARGV[2], at = ARGV[3] }))
return redis.call('HINCRBY', KEYS[1], 'available', ARGV[1])
