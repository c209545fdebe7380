-- Step: Check in. An engine has said of this partition, on the server that has it now, all that it had leased in it: what a server
-- that is older does not know of is in doubt. Others lease when all engines that live have.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] the engine's first epoch, decimal  [2] the epoch that it leases under  [3] number of its last lease there, 0: none
-- Returns: 'in', the server's run id, then the first epoch of each engine that has checked in, each with the run id of the server
--     where it did; 'older' and the last known number: what was leased since has to be put in doubt first.
-- Limits: as many engines as have checked in and are not forgotten, some dozens at most.
local call, base, engine, number = redis.call, KEYS[1], ARGV[1], ARGV[3]
if number ~= '0' then
  local known = call('HGET', base .. 'leases', ARGV[2])
  local last = known and string.match(known, '^%d+') or '0'
  if tonumber(last) < tonumber(number) then return { 'older', last } end
end
local server = string.match(call('INFO', 'server'), 'run_id:(%w+)')
if call('HGET', base .. 'checked', engine) ~= server then call('HSET', base .. 'checked', engine, server) end
local reply = call('HGETALL', base .. 'checked')
table.insert(reply, 1, server)
table.insert(reply, 1, 'in')
return reply
