-- The books: writes what entries of the journal make of results and counters, and moves their position on. Exactly once:
-- what is written was made from what was stored at the position that is expected, and only the books write it.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] position of the books that is expected, '' at first  [2] position then  [3] oldest journal id that anybody still
--     reads, or ''  then in threes: campaign, offset in its results, octets there; offset '': they are made, beginning with
--     these, in the full length that the audience needs, so that they take no more than they have to
-- Returns: 1; 0 and the position when the books are elsewhere.
-- Limits: at most 5,000 results a call.
local call, base, expected, position, trim = redis.call, KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local COUNTERS, SLOT = 88, 8 -- octets before the results; octets of one
local known = call('HGET', base .. 'pos', 'books') or ''
if known ~= expected then return { 0, known } end
for i = 4, #ARGV, 3 do
  local key, offset, octets = base .. 'res:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if offset == '' then
    local length = COUNTERS + SLOT * call('LLEN', base .. 'aud:' .. ARGV[i])
    if length > #octets then call('SETRANGE', key, length - 1, '\0') end
    offset = '0'
  end
  call('SETRANGE', key, offset, octets)
end
call('HSET', base .. 'pos', 'books', position)
if trim ~= '' then call('XTRIM', base .. 'jr', 'MINID', trim) end
return { 1 }
