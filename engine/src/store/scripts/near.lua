-- Notes to which numbers a campaign goes, and counts those of the last day that are in the same blocks, each number once.
-- KEYS[1] numbers c:{tN}:near  [2] campaigns c:{tN}:near_campaigns
-- ARGV[1] now, microseconds  [2] campaign  [3] its recipients  [4] from so many on a block counts  then each number
-- Returns: recipients of all campaigns of the last day; then block and count in turns, of those blocks of ARGV that have as many.
-- Limits: 256 numbers a call; the newest 5,000 numbers and 1,000 campaigns of a tenant are kept.
local DAY_US, DAY_S, NUMBERS_MAX, CAMPAIGNS_MAX, SUFFIX = 86400000000, 86400, 5000, 1000, 3
local call, near, campaigns, now, least = redis.call, KEYS[1], KEYS[2], tonumber(ARGV[1]), tonumber(ARGV[4])
local before, wanted, counts, all = string.format('%.0f', now - DAY_US), {}, {}, 0
call('ZADD', campaigns, ARGV[1], ARGV[2] .. ':' .. ARGV[3])
for i = 5, #ARGV do
  call('ZADD', near, ARGV[1], ARGV[i])
  wanted[string.sub(ARGV[i], 1, -1 - SUFFIX)] = true
end
for key, most in pairs({ [near] = NUMBERS_MAX, [campaigns] = CAMPAIGNS_MAX }) do
  call('ZREMRANGEBYSCORE', key, '-inf', before)
  call('ZREMRANGEBYRANK', key, 0, -1 - most)
  call('EXPIRE', key, DAY_S)
end
for _, number in ipairs(call('ZRANGE', near, 0, -1)) do
  local block = string.sub(number, 1, -1 - SUFFIX)
  if wanted[block] then counts[block] = (counts[block] or 0) + 1 end
end
-- A campaign that is launched again counts once, as it was last.
local of = {}
for _, member in ipairs(call('ZRANGE', campaigns, 0, -1)) do
  local campaign, recipients = string.match(member, '^(%d+):(%d+)$')
  of[campaign] = tonumber(recipients)
end
for _, recipients in pairs(of) do all = all + recipients end
local reply = { all }
for block, count in pairs(counts) do
  if count >= least then
    reply[#reply + 1] = tonumber(block)
    reply[#reply + 1] = count
  end
end
return reply
