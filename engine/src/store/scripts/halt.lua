-- Pauses, resumes or stops a campaign in one partition.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] lane  [4] 'p' pause, '' resume, 'c' stop  then every smsc
-- Returns: messages that are still in the campaign's queues.
-- Limits: one campaign; LREM walks the tenant's campaigns and the ring, at most some thousand each.
local base, campaign, tenant, lane, halt = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local counters, queued = base .. 'c:' .. campaign, 0
local before = redis.call('HGET', counters, 'halt')
if halt == '' then redis.call('HDEL', counters, 'halt') else redis.call('HSET', counters, 'halt', halt) end
for i = 5, #ARGV do
  local smsc = ARGV[i]
  local line, ring = base .. 'lane:' .. smsc .. ':' .. lane .. ':' .. tenant, base .. 'ring:' .. smsc .. ':' .. lane
  local length = redis.call('LLEN', base .. 'q:' .. smsc .. ':' .. campaign)
  queued = queued + length
  if halt == 'c' and before ~= 'c' then deepen(base, smsc, lane, -length) end -- drain.lua empties it
  local was = redis.call('LREM', line, 0, campaign)
  if halt == '' and length > 0 then
    redis.call('RPUSH', line, campaign)
    if redis.call('LLEN', line) == 1 and was == 0 then redis.call('RPUSH', ring, tenant) end
  elseif was > 0 and redis.call('EXISTS', line) == 0 then
    redis.call('LREM', ring, 0, tenant)
  end
end
return queued
