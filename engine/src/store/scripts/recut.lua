-- Replaces the spans that a draft, or a queued campaign's line, was cut into, after routes have changed.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] lane  [4] version of the routes  [5] line whose spans are replaced, '' for a draft's
--     [6] the spans there as they were read: all, since another line's may have been appended meanwhile
--     [7] packed spans: route(2) gate(2) first(4) count(4)  [8] number of the finding that a draft's are of; 0: they were not found
--     out, or are launched
-- Returns: 1 replaced; 0 it is something else by now; -1 another finding has begun.
-- Limits: O(spans) before and after; at most 250 rows a span where routes alternate.
local base, campaign, tenant, lane, version = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local line, expected, spans, finding = ARGV[5], ARGV[6], ARGV[7], ARGV[8]
local order, events = base .. 'c:' .. campaign, {}
if finding ~= '0' and call('HGET', order, 'finding') ~= finding then return -1 end
if line == '' then
  local cuts = base .. 'cut:' .. campaign
  if call('HEXISTS', order, 'launched') == 1 or table.concat(call('LRANGE', cuts, 0, -1)) ~= expected then return 0 end
  call('UNLINK', cuts)
  for at = 1, #spans, 12 do
    call('RPUSH', cuts, sub(spans, at, at + 11) .. struct.pack('>I4', version))
  end
  return 1
end
local queued, halt = base .. 'spans:' .. line .. ':' .. campaign, call('HGET', order, 'halt')
local there, left = call('LRANGE', queued, 0, -1), 0
if table.concat(there) ~= expected then return 0 end
for _, span in ipairs(there) do left = left + select(2, struct.unpack('>I4I4', span)) end
call('UNLINK', queued)
if left > 0 then call('HINCRBY', base .. 'depth', line, -left) end
call('HDEL', order, 's:' .. line)
call('HDEL', base .. 'halted', line .. ' ' .. campaign)
leave_line(base, line, tenant, campaign)
for at = 1, #spans, 12 do
  local route, gate, first, count = struct.unpack('>I2I2I4I4', sub(spans, at, at + 11))
  if route == 0 then
    events[#events + 1] = range('n', 3, campaign, tenant, first, count)
  else
    push_span(base, route .. ':' .. lane .. ':' .. gate, tenant, campaign, halt, first, count, version)
  end
end
write_journal(base, events)
return 1
