-- Puts rows of a draft that was edited, with their prices by what it says now, in the place of those at their positions.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] how often it was edited by then, from 1  then position and row of each; none: only what is older is kept out
-- Returns: 1; -1: prices of a later edit are put there, or the campaign is queued, or canceled: nothing was done.
-- Limits: at most 1,000 rows a call.
local base, campaign, edits = KEYS[1], ARGV[1], tonumber(ARGV[2])
local order, rows = base .. 'c:' .. campaign, base .. 'aud:' .. campaign
local known = call('HMGET', order, 'edits', 'launched')
if known[2] or tonumber(known[1] or 0) > edits then return -1 end
if ARGV[3] and call('EXISTS', rows) == 0 then return -1 end
call('HSET', order, 'edits', edits)
for i = 3, #ARGV, 2 do call('LSET', rows, ARGV[i], ARGV[i + 1]) end
return 1
