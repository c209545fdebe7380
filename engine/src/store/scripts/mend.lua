-- Step: Doubt (Queued → InDoubt), for a message that is nowhere: it may have been sent, and nobody can tell. One that was counted
-- as taken, or as in doubt, before it was lost is that again, without being counted again. And what is in two places stays in the
-- later one of these: span, record, results. No place is trusted unless it is looked at here.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] lane  [3] partitions  [4] now, microseconds  [5] positions that are suspected, packed as I4 each
--     [6] for each of them a letter: that of the state under which a message is counted that was seen nowhere before the books had
--     all of the journal of then (Q: under none); '.' where that was not seen: what has ended since is nowhere else either
-- Returns: for each position a letter: '.' it is in one place; 'l' it was nowhere and is in its record now; 'q' it was queued besides;
--     'r' it was twice in its record; 'e' it had ended, and was in its record besides; 'd' it waited and would never have been due;
--     then how many lines the campaign was put back into, those without spans being left; then pairs of recipient and parked receipts for those that were nowhere.
-- Limits: at most 200 positions a call; the spans of one campaign are written anew where one of them is cut.
local base, campaign, lane, partitions, now, suspects = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]
local counted_under = ARGV[6]
local order, partition = base .. 'c:' .. campaign, tonumber(string.match(KEYS[1], '{p(%d+)}'))
local state = call('HMGET', order, 'halt', 'tenant')
local halt, tenant = state[1] or '', state[2] or '0'
local changed, events, found, verdicts = {}, {}, {}, {}

-- The campaign's spans by line, and the positions that are to be cut out of them.
local lines, spans, cuts = {}, {}, {}
for _, field in ipairs(call('HKEYS', order)) do
  if sub(field, 1, 2) == 's:' then
    lines[#lines + 1] = sub(field, 3)
    spans[#lines] = call('LRANGE', base .. 'spans:' .. lines[#lines] .. ':' .. campaign, 0, -1)
  end
end

-- How many spans have that position.
local function times_queued(position)
  local times = 0
  for i = 1, #lines do
    for _, span in ipairs(spans[i]) do
      local first, count = struct.unpack('>I4I4', span)
      if position >= first and position < first + count then times = times + 1 end
    end
  end
  return times
end

-- First and last octet of the message with that id behind the octet `after`, or nil.
local function locate_behind(record, after, id)
  local at = after + 1
  while at <= #record do
    local last = item_end(record, at)
    if sub(record, at + ID, at + ID + 7) == id then return at, last end
    at = last + 1
  end
end

-- Takes a message out of all due sets.
local function forget_due(member)
  for _, entry in ipairs(call('SMEMBERS', base .. 'lines')) do
    local line = sub(entry, 2)
    if sub(entry, 1, 1) == 'd' and call('ZREM', base .. 'due:' .. line, member) == 1 then note_gone(base, line, { member }) end
  end
end

-- A message that waits is due now, if it is not due some time. Returns whether it was not.
local function make_due(record, first, ends, member)
  for _, entry in ipairs(call('SMEMBERS', base .. 'lines')) do
    if sub(entry, 1, 1) == 'd' and call('ZSCORE', base .. 'due:' .. sub(entry, 2), member) then return false end
  end
  local line = line_of(record, first)
  if not is_whole(record, first, ends) then
    line = '@' .. byte(record, first + SMSC) * 256 + byte(record, first + SMSC + 1) .. string.match(line, ':.*$')
  end
  call('ZADD', base .. 'due:' .. line, now, member)
  call('SADD', base .. 'lines', 'd' .. line)
  count_again(base, line, campaign, 1)
  return true
end

-- A message that may have been sent, or was, nobody knows when and to which SMSC.
local function found_again(row, id, state)
  local traces = string.rep(state == 'E' and '\1\0' or '\2\0', math.max(1, byte(row, ROW_SEGMENTS)))
  local length = 13 + 8 + #traces
  return char(FORM_MESSAGE, byte(state), 1) .. '\0\0\0\0' .. id .. '\0' .. char(floor(length / 256), length % 256)
    .. struct.pack('>I4', tenant) .. '\0\0\0\0' .. char(lane) .. '\0\0' .. sub(row, ROW_SEGMENTS, ROW_CREDITS) .. struct.pack('>I8', now) .. traces
end

local function look_at(position, counted)
  local row = call('LINDEX', base .. 'aud:' .. campaign, position)
  if not row then return '.' end
  local recipient, id = sub(row, ROW_RECIPIENT, ROW_RECIPIENT + 7), struct.pack('>I5I3', campaign, position * partitions + partition)
  local record = changed[recipient] or call('HGET', base .. 'rec', recipient) or ''
  local first, ends = locate_id(record, id)
  local letter = call('GETRANGE', base .. 'res:' .. campaign, 88 + 8 * position, 88 + 8 * position)
  local ended, queued = letter ~= '' and letter ~= '\0', times_queued(position)
  local verdict = '.'
  if queued > ((first or ended) and 0 or 1) then
    cuts[position] = (first or ended) and 'all' or 'but one'
    verdict = 'q'
  end
  if first and ended then
    changed[recipient] = sub(record, 1, first - 1) .. sub(record, ends + 1)
    forget_due(recipient .. id)
    return 'e'
  end
  local again, again_ends = nil, nil
  if first then again, again_ends = locate_behind(record, ends, id) end
  if again then
    changed[recipient] = sub(record, 1, again - 1) .. sub(record, again_ends + 1)
    return 'r'
  end
  -- Behind a stop, what has no result is canceled.
  if counted ~= '.' and not first and not ended and queued == 0 and halt ~= 'c' then
    local message = found_again(row, id, counted == 'E' and 'E' or 'I')
    if counted == 'Q' then events[#events + 1] = 'mQ' .. sub(moved(message, 1, 'I', ''), 3) end
    changed[recipient] = record .. message
    found[#found + 1] = recipient
    call('SREM', base .. 'gaps', id)
    return 'l'
  end
  local waits = first and (byte(record, first + STATE) == WAITING or byte(record, first + STATE) == DEFERRED)
  if waits and make_due(record, first, ends, recipient .. id) then return 'd' end
  return verdict
end

for at = 1, #suspects, 4 do
  local nth = (at + 3) / 4
  verdicts[nth] = look_at((struct.unpack('>I4', sub(suspects, at, at + 3))), sub(counted_under, nth, nth))
end

-- What is left of a span without the positions that are cut.
local function without_cuts(span)
  local first, count, cut = struct.unpack('>I4I4I4', span)
  local positions = {}
  for position, how in pairs(cuts) do
    if position >= first and position < first + count then
      if how == 'but one' then cuts[position] = 'all' else positions[#positions + 1] = position end
    end
  end
  if #positions == 0 then return { span }, 0 end
  table.sort(positions)
  local rest, from = {}, first
  positions[#positions + 1] = first + count
  for _, position in ipairs(positions) do
    if position > from then rest[#rest + 1] = struct.pack('>I4I4I4', from, position - from, cut) end
    from = position + 1
  end
  return rest, #positions - 1
end

for i = 1, next(cuts) and #lines or 0 do
  local rest, gone = {}, 0
  for _, span in ipairs(spans[i]) do
    local left, without = without_cuts(span)
    for _, piece in ipairs(left) do rest[#rest + 1] = piece end
    gone = gone + without
  end
  if gone > 0 then
    local key, halted = base .. 'spans:' .. lines[i] .. ':' .. campaign, lines[i] .. ' ' .. campaign
    call('UNLINK', key)
    for _, piece in ipairs(rest) do call('RPUSH', key, piece) end
    call('HINCRBY', base .. 'depth', lines[i], -gone)
    if call('HEXISTS', base .. 'halted', halted) == 1 then call('HINCRBY', base .. 'halted', halted, -gone) end
    if #rest == 0 then
      call('HDEL', order, 's:' .. lines[i])
      call('HDEL', base .. 'halted', halted)
      leave_line(base, lines[i], tenant, campaign)
    end
  end
end

local back = 0
for i, line in ipairs(lines) do
  if #spans[i] == 0 then
    -- Its spans there are gone: nobody is to look for some.
    call('HDEL', order, 's:' .. line)
    leave_line(base, line, tenant, campaign)
  elseif halt == '' and call('HEXISTS', order, 's:' .. line) == 1 and not is_in_line(base, line, tenant, campaign) then
    local lane_key, ring = base .. 'lane:' .. line .. ':' .. tenant, base .. 'ring:' .. line
    if not call('LPOS', lane_key, campaign) then call('RPUSH', lane_key, campaign) end
    if not call('LPOS', ring, tenant) then call('RPUSH', ring, tenant) end
    call('SADD', base .. 'lines', 'r' .. line)
    back = back + 1
  end
end
write_records(base, changed)
write_journal(base, events)
return add_parked(base, found, { table.concat(verdicts), back })
