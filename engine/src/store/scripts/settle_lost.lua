-- Ends what is held for a campaign that was lost with its Redis: some of it was spent, the rest is available again.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger  [3] holds of its lost campaigns c:{tN}:lost
-- ARGV[1] campaign  [2] its id in the ledger  [3] credits that were spent  [4] now, microseconds
-- Returns: 1 done; 0 nothing is held for it, or less than that was spent.
-- Limits: one campaign; at most two ledger lines.
local KEPT_MS = 34560000000 -- a ledger line is kept for 400 days
local held, spent = tonumber(redis.call('HGET', KEYS[3], ARGV[1]) or 0), tonumber(ARGV[3])
if held == 0 or spent > held then return 0 end
local function move(kind, credits, to)
  if credits == 0 then return end
  local count = string.format('%.0f', credits)
  redis.call('HINCRBY', KEYS[1], 'held', '-' .. count)
  redis.call('HINCRBY', KEYS[1], to, count)
  redis.call('XADD', KEYS[2], 'MINID', '~', string.format('%.0f', math.max(0, ARGV[4] / 1000 - KEPT_MS)), '*', '1',
    cjson.encode({ type = kind, credits = credits, campaign = ARGV[2], at = ARGV[4] }))
end
move('debit', spent, 'spent')
move('release', held - spent, 'available')
redis.call('HDEL', KEYS[3], ARGV[1])
return 1
