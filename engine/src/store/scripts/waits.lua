-- What waits of one campaign in a partition, by line.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign
-- Returns: its halt or '', when it was halted or resumed last in microseconds or '', then in fours: line, rows queued, messages in its due set,
--     of these behind another.
-- Limits: O(spans) of the campaign.
local base, campaign = KEYS[1], ARGV[1]
local order, reply, found = base .. 'c:' .. campaign, nil, {}
local halt = call('HMGET', order, 'halt', 'halted_at')
reply = { halt[1] or '', halt[2] or '' }
local function of(line)
  found[line] = found[line] or { 0, 0, 0 }
  return found[line]
end
for _, field in ipairs(call('HKEYS', order)) do
  if sub(field, 1, 2) == 's:' then
    local line, rows = sub(field, 3), 0
    for _, span in ipairs(call('LRANGE', base .. 'spans:' .. line .. ':' .. campaign, 0, -1)) do
      rows = rows + select(2, struct.unpack('>I4I4', span))
    end
    of(line)[1] = rows
  end
end
for _, entry in ipairs(call('SMEMBERS', base .. 'lines')) do
  local line = sub(entry, 2)
  local count = sub(entry, 1, 1) == 'd' and call('HGET', base .. 'again', line .. ' ' .. campaign)
  if count then
    local counts = of(line)
    counts[2], counts[3] = tonumber(count), call('SCARD', base .. 'behind:' .. line .. ':' .. campaign)
  end
end
for line, counts in pairs(found) do
  reply[#reply + 1] = line
  for i = 1, 3 do reply[#reply + 1] = counts[i] end
end
return reply
