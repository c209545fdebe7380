-- Ends the token of a direct message's hold: its message was made under this hold, which is the campaign's; or it never will be,
-- or was made under an earlier one, and the credits are released.
-- KEYS[1] tenant c:{tN}:tenant  [2] its holds c:{tN}:holds
-- ARGV[1] token  [2] what the hold is known by under which the message was made, '?' where nobody knows; '' none was made
-- Returns: 1 ended; 0 there was no such token.
-- Limits: one message.
local known = redis.call('HGET', KEYS[2], ARGV[1])
if not known then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
local campaign, credits, hold = string.match(known, '^(%d+) %d+ (%d+) ?(%d*)$')
local made = ARGV[2] ~= '' and (ARGV[2] == '?' or hold == '' or hold == ARGV[2])
if made then return 1 end
local of = string.match(KEYS[1], '^(.*:)tenant$') .. 'cmp:' .. campaign
if credits ~= '0' then
  redis.call('HINCRBY', KEYS[1], 'held', '-' .. credits)
  redis.call('HINCRBY', KEYS[1], 'available', credits)
  redis.call('HINCRBY', of, 'held', '-' .. credits)
end
redis.call('HINCRBY', of, 'total', -1)
return 1
