-- Step: none; of inbound messages that come in parts.
-- Keeps a part until all are there. A part that comes again changes nothing; one of a message that is stored is not kept.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] what the parts of one message have in common  [2] number of this one  [3] how many there are  [4] the part
--     [5] now, microseconds
-- Returns: every part by number, as number and part in turns, once all are there; 'known' when the message is stored; nothing
--     while some are missing.
-- Limits: 255 parts of a message.
local base, key, number, total, part, now = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
if call('EXISTS', base .. 'whole:' .. key) == 1 then return 'known' end
local parts = base .. 'parts:' .. key
call('HSET', parts, number, part)
call('ZADD', base .. 'parting', 'NX', now, key)
if call('HLEN', parts) < total then return {} end
return call('HGETALL', parts)
