-- What waits in a partition, by line and campaign, all as of one instant. Counts of a due set that do not add up, since another
-- version of the scripts wrote there, are made anew.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] tenants of a line whose first row is asked for, at most
-- Returns: line and rows queued, in turns; line with campaign and rows of those that are paused, in turns; for each line and
--     campaign with due messages in fours: both, how many, of these behind another, 1 when it is halted, 2 when its
--     tenant is suspended; for each line with due messages in threes: line, how many, the first due time in microseconds; for
--     the campaigns that are first in a line in threes: line, tenant with campaign, its first row; line and rows of tenants
--     that are suspended, in turns; line and rows that wait for the rate of their campaign or tenant, in turns.
-- Limits: O(lines and campaigns that wait, tenants with a rate, spans of suspended tenants and of what waits for a rate); to make counts
--     anew, O(due set), once.
local base, heads_max = KEYS[1], tonumber(ARGV[1])
local sums, lines, dues, firsts, heads = {}, call('SMEMBERS', base .. 'lines'), {}, {}, {}

-- What the counts of each line come to; `fields`: line and campaign, count, in turns.
local function add_up(fields)
  local sum = {}
  for i = 1, #fields, 2 do
    local line = string.match(fields[i], '^%S+')
    sum[line] = (sum[line] or 0) + fields[i + 1]
  end
  return sum
end

local again = call('HGETALL', base .. 'again')
sums = add_up(again)
local repaired = false
for _, entry in ipairs(lines) do
  local line = sub(entry, 2)
  local key = base .. 'due:' .. line
  if sub(entry, 1, 1) == 'd' then
    local count = call('ZCARD', key)
    if count ~= (sums[line] or 0) then
      for i = 1, #again, 2 do
        if string.match(again[i], '^%S+') == line then call('HDEL', base .. 'again', again[i]) end
      end
      for campaign, members in pairs(by_campaign(call('ZRANGE', key, 0, -1))) do
        count_again(base, line, campaign, #members)
      end
      repaired = true
    end
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first then
      firsts[#firsts + 1] = line
      firsts[#firsts + 1] = count
      firsts[#firsts + 1] = string.format('%.0f', first)
    end
    sums[line] = nil
  else
    for _, tenant in ipairs(call('LRANGE', base .. 'ring:' .. line, 0, heads_max - 1)) do
      local campaign = call('LINDEX', base .. 'lane:' .. line .. ':' .. tenant, 0)
      local span = campaign and call('LINDEX', base .. 'spans:' .. line .. ':' .. campaign, 0)
      local row = span and call('LINDEX', base .. 'aud:' .. campaign, (struct.unpack('>I4', span)))
      if row then
        heads[#heads + 1] = line
        heads[#heads + 1] = tenant .. ' ' .. campaign
        heads[#heads + 1] = row
      end
    end
  end
end
-- What is counted of lines without a due set.
for i = 1, #again, 2 do
  if sums[string.match(again[i], '^%S+')] then
    call('HDEL', base .. 'again', again[i])
    repaired = true
  end
end
if repaired then again = call('HGETALL', base .. 'again') end
local function rows_of(line, campaign)
  local rows = 0
  for _, span in ipairs(call('LRANGE', base .. 'spans:' .. line .. ':' .. campaign, 0, -1)) do
    rows = rows + select(2, struct.unpack('>I4I4', span))
  end
  return rows
end

local suspended, held = {}, {}
for _, tenant in ipairs(call('SMEMBERS', base .. 'suspended')) do
  suspended[tenant] = true
  for _, line in ipairs(call('SMEMBERS', base .. 'aside:' .. tenant)) do
    local rows = 0
    for _, campaign in ipairs(call('LRANGE', base .. 'lane:' .. line .. ':' .. tenant, 0, -1)) do
      rows = rows + rows_of(line, campaign)
    end
    held[#held + 1] = line
    held[#held + 1] = rows
  end
end
-- What waits for the rate of its campaign, and of other campaigns what waits for that of its tenant: of one that wants permits, or has some.
local paced, rated = {}, {}
local function count_rated(line, campaign)
  local rows = rows_of(line, campaign)
  if rows > 0 then
    rated[#rated + 1] = line
    rated[#rated + 1] = rows
  end
end
for _, campaign in ipairs(call('HKEYS', base .. 'paced')) do
  local order = base .. 'c:' .. campaign
  local halt, tenant = unpack(call('HMGET', order, 'halt', 'tenant'))
  paced[campaign] = true
  if not halt and not suspended[tenant] then
    for _, field in ipairs(call('HKEYS', order)) do
      if sub(field, 1, 2) == 's:' then count_rated(sub(field, 3), campaign) end
    end
  end
end
local permits = call('HGETALL', base .. 'rated')
for i = 1, #permits, 2 do
  local tenant = permits[i]
  if not suspended[tenant] and (permits[i + 1] ~= '0' or call('HEXISTS', base .. 'wants', tenant) == 1) then
    local stands = {}
    for _, line in ipairs(call('SMEMBERS', base .. 'aside:' .. tenant)) do stands[line] = true end
    for _, entry in ipairs(lines) do
      if sub(entry, 1, 1) == 'r' then stands[sub(entry, 2)] = true end
    end
    for line in pairs(stands) do
      for _, campaign in ipairs(call('LRANGE', base .. 'lane:' .. line .. ':' .. tenant, 0, -1)) do
        if not paced[campaign] then count_rated(line, campaign) end
      end
    end
  end
end
local function mark_of(campaign)
  local order = call('HMGET', base .. 'c:' .. campaign, 'halt', 'tenant')
  if order[1] then return 1 end
  return suspended[order[2]] and 2 or 0
end
for i = 1, #again, 2 do
  local line, campaign = string.match(again[i], '^(%S+) (%d+)$')
  dues[#dues + 1] = again[i]
  dues[#dues + 1] = again[i + 1]
  dues[#dues + 1] = call('SCARD', base .. 'behind:' .. line .. ':' .. campaign)
  dues[#dues + 1] = mark_of(campaign)
end
return { call('HGETALL', base .. 'depth'), call('HGETALL', base .. 'halted'), dues, firsts, heads, held, rated }
