-- Takes one parked receipt away, after it found its message or grew too old.
-- KEYS[1] partition base, c:{pN}:
-- ARGV    pairs: recipient, parked receipt
-- Returns: how many were there.
-- Limits: at most 500 receipts a call.
local early, removed = KEYS[1] .. 'early', 0
for i = 1, #ARGV, 2 do
  local known = redis.call('HGET', early, ARGV[i])
  local first, last = nil, nil
  if known then first, last = find(known, ARGV[i + 1], 1, true) end
  if first then
    local rest = sub(known, 1, first - 1) .. sub(known, last + 1)
    if rest == '' then redis.call('HDEL', early, ARGV[i]) else redis.call('HSET', early, ARGV[i], rest) end
    removed = removed + 1
  end
end
return removed
