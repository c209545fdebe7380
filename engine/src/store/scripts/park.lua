-- Keeps receipts that match no message (yet).
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] most keys with parked receipts  [2] most octets for one key  then pairs: key (a recipient, or a number that is
--     none), parked receipt
-- Returns: for each receipt 1 kept, 0 no room: it is then counted by the caller and acknowledged all the same, since an SMSC
--     that is refused sends it again for ever.
-- Limits: ARGV[1] keys, ARGV[2] octets each; at most 500 receipts a call.
local parked, kept = KEYS[1] .. 'parked', {}
for i = 3, #ARGV, 2 do
  local known = call('HGET', parked, ARGV[i])
  if known and find(known, ARGV[i + 1], 1, true) then
    kept[#kept + 1] = '1'
  elseif #(known or '') + #ARGV[i + 1] <= tonumber(ARGV[2]) and (known or call('HLEN', parked) < tonumber(ARGV[1])) then
    call('HSET', parked, ARGV[i], (known or '') .. ARGV[i + 1])
    kept[#kept + 1] = '1'
  else
    kept[#kept + 1] = '0'
  end
end
return table.concat(kept)
