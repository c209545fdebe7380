-- Gives tenants with a rate permits for rows of one partition, in place of those that nobody has used.
-- KEYS[1] partition base, c:{pN}:
-- ARGV tenant and how many, in turns
-- Returns: for each tenant the permits that were not used; -1 where it has no rate.
-- Limits: O(tenants of a call).
local rated, left = KEYS[1] .. 'rated', {}
for i = 1, #ARGV, 2 do
  local tenant, permits = ARGV[i], ARGV[i + 1]
  local unused = call('HGET', rated, tenant)
  left[#left + 1] = tonumber(unused or -1)
  if unused then call('HSET', rated, tenant, permits) end
  call('HDEL', KEYS[1] .. 'wants', tenant)
end
return left
