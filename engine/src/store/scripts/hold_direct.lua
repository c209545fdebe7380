-- Holds the credits of one message of a tenant's direct campaign, under its token: whoever finds the token later can see
-- whether the message was made, and release the hold if not. Once for each token that is not ended.
-- KEYS[1] tenant c:{tN}:tenant  [2] its holds c:{tN}:holds  [3] direct campaign c:{tN}:cmp:<id>  [4] its last day
--     c:{tN}:daily
-- ARGV[1] credits, from 0  [2] token  [3] campaign  [4] partition of the message  [5] the tenant's day  [6] most
--     messages of that day; empty: any number  [7] now, microseconds: what this hold of the token is known by
-- Returns: the campaign under which the credits are held, and what that hold is known by, '' where it was made by an earlier version;
--     0 when they are short, -2 when the day has as many messages as it may.
-- Limits: one message; credits are bounded by the grant.
local credits, known = tonumber(ARGV[1]), redis.call('HGET', KEYS[2], ARGV[2])
if known then
  local campaign, hold = string.match(known, '^(%d+) %d+ %d+ ?(%d*)$')
  return { tonumber(campaign), hold }
end
local daily, taken = redis.call('HMGET', KEYS[4], 'day', 'taken'), 1
if daily[1] == ARGV[5] then taken = daily[2] + 1 end
if ARGV[6] ~= '' and taken > tonumber(ARGV[6]) then return { -2, '' } end
if tonumber(redis.call('HGET', KEYS[1], 'available') or 0) < credits then return { 0, '' } end
-- A sandbox's messages cost nothing.
if credits > 0 then
  redis.call('HINCRBY', KEYS[1], 'available', '-' .. ARGV[1])
  redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])
  redis.call('HINCRBY', KEYS[3], 'held', ARGV[1])
end
redis.call('HINCRBY', KEYS[3], 'total', 1)
redis.call('HSET', KEYS[4], 'day', ARGV[5], 'taken', taken)
redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. ' ' .. ARGV[4] .. ' ' .. ARGV[1] .. ' ' .. ARGV[7])
return { tonumber(ARGV[3]), ARGV[7] }
