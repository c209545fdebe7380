-- Who starts: one engine of a database at a time makes it and SQL agree.
-- KEYS[1] who starts now, c:starting
-- ARGV[1] token of a start  [2] milliseconds for which it is its, unless it asks again; 0: it has ended
-- Returns: 1: it is this start's turn, until then; 0: another one has it.
-- Limits: one key. What a start that was killed had is free when its time is over.
local starting, token, length = KEYS[1], ARGV[1], ARGV[2]
local holder = redis.call('GET', starting)
if holder and holder ~= token then return 0 end
if length == '0' then
  redis.call('DEL', starting)
else
  redis.call('SET', starting, token, 'PX', length)
end
return 1
