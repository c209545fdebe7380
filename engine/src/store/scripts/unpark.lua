-- Takes parked receipts away, after they found their message or grew too old.
-- KEYS[1] partition base, c:{pN}:
-- ARGV    pairs: key, parked receipt
-- Returns: how many were there.
-- Limits: at most 500 receipts a call.
local parked, removed = KEYS[1] .. 'parked', 0
for i = 1, #ARGV, 2 do
  local known = call('HGET', parked, ARGV[i])
  local first, last = nil, nil
  if known then first, last = find(known, ARGV[i + 1], 1, true) end
  if first then
    local rest = sub(known, 1, first - 1) .. sub(known, last + 1)
    if rest == '' then call('HDEL', parked, ARGV[i]) else call('HSET', parked, ARGV[i], rest) end
    removed = removed + 1
  end
end
return removed
