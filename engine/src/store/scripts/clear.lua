-- Takes out what was found of a campaign's audience before, for whoever finds it out now.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] number of the finding, from 1; 0: of what was never begun
-- Returns: 1; 0 when another has begun since, or when the campaign is queued: nothing was done then.
-- Limits: one campaign.
local base, campaign, finding = KEYS[1], ARGV[1], tonumber(ARGV[2])
local order = base .. 'c:' .. campaign
local known = call('HMGET', order, 'finding', 'launched')
if known[2] or tonumber(known[1] or 0) > finding then return 0 end
call('UNLINK', base .. 'aud:' .. campaign, base .. 'cut:' .. campaign, order, base .. 'res:' .. campaign)
call('HSET', order, 'finding', finding)
return 1
