-- Step: Outdate (Queued → its end), Cancel. Pauses, resumes or stops a campaign in one partition, or ends it since its time is over.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] lane  [4] 'p' pause, '' resume, 'c' stop, 'x' its time is
--     over  [5] now, microseconds
-- Returns: lines in which messages of the campaign's lane may be deferred.
-- Limits: O(spans) of one campaign; LREM walks the tenant's campaigns and the ring, at most some thousand each.
local base, campaign, tenant, lane, halt, now = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local order, events = base .. 'c:' .. campaign, {}
-- Behind a stop, what has no result is canceled: that stays so.
if halt == 'x' and call('HGET', order, 'halt') == 'c' then halt = 'c' end
if halt == '' then
  -- Since when it goes on, of what has something here.
  if call('HDEL', order, 'halt') == 1 then
    if call('HEXISTS', order, 'launched') == 1 then call('HSET', order, 'halted_at', now) else call('HDEL', order, 'halted_at') end
  end
elseif call('HGET', order, 'halt') ~= halt then
  call('HSET', order, 'halt', halt, 'halted_at', now)
end
local fields = call('HKEYS', order)
for _, field in ipairs(fields) do
  if sub(field, 1, 2) == 's:' then
    local line = sub(field, 3)
    leave_line(base, line, tenant, campaign)
    local spans, halted = base .. 'spans:' .. line .. ':' .. campaign, line .. ' ' .. campaign
    if halt ~= 'p' then call('HDEL', base .. 'halted', halted) end
    if halt == '' then
      stand_in_line(base, line, tenant, campaign)
    elseif halt == 'p' then
      local rows = 0
      for _, span in ipairs(call('LRANGE', spans, 0, -1)) do rows = rows + select(2, struct.unpack('>I4I4', span)) end
      call('HSET', base .. 'halted', halted, rows)
    else
      for _, span in ipairs(call('LRANGE', spans, 0, -1)) do
        local first, count = struct.unpack('>I4I4', span)
        events[#events + 1] = unsent(halt, campaign, tenant, first, count)
        call('HINCRBY', base .. 'depth', line, -count)
      end
      call('UNLINK', spans)
      call('HDEL', order, field)
    end
  end
end
write_journal(base, events)
local lines = {}
for _, entry in ipairs(call('SMEMBERS', base .. 'lines')) do
  if sub(entry, 1, 1) == 'd' and string.match(entry, ':(%d+):') == lane then lines[#lines + 1] = sub(entry, 2) end
end
return lines
