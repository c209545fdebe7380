-- Lets old trails go: what remains of finished messages is kept for a set time.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] oldest time that is kept, seconds  then pairs: recipient, record as it was read
-- Returns: records that lost a trail.
-- Limits: at most 500 records a call.
local base, oldest, changed, n = KEYS[1], tonumber(ARGV[1]), {}, 0
for i = 2, #ARGV, 2 do
  if call('HGET', base .. 'rec', ARGV[i]) == ARGV[i + 1] then
    local record, kept, at = ARGV[i + 1], {}, 1
    local messages = messages_of(record)
    while at < messages do
      local last = at + 1 + byte(record, at + 1)
      if struct.unpack('>I4', sub(record, at + 19, at + 22)) >= oldest then kept[#kept + 1] = sub(record, at, last) end
      at = last + 1
    end
    local after = table.concat(kept) .. sub(record, messages)
    if after ~= record then
      changed[ARGV[i]] = after
      n = n + 1
    end
  end
end
write_records(base, changed)
return n
