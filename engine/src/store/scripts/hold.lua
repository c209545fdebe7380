-- Holds a campaign's estimate and sets it going: all of it or nothing.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger  [3] campaign c:{tN}:cmp:<id>  [4] its last day c:{tN}:daily
-- ARGV[1] credits, from 0  [2] now, microseconds  [3] campaign's id in the ledger  [4] states it may be launched from,
--     between commas  [5] its state then  [6] its state when credits are short  [7] for when its launch is
--     planned, microseconds; empty: whatever is planned  [8] its messages  [9] the tenant's day  [10] most messages of
--     that day; empty: any number  [11] number of the finding that its audience is of; 0: it was not found out
--     [12] how often it was edited, as it was read
-- Returns: 1 held, also when this very call is made again after its reply was lost; 0 credits are short; -1 the campaign is in
--     another state; -2 the day would have more messages than the most; -3 it was edited since it was read, or its rows do not have their prices.
-- Limits: one campaign; credits are bounded by the grant.
local KEPT_MS = 34560000000 -- a ledger line is kept for 400 days
local was = redis.call('HMGET', KEYS[3], 'state', 'launched_at')
local state = was[1]
if state == ARGV[5] and was[2] == ARGV[2] then return 1 end
if not state or not string.find(ARGV[4], ',' .. state .. ',', 1, true) then return -1 end
if ARGV[11] ~= '0' and redis.call('HGET', KEYS[3], 'finding') ~= ARGV[11] then return -1 end
local edited = redis.call('HMGET', KEYS[3], 'edits', 'unpriced')
if (edited[1] or '0') ~= ARGV[12] or edited[2] then return -3 end
if ARGV[7] ~= '' and redis.call('HGET', KEYS[3], 'scheduled_at') ~= ARGV[7] then return -1 end
local daily, taken = redis.call('HMGET', KEYS[4], 'day', 'taken'), ARGV[8]
if daily[1] == ARGV[9] then taken = daily[2] + ARGV[8] end
if ARGV[10] ~= '' and tonumber(taken) > tonumber(ARGV[10]) then return -2 end
local credits = tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'available')) < credits then
  redis.call('HSET', KEYS[3], 'state', ARGV[6], 'refused', '')
  return 0
end
-- A sandbox's campaigns cost nothing.
if credits > 0 then
  redis.call('HINCRBY', KEYS[1], 'available', '-' .. ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])
  redis.call('HINCRBY', KEYS[3], 'held', ARGV[1])
end
redis.call('HSET', KEYS[4], 'day', ARGV[9], 'taken', taken)
redis.call('HSET', KEYS[3], 'state', ARGV[5], 'launched_at', ARGV[2], 'refused', '')
if credits > 0 then
  redis.call('XADD', KEYS[2], 'MINID', '~', string.format('%.0f', math.max(0, ARGV[2] / 1000 - KEPT_MS)), '*', '1',
    cjson.encode({ type = 'hold', credits = credits, campaign = ARGV[3], at = ARGV[2] }))
end
return 1
