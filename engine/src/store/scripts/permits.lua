-- Gives a campaign with a rate permits for rows of one partition, in place of those that nobody has used; it stands first in its lines then.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] how many
-- Returns: permits that were not used; rows of it that may be leased; permits that it has now. Of a campaign without a rate: 0, 0, 0.
-- Limits: O(spans) of one campaign; LREM walks the tenant's campaigns, some thousand at most.
local base, campaign, tenant, wanted = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3])
local paced, order, rows, standing = base .. 'paced', base .. 'c:' .. campaign, 0, {}
local left = tonumber(call('HGET', paced, campaign) or nil)
if not left then return { 0, 0, 0 } end
if not call('HGET', order, 'halt') then
  for _, field in ipairs(call('HKEYS', order)) do
    local line = sub(field, 1, 2) == 's:' and sub(field, 3)
    local lane = line and base .. 'lane:' .. line .. ':' .. tenant
    if lane and call('LPOS', lane, campaign) then
      standing[#standing + 1] = lane
      for _, span in ipairs(call('LRANGE', base .. 'spans:' .. line .. ':' .. campaign, 0, -1)) do
        rows = rows + select(2, struct.unpack('>I4I4', span))
      end
    end
  end
end
local given = math.min(wanted, rows)
if given > 0 then
  for _, lane in ipairs(standing) do
    call('LREM', lane, 0, campaign)
    call('LPUSH', lane, campaign)
  end
end
call('HSET', paced, campaign, given)
return { left, rows, given }
