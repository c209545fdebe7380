-- Takes an opt-out of one tenant's messages back, for a recipient who asks for them again, unless a later message opts out.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] tenant, 4 octets  [2] recipient, 8 octets  [3] lane, a digit  [4] the tenant's number  [5] the message that asks: its place
--     in the tenant's stream  [6] 1: they have written so themselves, and an opt-out of all tenants' messages ends for that one
-- Returns: 1 if there was one and it is gone, else 0.
-- Limits: reads what came behind that message, at most the messages that are kept for a tenant, and for nobody.
local base, tenant4, recipient, lane = KEYS[1], ARGV[1], ARGV[2], ARGV[3]

-- Whether they have opted out since, of that tenant's messages or, 0, of all.
local function is_out_since(whose)
  for _, entry in ipairs(call('XRANGE', base .. 'inbound:' .. whose, '(' .. ARGV[5], '+')) do
    local fields = entry[2]
    -- An entry of an earlier version does not say whose it is: it may be theirs.
    if fields[6] == '1' and (fields[8] == nil or fields[8] == recipient) then return true end
  end
  return false
end

if is_out_since(ARGV[4]) then return 0 end
local gone = call('SREM', base .. 'stop:' .. lane, tenant4 .. recipient)
if ARGV[6] ~= '1' or call('SISMEMBER', base .. 'stopall:' .. lane, recipient) == 0
  or is_back(base, recipient, lane, tenant4) or is_out_since('0') then return gone end
local back = base .. 'back:' .. lane
call('HSET', back, recipient, (call('HGET', back, recipient) or '') .. tenant4)
return 1
