-- Event: none → Queued. Puts a stretch of a campaign's audience into its queues, once.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] lane  [4] position of the stretch, recipients from 0  [5] now, seconds
--     then groups: smsc (0 = no route), entries in it, entry …
-- Returns: recipients that are expanded now. When that was not the position given, nothing was done.
-- A campaign that was stopped gets its recipients as canceled, a paused one keeps them out of the lanes.
-- Limits: 500 entries a call, so at most 2 ms of Redis.
local base, campaign, tenant, lane = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local position, now = tonumber(ARGV[4]), ARGV[5]
local order = base .. 'c:' .. campaign
local state = redis.call('HMGET', order, 'expanded', 'halt')
local expanded = tonumber(state[1] or 0)
if expanded ~= position then return expanded end
local halt, counts, results, i = state[2], {}, {}, 6
while i <= #ARGV do
  local smsc, n = ARGV[i], tonumber(ARGV[i + 1])
  local entries = {}
  for e = 1, n do entries[e] = ARGV[i + 1 + e] end
  if n > 0 then count(counts, sub(entries[1], 11, 18), 'Q', n) end
  if halt == 'c' or smsc == '0' then
    -- letter, reason, code(2), when(4): domain/record.rs, ResultSlot
    local letter, reason = 'n', '\3'
    if halt == 'c' then letter, reason = 'c', '\7' end
    local slot = letter .. reason .. '\0\0' .. struct.pack('>I4', now)
    for e = 1, n do
      note_result(results, sub(entries[e], 11, 18), slot)
      count(counts, sub(entries[e], 11, 18), letter, 1)
    end
  elseif halt == 'p' then
    redis.call('RPUSH', base .. 'q:' .. smsc .. ':' .. campaign, unpack(entries))
    deepen(base, smsc, lane, n)
  else
    push(base, smsc, lane, tenant, campaign, entries)
  end
  expanded = expanded + n
  i = i + 2 + n
end
write_counts(base, counts)
write_results(base, results)
redis.call('HSET', order, 'expanded', expanded)
return expanded
