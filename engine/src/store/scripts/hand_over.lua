-- Gives an inbound message that was nobody's to a tenant.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] the message: its place among nobody's  [2] the tenant's number  [3] the message  [4] its campaign, or ''  [5] seconds that it
--     is kept for
-- Returns: its place in the tenant's stream; nothing if somebody was faster.
-- Limits: one message a call.
local base = KEYS[1]
local found = call('XRANGE', base .. 'inbound:0', ARGV[1], ARGV[1])
if #found == 0 then return false end
call('XDEL', base .. 'inbound:0', ARGV[1])
local fields = found[1][2]
local stream = base .. 'inbound:' .. ARGV[2]
local place = call('XADD', stream, '*', 'm', ARGV[3], 'c', ARGV[4], 's', fields[6], 'r', fields[8] or '')
call('EXPIRE', stream, ARGV[5])
return place
