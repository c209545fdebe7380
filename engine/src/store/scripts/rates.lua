-- Shares of a rate: how much of what an account may submit is this engine's, for a moment. At no time are all shares together more than the
-- whole: what others have is theirs until it is over, or until they take less. By the server's clock.
-- KEYS[1] rates c:rates
-- ARGV[1] epoch  [2] how long a share is kept, microseconds  [3] SMSC  [4] how much is needed, in millionths of the whole  [5] the least that
--     is of use  [6] how much of its own share the SMSC takes, in millionths
-- Returns: the share, in millionths; the least that the SMSC takes of another engine's share, in millionths.
-- Limits: engines of one SMSC.
local call, key, epoch, keep, smsc = redis.call, KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3]
local need, least, takes = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local WHOLE = 1000000
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local all, engines, given, slowest, over = call('HGETALL', key), { { tonumber(epoch), math.max(need, least) } }, 0, WHOLE, {}
for i = 1, #all, 2 do
  local of, other = string.match(all[i], '^(%d+)#(%d+)$')
  local share, wanted, took, ends = string.match(all[i + 1], '^(%d+):(%d+):(%d+):(%d+)$')
  if tonumber(ends) <= now then
    over[#over + 1] = all[i]
  elseif of == smsc and other ~= epoch then
    engines[#engines + 1] = { tonumber(other), math.max(tonumber(wanted), least) }
    given = given + tonumber(share)
    slowest = math.min(slowest, tonumber(took))
  end
end
-- Where there is too little for all, those that need something and were there first have it.
table.sort(engines, function(one, other)
  local idle, other_idle = one[2] <= least, other[2] <= least
  if idle ~= other_idle then return other_idle end
  return one[1] < other[1]
end)
local most = math.max(1, math.floor(WHOLE / least))
while #engines > most do table.remove(engines) end
-- Who needs little has that, the others have the same; what nobody needs is shared as well.
table.sort(engines, function(one, other)
  if one[2] ~= other[2] then return one[2] < other[2] end
  return one[1] < other[1]
end)
local left, mine = WHOLE, 0
for place, engine in ipairs(engines) do
  local share = math.min(engine[2], math.floor(left / (#engines - place + 1)))
  left = left - share
  if engine[1] == tonumber(epoch) then mine = share end
end
if mine > 0 then mine = mine + math.floor(left / #engines) end
mine = math.min(mine, WHOLE - given)
if mine < least then mine = 0 end
call('HSET', key, smsc .. '#' .. epoch, string.format('%.0f:%.0f:%s:%.0f', mine, need, takes, now + keep))
if #over > 0 then call('HDEL', key, unpack(over)) end
return { mine, slowest }
