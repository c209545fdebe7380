-- Queues a campaign in one partition: its spans, not its messages. Once.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] lane  [4] version of the routes
-- Returns: rows that are queued, canceled or without a route now; -1 when the spans were cut under other routes.
-- A campaign that was stopped meanwhile gets its rows as canceled, one whose time is over as that, a paused one keeps them out of
-- the lanes.
-- Limits: O(spans); an audience of one route has one span a partition, others one for some hundred rows at most.
local base, campaign, tenant, lane, version = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local order = base .. 'c:' .. campaign
local state = call('HMGET', order, 'launched', 'halt')
if state[1] then return tonumber(state[1]) end
local cuts, halt, events, rows = call('LRANGE', base .. 'cut:' .. campaign, 0, -1), state[2], {}, 0
for _, cut in ipairs(cuts) do
  if select(5, struct.unpack('>I2I2I4I4I4', cut)) ~= version then return -1 end
end
for _, cut in ipairs(cuts) do
  local route, gate, first, count = struct.unpack('>I2I2I4I4', cut)
  rows = rows + count
  if halt == 'c' or halt == 'x' then
    events[#events + 1] = unsent(halt, campaign, tenant, first, count)
  elseif route == 0 then
    events[#events + 1] = range('n', 3, campaign, tenant, first, count)
  else
    push_span(base, route .. ':' .. lane .. ':' .. gate, tenant, campaign, halt, first, count, version)
  end
end
call('HSET', order, 'launched', rows, 'tenant', tenant)
call('UNLINK', base .. 'cut:' .. campaign)
write_journal(base, events)
return rows
