-- Settles what a killed POST of one message left behind: whether its token made a message; if not, it never will.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] token, 16 octets  [2] now, seconds
-- Returns: 1 the message is there; 0 it is not, and its hold may be released.
-- Limits: one token a call; tokens are swept after a day.
local base, token, now = KEYS[1], ARGV[1], ARGV[2]
local known = call('HGET', base .. 'tok', token)
if known then return sub(known, 5) == '-' and 0 or 1 end
call('HSET', base .. 'tok', token, struct.pack('>I4', now) .. '-')
return 0
