-- Settles what a killed POST of one message left behind: whether its token made a message; if not, it never will.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] token, 16 octets  [2] now, microseconds
-- Returns: what the hold is known by under which the message was made, '?' where nobody knows; '' it is not there, and its hold may be
--     released.
-- Limits: one token a call; tokens are swept after a day.
local base, token, now = KEYS[1], ARGV[1], ARGV[2]
local known = call('HGET', base .. 'tok', token)
if known then
  if sub(known, 5, 5) == '-' then return '' end
  return #known > 16 and string.format('%.0f', (struct.unpack('>I8', known, 17))) or '?'
end
call('HSET', base .. 'tok', token, struct.pack('>I4', floor(now / 1000000)) .. '-' .. struct.pack('>I8', now))
return ''
