-- Ends the token of a direct message's hold: its message was made, and the hold is the campaign's; or it never will be, and the
-- credits are released.
-- KEYS[1] tenant c:{tN}:tenant  [2] its holds c:{tN}:holds  [3] direct campaign c:{tN}:cmp:<id>
-- ARGV[1] token  [2] '1' the message was made, '0' release the credits
-- Returns: 1 ended; 0 there was no such token.
-- Limits: one message.
local known = redis.call('HGET', KEYS[2], ARGV[1])
if not known then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
if ARGV[2] == '0' then
  local credits = string.match(known, ' (%d+)$')
  if credits ~= '0' then
    redis.call('HINCRBY', KEYS[1], 'held', '-' .. credits)
    redis.call('HINCRBY', KEYS[1], 'available', credits)
    redis.call('HINCRBY', KEYS[3], 'held', '-' .. credits)
  end
  redis.call('HINCRBY', KEYS[3], 'total', -1)
end
return 1
