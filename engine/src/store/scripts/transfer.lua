-- The tenant's half of a move of credits between it and its reseller, once for each transfer: what was refused stays so, whoever
-- asks again, since the other half is given up then.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger  [3] its grants of the last day c:{tN}:grants
-- ARGV[1] token of the transfer, 16 octets  [2] give or take_back  [3] credits, 1 to 1e9  [4] reference  [5] now, microseconds
--     [6] most credits a tenant may be granted in all  [7] number of the transfer  [8] how long its token is remembered,
--     microseconds  [9] most that are remembered
-- Returns: credits available now, also when it was done before; -1 when the most would be passed, -2 when there is no such tenant,
--     -3 when fewer are available than are taken back.
-- Limits: at most ARGV[6] credits a tenant in all, far under 2^53 where numbers stop being exact; ARGV[9] tokens.
local tenant, ledger, grants = KEYS[1], KEYS[2], KEYS[3]
local token, kind, reference, now = ARGV[1], ARGV[2], ARGV[4], ARGV[5]
local credits, granted_max, number = tonumber(ARGV[3]), tonumber(ARGV[6]), ARGV[7]
local remembered, grants_max = tonumber(ARGV[8]), tonumber(ARGV[9])
local KEPT_MS = 34560000000 -- a ledger line is kept for 400 days
if redis.call('EXISTS', tenant) == 0 then return -2 end
local available = tonumber(redis.call('HGET', tenant, 'available'))
if redis.call('ZSCORE', grants, token) then return available end
local function remember(member)
  redis.call('ZREMRANGEBYSCORE', grants, '-inf', string.format('%.0f', now - remembered))
  redis.call('ZADD', grants, now, member)
  redis.call('ZREMRANGEBYRANK', grants, 0, -grants_max - 1)
  redis.call('PEXPIRE', grants, string.format('%.0f', remembered / 1000))
end
local change, line, no = credits, 'grant', -1
local is_too_much = tonumber(redis.call('HGET', tenant, 'granted')) + credits > granted_max
if kind == 'take_back' then
  change, line, no = -credits, 'withdraw', -3
  is_too_much = available < credits
end
if redis.call('ZSCORE', grants, token .. '-') then return no end
if is_too_much then
  remember(token .. '-')
  return no
end
remember(token)
redis.call('HINCRBY', tenant, 'granted', string.format('%.0f', change))
if change < 0 then redis.call('HINCRBY', tenant, 'withdrawn', string.format('%.0f', credits)) end
redis.call('XADD', ledger, 'MINID', '~', string.format('%.0f', math.max(0, now / 1000 - KEPT_MS)), '*', '1',
  cjson.encode({ type = line, credits = credits, reference = reference, transfer = number, at = now }))
return redis.call('HINCRBY', tenant, 'available', string.format('%.0f', change))
