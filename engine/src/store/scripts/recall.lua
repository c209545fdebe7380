-- Step: Cancel, Outdate (Queued → its end). Ends messages by themselves that are still queued: they leave their spans.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] 'r' they are called back, 'x' their time is over; then in pairs: campaign, its positions there, 4 octets each, rising
-- Returns: for each position '.' it was queued and has ended; '' it had ended, or is not there; else the recipient, in whose record it is if
--     it was launched.
-- Limits: 500 positions a call; O(spans) of each campaign in this partition.
local base, how = KEYS[1], ARGV[1]
local COUNTERS, SLOT = 88, 8 -- octets before the results; octets of one
local events, reply = {}, {}

-- The first of the rising positions that is not below `least`.
local function first_from(positions, least)
  local low, high = 1, #positions + 1
  while low < high do
    local middle = floor((low + high) / 2)
    if positions[middle] < least then low = middle + 1 else high = middle end
  end
  return low
end

-- Takes positions of a campaign out of its spans in a line, and notes in `ended` which these are.
local function take_out(line, tenant, campaign, positions, ended)
  local key, kept, gone = base .. 'spans:' .. line .. ':' .. campaign, {}, 0
  for _, span in ipairs(call('LRANGE', key, 0, -1)) do
    local first, count, cut = struct.unpack('>I4I4I4', span)
    local from, behind, at = first, first + count, first_from(positions, first)
    while positions[at] and positions[at] < behind do
      local position = positions[at]
      if position > from then kept[#kept + 1] = struct.pack('>I4I4I4', from, position - from, cut) end
      events[#events + 1] = unsent(how, campaign, tenant, position, 1)
      ended[position], from, gone, at = true, position + 1, gone + 1, at + 1
    end
    if from < behind then kept[#kept + 1] = struct.pack('>I4I4I4', from, behind - from, cut) end
  end
  if gone == 0 then return end
  call('UNLINK', key)
  for i = 1, #kept, 1000 do call('RPUSH', key, unpack(kept, i, math.min(i + 999, #kept))) end
  call('HINCRBY', base .. 'depth', line, -gone)
  local halted = line .. ' ' .. campaign
  if #kept == 0 then
    call('HDEL', base .. 'c:' .. campaign, 's:' .. line)
    call('HDEL', base .. 'halted', halted)
    leave_line(base, line, tenant, campaign)
  elseif call('HEXISTS', base .. 'halted', halted) == 1 then
    call('HINCRBY', base .. 'halted', halted, -gone)
  end
end

for a = 2, #ARGV, 2 do
  local campaign, packed, positions, ended = ARGV[a], ARGV[a + 1], {}, {}
  for at = 1, #packed, 4 do positions[#positions + 1] = struct.unpack('>I4', packed, at) end
  local order = base .. 'c:' .. campaign
  local tenant = call('HGET', order, 'tenant')
  for _, field in ipairs(call('HKEYS', order)) do
    if sub(field, 1, 2) == 's:' then take_out(sub(field, 3), tenant, campaign, positions, ended) end
  end
  for _, position in ipairs(positions) do
    local where = '.'
    if not ended[position] then
      local slot = COUNTERS + SLOT * position
      local result = call('GETRANGE', base .. 'res:' .. campaign, slot, slot)
      local row = (result == '' or result == '\0') and call('LINDEX', base .. 'aud:' .. campaign, position) or ''
      where = sub(row or '', ROW_RECIPIENT, ROW_RECIPIENT + 7)
    end
    reply[#reply + 1] = where
  end
end
write_journal(base, events)
return reply
