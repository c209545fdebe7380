-- Takes an opt-out of one tenant's messages back, for a recipient who asks for them again, unless a later message opts out.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] tenant, 4 octets  [2] recipient, 8 octets  [3] lane, a digit  [4] the tenant's number  [5] the message that asks: its place
--     in the tenant's stream
-- Returns: 1 if there was one and it is gone, else 0.
-- Limits: reads what came behind that message, at most the messages that are kept for a tenant.
local base, tenant4, recipient, lane = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
for _, entry in ipairs(call('XRANGE', base .. 'inbound:' .. ARGV[4], '(' .. ARGV[5], '+')) do
  local fields = entry[2]
  -- An entry of an earlier version does not say whose it is: it may be theirs.
  if fields[6] == '1' and (fields[8] == nil or fields[8] == recipient) then return 0 end
end
return call('SREM', base .. 'stop:' .. lane, tenant4 .. recipient)
