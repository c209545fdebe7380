-- Step: Doubt (Queued, Waiting, Deferred → InDoubt), after the database came back older than this process has seen it: what
-- was leased in the meantime may have been sent, and is not leased again. Of what other processes leased in between the cursors move on as well:
-- that stands in `gaps` until these say so.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] epoch, decimal  [2] number of the last lease that the database knows  [3] number of the last lease of this process
--     [4] now in seconds, packed as I4  [5] now, packed as I8  [6] partitions  then for each message leased since, in order:
--     recipient, the message as it was leased
-- Returns: messages that are in doubt now, then pairs of recipient and parked receipts for those who have some; -1 when
--     the database knows another lease as the last.
-- Limits: the leases of the last seconds, at most 1,000 messages a call; the last call of several brings [3].
local base, epoch, known, number, now_s, at8, partitions = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local leases = call('HGET', base .. 'leases', epoch)
local last = leases and sub(leases, 1, find(leases, ':', 1, true) - 1) or '0'
if last ~= known then return { -1 } end
local changed, events, found, cursors, orders, own = {}, {}, {}, {}, {}, {}
local heads = {}
local partition, has_gaps = tonumber(string.match(base, '{p(%d+)}')), call('EXISTS', base .. 'gaps') == 1
-- For longer than anybody who was stopped is waited for: whoever comes later finds what was looked for meanwhile.
local GAPS_KEPT_S = 3600
local function is_queued(message, position)
  local queue = line_of(message, 1) .. ':' .. campaign_of(message, 1)
  if heads[queue] == nil then
    local span = call('LINDEX', base .. 'spans:' .. queue, 0)
    heads[queue] = span and (struct.unpack('>I4', span)) or false
  end
  return heads[queue] and position >= heads[queue]
end

-- Whether a message was passed over when another process said what it had leased.
local function is_gap(id)
  return has_gaps and call('SREM', base .. 'gaps', id) == 1
end
for i = 7, #ARGV, 2 do
  local recipient, message = ARGV[i], ARGV[i + 1]
  local id = sub(message, 1 + ID, ID + 8)
  local record = changed[recipient] or call('HGET', base .. 'rec', recipient) or ''
  local first, ends = locate_id(record, id)
  local state = first and byte(record, first + STATE)
  local index = byte(id, 6) * 65536 + byte(id, 7) * 256 + byte(id, 8)
  local position = floor(index / partitions)
  -- What is in no record and behind the cursor has ended: books that have not come so far do not know it yet.
  if (not first and (is_queued(message, position) or is_gap(id))) or state == WAITING or state == DEFERRED then
    local lost = ''
    for _ = 1, math.max(1, byte(message, 1 + SEGMENTS)) do lost = lost .. '\2\0' end
    local length = 13 + 8 + #lost
    local doubt = char(FORM_MESSAGE, 73, (byte(message, 1 + MOVES) + 1) % 256) .. sub(message, 1 + EPOCH, 1 + ATTEMPTS)
      .. char(floor(length / 256), length % 256) .. sub(message, 1 + TENANT, BODY) .. at8 .. lost
    events[#events + 1] = 'm' .. (state and char(state) or 'Q') .. sub(moved(message, 1, 'I', ''), 3)
    if first then
      changed[recipient] = sub(record, 1, first - 1) .. doubt .. sub(record, ends + 1)
    else
      changed[recipient] = record .. doubt
    end
    found[#found + 1] = recipient
  end
  local queue = line_of(message, 1) .. ' ' .. campaign_of(message, 1)
  if not cursors[queue] then
    orders[#orders + 1] = queue
    own[queue] = {}
  end
  own[queue][position] = true
  cursors[queue] = math.max(cursors[queue] or 0, position + 1)
end
-- Notes what of these rows nobody has spoken for here.
local function note_gaps(queue, campaign, first, count)
  for position = first, first + count - 1 do
    if not own[queue][position] then
      call('SADD', base .. 'gaps', struct.pack('>I5I3', campaign, position * partitions + partition))
      call('EXPIRE', base .. 'gaps', GAPS_KEPT_S)
    end
  end
end

-- The cursors move on behind what was leased.
for _, queue in ipairs(orders) do
  local line, campaign = string.match(queue, '^(%S+) (%d+)$')
  local spans, moved_on = base .. 'spans:' .. line .. ':' .. campaign, 0
  while true do
    local span = call('LINDEX', spans, 0)
    if not span then break end
    local first, count, cut = struct.unpack('>I4I4I4', span)
    local used = math.min(count, cursors[queue] - first)
    if used <= 0 then break end
    moved_on = moved_on + used
    note_gaps(queue, campaign, first, used)
    if used < count then
      call('LSET', spans, 0, struct.pack('>I4I4I4', first + used, count - used, cut))
      break
    end
    call('LPOP', spans)
  end
  if moved_on > 0 then call('HINCRBY', base .. 'depth', line, -moved_on) end
  if moved_on > 0 and call('HEXISTS', base .. 'halted', queue) == 1 then
    if call('HINCRBY', base .. 'halted', queue, -moved_on) <= 0 then call('HDEL', base .. 'halted', queue) end
  end
  if moved_on > 0 and call('EXISTS', spans) == 0 then
    local order = base .. 'c:' .. campaign
    call('HDEL', order, 's:' .. line)
    leave_line(base, line, call('HGET', order, 'tenant') or '0', campaign)
  end
end
write_records(base, changed)
write_journal(base, events)
call('HSET', base .. 'leases', epoch, number .. ':')
return add_parked(base, found, { #found })
