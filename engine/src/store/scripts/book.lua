-- Books what a campaign really spent, and releases the rest of its hold when nothing of it is to be sent any more.
-- Absolute sums come in, so that the same sums twice change nothing.
-- KEYS[1] tenant c:{tN}:tenant  [2] its ledger c:{tN}:ledger  [3] campaign c:{tN}:cmp:<id>
-- ARGV[1] credits spent so far  [2] credits given back so far  [3] credits that stay held at the most, '' for all  [4] now, microseconds
--     [5] campaign's id in the ledger  [6] the campaign's new state, or '' to keep it
--     [7] messages that it must have for anything to be released, '' for any number
-- Returns: credits that were debited, given back and released now.
-- Limits: one campaign; at most three ledger lines.
local KEPT_MS = 34560000000 -- a ledger line is kept for 400 days
local campaign = redis.call('HMGET', KEYS[3], 'spent', 'recredited', 'held')
local spent, recredited, held = tonumber(campaign[1] or 0), tonumber(campaign[2] or 0), tonumber(campaign[3] or 0)
local function entry(kind, credits)
  redis.call('XADD', KEYS[2], 'MINID', '~', string.format('%.0f', math.max(0, ARGV[4] / 1000 - KEPT_MS)), '*', '1',
    cjson.encode({ type = kind, credits = credits, campaign = ARGV[5], at = ARGV[4] }))
end
-- Never more than is held: what was not held cannot be spent.
local debit, released = math.max(0, math.min(tonumber(ARGV[1]) - spent, held)), 0
if debit > 0 then
  redis.call('HINCRBY', KEYS[1], 'held', -debit)
  redis.call('HINCRBY', KEYS[1], 'spent', debit)
  redis.call('HINCRBY', KEYS[3], 'held', -debit)
  redis.call('HINCRBY', KEYS[3], 'spent', debit)
  held = held - debit
  entry('debit', debit)
end
local back = math.max(0, tonumber(ARGV[2]) - recredited)
if back > 0 then
  redis.call('HINCRBY', KEYS[1], 'spent', -back)
  redis.call('HINCRBY', KEYS[1], 'available', back)
  redis.call('HINCRBY', KEYS[1], 'recredited', back)
  redis.call('HINCRBY', KEYS[3], 'recredited', back)
  entry('recredit', back)
end
local kept = tonumber(ARGV[3])
if ARGV[7] ~= '' and redis.call('HGET', KEYS[3], 'total') ~= ARGV[7] then kept = nil end
if kept and held > kept then
  released = held - kept
  redis.call('HINCRBY', KEYS[1], 'held', -released)
  redis.call('HINCRBY', KEYS[1], 'available', released)
  redis.call('HINCRBY', KEYS[3], 'held', -released)
  redis.call('HINCRBY', KEYS[3], 'released', released)
  -- Of messages by themselves no hold is written, so that nothing comes back from one.
  if redis.call('HGET', KEYS[3], 'kind') ~= 'direct' then entry('release', released) end
end
if ARGV[6] ~= '' then redis.call('HSET', KEYS[3], 'state', ARGV[6]) end
return { debit, back, released }
