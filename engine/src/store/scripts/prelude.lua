-- What the scripts of a partition share; put in front of each of them when they are loaded.
--
-- KEYS[1] is always the partition's base, "c:{pN}:"; every other key is built from it and so has its hash tag.
-- Layouts: domain/stored.rs and domain/journal.rs, where the same names stand. A local `at` is a message's first octet.
local byte, sub, char, find, floor, call = string.byte, string.sub, string.char, string.find, math.floor, redis.call

local FORM_MESSAGE, FORM_TRAIL, FORM_TRIED = 1, 2, 3
-- Of a message, from its first octet.
local STATE, MOVES, EPOCH, ID, ATTEMPTS, LENGTH, TENANT, ROUTE, SMSC = 1, 2, 3, 7, 15, 16, 18, 22, 24
local LANE, GATE, SEGMENTS, CREDITS, BODY = 26, 27, 29, 30, 31
local CAPPED = 128 -- in the octet of the lane
-- Of an audience row, counted from 1.
local ROW_RECIPIENT, ROW_SEGMENTS, ROW_CREDITS = 2, 10, 11
-- States, by the octet of their letter.
local WAITING, DEFERRED, LEASED, ENROUTE, IN_DOUBT = 87, 68, 76, 69, 73
local FAR = 9007199254740991 -- a due time that nobody waits for: 2^53 - 1 microseconds, the year 2255

-- The last octet of the item that begins at `at`.
local function item_end(record, at)
  if byte(record, at) == FORM_TRAIL then return at + 1 + byte(record, at + 1) end
  return at + LENGTH + 1 + byte(record, at + LENGTH) * 256 + byte(record, at + LENGTH + 1)
end

-- Where the messages of a record begin: behind its trails.
local function messages_of(record)
  local at = 1
  while byte(record, at) == FORM_TRAIL do at = at + 2 + byte(record, at + 1) end
  return at
end

-- First and last octet of the message with that id, or nil.
local function locate_id(record, id)
  local at = messages_of(record)
  while at <= #record do
    local last = item_end(record, at)
    if sub(record, at + ID, at + ID + 7) == id then return at, last end
    at = last + 1
  end
end

-- Whether nothing is known of the segments of the message from `at` to `last`: no SMSC has, or may have, a part of it.
local function is_whole(record, at, last)
  local body = at + BODY
  if byte(record, at) == FORM_TRIED then body = body + 5 + 2 * byte(record, body + 4) end
  return last == body - 1
end

-- The campaign of a message, as keys spell it.
local function campaign_of(record, at)
  return string.format('%.0f', (struct.unpack('>I5', sub(record, at + ID, at + ID + 4))))
end

-- The line of its route in which a message waits.
local function line_of(record, at)
  local gate = byte(record, at + GATE) * 256 + byte(record, at + GATE + 1)
  local route = byte(record, at + ROUTE) * 256 + byte(record, at + ROUTE + 1)
  return route .. ':' .. byte(record, at + LANE) % CAPPED .. ':' .. gate
end

-- Notes due times, to be written at the end of the script; `dues`: line → scores and members.
local function note_due(dues, line, score, member)
  local list = dues[line]
  if not list then list = {}; dues[line] = list end
  list[#list + 1] = score
  list[#list + 1] = member
end

-- Members of a due set by their campaigns, as keys spell these.
local function by_campaign(members)
  local of = {}
  for _, member in ipairs(members) do
    local campaign = string.format('%.0f', (struct.unpack('>I5', sub(member, 9, 13))))
    of[campaign] = of[campaign] or {}
    table.insert(of[campaign], member)
  end
  return of
end

-- So many more of a campaign's messages are in a line's due set.
local function count_again(base, line, campaign, by)
  local field = line .. ' ' .. campaign
  if call('HINCRBY', base .. 'again', field, by) <= 0 then call('HDEL', base .. 'again', field) end
end

-- Members of a line's due set that wait behind another message to the same person.
local function note_behind(base, line, members)
  for campaign, list in pairs(by_campaign(members)) do
    call('SADD', base .. 'behind:' .. line .. ':' .. campaign, unpack(list))
  end
end

-- Members that have left a line's due set.
local function note_gone(base, line, members)
  for campaign, list in pairs(by_campaign(members)) do
    count_again(base, line, campaign, -#list)
    call('SREM', base .. 'behind:' .. line .. ':' .. campaign, unpack(list))
  end
end

-- Puts messages into due sets that wait behind others.
local function write_dues(base, dues)
  for line, list in pairs(dues) do
    call('ZADD', base .. 'due:' .. line, unpack(list))
    call('SADD', base .. 'lines', 'd' .. line)
    local members = {}
    for i = 2, #list, 2 do members[#members + 1] = list[i] end
    note_behind(base, line, members)
    for campaign, of in pairs(by_campaign(members)) do count_again(base, line, campaign, #of) end
  end
end

-- Writes back the records that a script changed: recipient and record in turns, `last` values; an empty one is removed.
local function write_pairs(base, pairs_of, last)
  local kept, k, gone = pairs_of, last, {}
  for i = 2, last, 2 do
    if pairs_of[i] == '' then
      if kept == pairs_of then kept, k = { unpack(pairs_of, 1, i - 2) }, i - 2 end
      gone[#gone + 1] = pairs_of[i - 1]
    elseif kept ~= pairs_of then
      kept[k + 1], kept[k + 2], k = pairs_of[i - 1], pairs_of[i], k + 2
    end
  end
  if k > 0 then call('HSET', base .. 'rec', unpack(kept, 1, k)) end
  if #gone > 0 then call('HDEL', base .. 'rec', unpack(gone)) end
end

-- The same, of a table of records by recipient.
local function write_records(base, changed)
  local pairs_of, last = {}, 0
  for recipient, record in pairs(changed) do
    pairs_of[last + 1], pairs_of[last + 2], last = recipient, record, last + 2
  end
  write_pairs(base, pairs_of, last)
end

-- Appends what happened to the partition's journal.
local function write_journal(base, events)
  if #events > 0 then call('XADD', base .. 'jr', '*', '1', table.concat(events)) end
end

-- The event of the message at `at`: to the state of that letter, or to its end (`.`) with a result slot.
local function moved(record, at, to, slot)
  return 'm' .. sub(record, at + STATE, at + STATE) .. to .. sub(record, at + ID, at + CREDITS) .. slot
end

-- The event of consecutive rows that ended without having been leased.
local function range(letter, reason, campaign, tenant, first, count)
  return 'r' .. char(reason) .. letter .. struct.pack('>I8I4I4I4', campaign, tenant, first, count)
end

-- The same of rows of which nothing is sent any more: their campaign was stopped (c), they were called back (r), or their time is over (x).
local function unsent(how, campaign, tenant, first, count)
  if how == 'c' then return range('c', 7, campaign, tenant, first, count) end
  if how == 'r' then return range('c', 11, campaign, tenant, first, count) end
  return range('f', 10, campaign, tenant, first, count)
end

-- Pairs of recipient and parked receipts for those recipients that have some, behind `reply`.
local function add_parked(base, recipients, reply)
  if #recipients == 0 or call('EXISTS', base .. 'parked') == 0 then return reply end
  local parked = call('HMGET', base .. 'parked', unpack(recipients))
  for i = 1, #recipients do
    if parked[i] then
      reply[#reply + 1] = recipients[i]
      reply[#reply + 1] = parked[i]
    end
  end
  return reply
end

-- Whether a campaign gathers messages that were asked for by themselves.
local function gathers(base, campaign)
  return campaign and call('HGET', base .. 'c:' .. campaign, 'gathers')
end

-- Puts a campaign in line with its spans there, and its tenant in the ring; beside it while the tenant is suspended. Messages by themselves
-- stand ahead of campaigns, those of one hour behind those of the hour before.
local function stand_in_line(base, line, tenant, campaign)
  local lane, at, first = base .. 'lane:' .. line .. ':' .. tenant, 0, nil
  if gathers(base, campaign) then
    first = call('LINDEX', lane, at)
    while gathers(base, first) do
      at = at + 1
      first = call('LINDEX', lane, at)
    end
  end
  if first then
    call('LINSERT', lane, 'BEFORE', first, campaign)
    return
  end
  if call('RPUSH', lane, campaign) > 1 then return end
  if call('SISMEMBER', base .. 'suspended', tenant) == 1 then
    call('SADD', base .. 'aside:' .. tenant, line)
  elseif call('RPUSH', base .. 'ring:' .. line, tenant) == 1 then
    call('SADD', base .. 'lines', 'r' .. line)
  end
end

-- Puts a tenant into the rings beside which it stands. Returns how many these are.
local function stand_in_rings(base, tenant)
  local lines = call('SMEMBERS', base .. 'aside:' .. tenant)
  for _, line in ipairs(lines) do
    call('RPUSH', base .. 'ring:' .. line, tenant)
    call('SADD', base .. 'lines', 'r' .. line)
  end
  if #lines > 0 then call('UNLINK', base .. 'aside:' .. tenant) end
  return #lines
end

-- Takes a campaign out of a line.
local function leave_line(base, line, tenant, campaign)
  local lane, ring = base .. 'lane:' .. line .. ':' .. tenant, base .. 'ring:' .. line
  if call('LREM', lane, 0, campaign) == 0 or call('EXISTS', lane) == 1 then return end
  call('SREM', base .. 'aside:' .. tenant, line)
  call('LREM', ring, 0, tenant)
  if call('EXISTS', ring) == 0 then call('SREM', base .. 'lines', 'r' .. line) end
end

-- Whether a campaign's spans in a line are leased some time: it stands there with its tenant, if only beside the ring, or is to
-- be cut anew first.
local function is_in_line(base, line, tenant, campaign)
  local stands = call('SISMEMBER', base .. 'lines', 'r' .. line) == 1 and call('LPOS', base .. 'ring:' .. line, tenant)
    or call('SISMEMBER', base .. 'aside:' .. tenant, line) == 1
  return stands and call('LPOS', base .. 'lane:' .. line .. ':' .. tenant, campaign)
    or call('LPOS', base .. 'stale', line .. ' ' .. tenant .. ' ' .. campaign)
end

-- Queues consecutive rows of a campaign; a span that goes on where the last one ended becomes part of it.
local function push_span(base, line, tenant, campaign, halted, first, count, version)
  local key = base .. 'spans:' .. line .. ':' .. campaign
  local last = call('LINDEX', key, -1)
  local from, n, cut = nil, nil, nil
  if last then from, n, cut = struct.unpack('>I4I4I4', last) end
  if last and from + n == first and cut == version then
    call('LSET', key, -1, struct.pack('>I4I4I4', from, n + count, version))
  else
    call('RPUSH', key, struct.pack('>I4I4I4', first, count, version))
  end
  call('HINCRBY', base .. 'depth', line, count)
  if halted then call('HINCRBY', base .. 'halted', line .. ' ' .. campaign, count) end
  if last then return end
  call('HSET', base .. 'c:' .. campaign, 's:' .. line, 1)
  if not halted then stand_in_line(base, line, tenant, campaign) end
end

-- Keeps that a recipient wants no messages of a tenant (4 octets; '': of anybody) in these lanes. Returns 1 when that is new.
local function opt_out(base, recipient, lanes, tenant)
  local new = 0
  for lane in string.gmatch(lanes, '%d') do
    if tenant == '' then
      local gone = call('HDEL', base .. 'back:' .. lane, recipient)
      new = math.max(new, gone, call('SADD', base .. 'stopall:' .. lane, recipient))
    else
      new = math.max(new, call('SADD', base .. 'stop:' .. lane, tenant .. recipient))
    end
  end
  return new
end

-- Whether somebody who wanted nobody's messages has asked for those of a tenant (4 octets) since.
local function is_back(base, recipient, lane, tenant)
  local tenants = call('HGET', base .. 'back:' .. lane, recipient) or ''
  for at = 1, #tenants, 4 do
    if sub(tenants, at, at + 3) == tenant then return true end
  end
  return false
end

-- Ends what waits in a record, `of` these lanes and that tenant, with that result slot. Returns the record without it. What an
-- SMSC has a part of is not called back.
local function end_waiting(base, recipient, record, of, events)
  local lanes, tenant, slot = unpack(of)
  local at = messages_of(record)
  local kept = sub(record, 1, at - 1)
  while at <= #record do
    local last, state = item_end(record, at), byte(record, at + STATE)
    local wanted = find(lanes, tostring(byte(record, at + LANE) % CAPPED), 1, true)
      and (tenant == '' or sub(record, at + TENANT, at + TENANT + 3) == tenant)
    if wanted and is_whole(record, at, last) and (state == WAITING or state == DEFERRED) then
      events[#events + 1] = moved(record, at, '.', slot)
      local line, member = line_of(record, at), recipient .. sub(record, at + ID, at + ID + 7)
      if call('ZREM', base .. 'due:' .. line, member) == 1 then note_gone(base, line, { member }) end
    else
      kept = kept .. sub(record, at, last)
    end
    at = last + 1
  end
  return kept
end
