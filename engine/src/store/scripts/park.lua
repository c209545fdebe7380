-- Keeps receipts that match no message yet: the answer may still be on its way.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] most recipients with parked receipts  [2] most octets for one recipient  then pairs: recipient, parked receipt
-- Returns: how many were kept. The others were one too many: they are counted by the caller and acknowledged all the
-- same, since an SMSC that is refused sends them again for ever.
-- Limits: ARGV[1] recipients, ARGV[2] octets each; at most 500 receipts a call.
local early, kept = KEYS[1] .. 'early', 0
for i = 3, #ARGV, 2 do
  local known = redis.call('HGET', early, ARGV[i])
  if known and find(known, ARGV[i + 1], 1, true) then
    kept = kept + 1
  elseif #(known or '') + #ARGV[i + 1] <= tonumber(ARGV[2])
    and (known or redis.call('HLEN', early) < tonumber(ARGV[1])) then
    redis.call('HSET', early, ARGV[i], (known or '') .. ARGV[i + 1])
    kept = kept + 1
  end
end
return kept
