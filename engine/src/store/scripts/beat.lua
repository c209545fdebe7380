-- A sign of life of an engine process, by the server's clock: hosts' clocks differ.
-- KEYS[1] engines c:engines
-- ARGV    epochs of the process
-- Returns: now, microseconds.
-- Limits: at most some dozen epochs a process.
local time = redis.call('TIME')
local now = time[1] .. string.format('%06d', time[2])
for i = 1, #ARGV do redis.call('HSET', KEYS[1], ARGV[i], now) end
return now
