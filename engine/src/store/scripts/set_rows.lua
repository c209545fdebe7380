-- Puts rows of a campaign's audience in the place of those at their positions.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] number of the finding that they are of, 0: they were not found out  then position and row of each
-- Returns: 1; -1: another finding has begun, nothing was done.
-- Limits: at most 1,000 rows a call.
local base, campaign, finding = KEYS[1], ARGV[1], ARGV[2]
if finding ~= '0' and call('HGET', base .. 'c:' .. campaign, 'finding') ~= finding then return -1 end
for i = 3, #ARGV, 2 do call('LSET', base .. 'aud:' .. campaign, ARGV[i], ARGV[i + 1]) end
return 1
