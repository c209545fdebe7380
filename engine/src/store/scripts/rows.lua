-- Adds rows to a campaign's audience, once, and the spans that they are to be queued in.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] position of the first row, from 0  [3] version of the routes  [4] packed spans in the order of
--     the rows: route(2) gate(2) count(4)  [5] number of the finding that they are of, 0: they were uploaded  then each row
-- Returns: rows of the audience now. When that is neither ARGV[2] nor that and these rows, nothing was done. -1: another finding has
--     begun, nothing was done.
-- Limits: at most 1,000 rows a call; 10 million rows a campaign and partition.
local base, campaign, position, version, spans = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local rows, cuts = base .. 'aud:' .. campaign, base .. 'cut:' .. campaign
if ARGV[5] ~= '0' and call('HGET', base .. 'c:' .. campaign, 'finding') ~= ARGV[5] then return -1 end
local length = call('LLEN', rows)
if length ~= position then return length end
call('RPUSH', rows, unpack(ARGV, 6))
for at = 1, #spans, 8 do
  local route, gate, count = struct.unpack('>I2I2I4', sub(spans, at, at + 7))
  local last = call('LINDEX', cuts, -1)
  local r, g, first, n = nil, nil, nil, nil
  if last then r, g, first, n = struct.unpack('>I2I2I4I4', last) end
  if r == route and g == gate and first + n == position then
    call('LSET', cuts, -1, struct.pack('>I2I2I4I4I4', r, g, first, n + count, version))
  else
    call('RPUSH', cuts, struct.pack('>I2I2I4I4I4', route, gate, position, count, version))
  end
  position = position + count
end
return position
