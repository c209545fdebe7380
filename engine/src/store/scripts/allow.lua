-- Gives tenants with a rate permits for rows of one partition, in place of those that nobody has used, or lets tenants go on without. Whoever
-- wanted some stands in the rings again then.
-- KEYS[1] partition base, c:{pN}:
-- ARGV tenant and how many, or '-' where it has no rate, in turns
-- Returns: for each tenant the permits that were not used; -1 where it has no rate.
-- Limits: O(tenants of a call, lines in which they stand).
local base, left = KEYS[1], {}
local rated, wants = base .. 'rated', base .. 'wants'
for i = 1, #ARGV, 2 do
  local tenant, permits = ARGV[i], ARGV[i + 1]
  local unused = call('HGET', rated, tenant)
  left[#left + 1] = tonumber(unused or -1)
  if permits == '-' then
    call('HDEL', rated, tenant)
  elseif unused then
    call('HSET', rated, tenant, permits)
  end
  if permits ~= '0' or not unused then
    call('HDEL', wants, tenant)
    if call('SISMEMBER', base .. 'suspended', tenant) == 0 then stand_in_rings(base, tenant) end
  end
end
return left
