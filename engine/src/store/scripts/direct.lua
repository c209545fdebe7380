-- Adds one message to a tenant's direct campaign, or to one that may be joined after its launch: a row, and a span of one. Once for each
-- token. Of a campaign that was stopped or is over it ends at once; of a paused one it stands in no lane.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] tenant  [3] line (route:lane:gate, route 0: none takes the number)  [4] version of the routes
--     [5] row  [6] token, 16 octets  [7] most positions a campaign may have here  [8] now, seconds  [9] when its credits
--     were held, microseconds: what the hold is known by  [10] minute, since 1970, at which the message is worth nothing any more, or ''
--     [11] 1: the campaign gathers messages by themselves, which are leased ahead of campaigns
-- Returns: campaign and position of the message and what its hold is known by, packed as I8 I4 I8, without the last where an earlier
--     version made it; '' when the campaign is full in this partition, '-' when that hold was undone. One that was made after
--     another of the token was undone counts.
-- Limits: one message a call; at most ARGV[7] messages a campaign and partition; tokens are swept after a day.
local base, campaign, tenant, line, version = KEYS[1], ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local row, token, max, now = ARGV[5], ARGV[6], tonumber(ARGV[7]), ARGV[8]
local known = call('HGET', base .. 'tok', token)
if known then
  if sub(known, 5, 5) ~= '-' then return sub(known, 5) end
  local undone_at = #known > 5 and struct.unpack('>I8', known, 6) or struct.unpack('>I4', known) * 1000000
  if tonumber(ARGV[9]) <= undone_at then return '-' end
end
local position = call('LLEN', base .. 'aud:' .. campaign)
if position >= max then return '' end
call('RPUSH', base .. 'aud:' .. campaign, row)
if ARGV[11] == '1' then call('HSET', base .. 'c:' .. campaign, 'gathers', 1) end
local halt = call('HGET', base .. 'c:' .. campaign, 'halt')
if halt == 'c' or halt == 'x' then
  write_journal(base, { unsent(halt, campaign, tenant, position, 1) })
elseif sub(line, 1, 2) == '0:' then
  write_journal(base, { range('n', 3, campaign, tenant, position, 1) })
else
  push_span(base, line, tenant, campaign, halt, position, 1, version)
end
call('HSET', base .. 'c:' .. campaign, 'launched', position + 1, 'tenant', tenant)
local minute = ARGV[10]
if minute ~= '' then
  call('ZADD', base .. 'minutes', minute, minute)
  call('RPUSH', base .. 'until:' .. minute, struct.pack('>I8I4', campaign, position))
end
local id = struct.pack('>I8I4I8', campaign, position, ARGV[9])
call('HSET', base .. 'tok', token, struct.pack('>I4', now) .. id)
return id
