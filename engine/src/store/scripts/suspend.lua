-- Has nothing of a tenant leased in one partition, or has it go on: meanwhile its lanes stand beside the rings.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] tenant  [2] 1 it is suspended, 0 it is not any more
-- Returns: how many of its lanes have changed places.
-- Limits: O(lines), of which there are some hundred at most; LREM walks a ring of some thousand tenants.
local base, tenant, suspended = KEYS[1], ARGV[1], ARGV[2] == '1'
local aside, moved_lanes = base .. 'aside:' .. tenant, 0
if suspended then
  call('SADD', base .. 'suspended', tenant)
  for _, entry in ipairs(call('SMEMBERS', base .. 'lines')) do
    local line = sub(entry, 2)
    local ring = base .. 'ring:' .. line
    if sub(entry, 1, 1) == 'r' and call('LREM', ring, 0, tenant) > 0 then
      call('SADD', aside, line)
      moved_lanes = moved_lanes + 1
      if call('EXISTS', ring) == 0 then call('SREM', base .. 'lines', entry) end
    end
  end
else
  call('SREM', base .. 'suspended', tenant)
  moved_lanes = stand_in_rings(base, tenant)
end
return moved_lanes
