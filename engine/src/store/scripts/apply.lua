-- The books: applies a stretch of the journal to results and counters, and moves their position on. Exactly once.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] position of the books that is expected, '' at first  [2] position then  [3] oldest journal id that anybody still
--     reads, or ''  then for each campaign 3 values: campaign, packed counters: number(1) by how much(4, signed) …,
--     packed results in the order of positions: position(4) slot(8) …, none further than 512 from the one before
-- Returns: 1, then for each campaign its packed counters, 4 octets each; 0 and the position when the books are elsewhere.
-- Limits: at most 5,000 results a call.
local base, expected, position, trim = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local NUMBERS = '>' .. string.rep('I4', 22)
local COUNTERS, SLOT = 88, 8 -- octets before the results; octets of one
local known = call('HGET', base .. 'pos', 'books') or ''
if known ~= expected then return { 0, known } end
local reply = { 1 }
for i = 4, #ARGV, 3 do
  local key, counters, results = base .. 'res:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2]
  local header = call('GETRANGE', key, 0, COUNTERS - 1)
  if header == '' then
    -- Made in its full length, so that it takes no more than it has to.
    call('SETRANGE', key, COUNTERS + SLOT * call('LLEN', base .. 'aud:' .. ARGV[i]) - 1, '\0')
    header = string.rep('\0', COUNTERS)
  end
  local before = { struct.unpack(NUMBERS, header) }
  for at = 1, #counters, 5 do
    local number = byte(counters, at) + 1
    before[number] = before[number] + struct.unpack('>i4', sub(counters, at + 1, at + 4))
  end
  before[23] = nil -- where the reading ended
  local packed = struct.pack(NUMBERS, unpack(before))
  call('SETRANGE', key, 0, packed)
  reply[#reply + 1] = packed
  if #results > 0 then
    local first = struct.unpack('>I4', sub(results, 1, 4))
    local last = struct.unpack('>I4', sub(results, #results - 11, #results - 8))
    local from = COUNTERS + SLOT * first
    local window = call('GETRANGE', key, from, COUNTERS + SLOT * last + SLOT - 1)
    local parts, n, done = {}, 0, 0 -- done: octets of the window that are in parts
    for at = 1, #results, 12 do
      local offset = SLOT * (struct.unpack('>I4', sub(results, at, at + 3)) - first)
      if offset > done then
        n = n + 1
        parts[n] = sub(window, done + 1, offset)
        -- Behind the end of the string there are zeros.
        parts[n] = parts[n] .. string.rep('\0', offset - done - #parts[n])
      end
      n = n + 1
      parts[n] = sub(results, at + 4, at + 11)
      done = offset + SLOT
    end
    call('SETRANGE', key, from, table.concat(parts))
  end
end
call('HSET', base .. 'pos', 'books', position)
if trim ~= '' then call('XTRIM', base .. 'jr', 'MINID', trim) end
return reply
