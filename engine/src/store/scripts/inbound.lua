-- Step: Skip (Waiting, Deferred → skipped), for who asks for it. Stores inbound messages of a partition, each once, with whose
-- message it answers; who wants no more of these is kept in the same step.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] now, seconds  [2] seconds in which the same message again is a second copy  [3] lanes that an opt-out stops, each a
--     digit  [4] days that messages are kept  [5] messages kept for a tenant  [6] tenants whose appointments a "CANCEL" answers,
--     4 octets each, then for each message: recipient, 8 octets, or ''  [+1] the number that was written to, 8 octets
--     [+2] digest of the message  [+3] '1': it is an opt-out, '2': unless it answers its tenant's appointments  [+4] the message
--     [+5] what its parts had in common, or ''  [+6] the tenants whose that number is, 4 octets each, behind '!' if the message
--     itself says that it is for the first, or ''  [+7] '1': a simulator brought it, and it is for sandboxes alone
-- A second copy is one that comes while nothing was sent to its sender since the first, or before that was acknowledged: an SMSC
--     sends again what it heard nothing of, and a person answers the next question with the same word. A copy that opts out anew,
--     of one who has opted in since, is none.
-- Returns: for each message its tenant, 0: nobody's, or -1: a second copy; then 1 when an opt-out was stored, or 0.
-- Limits: at most 100 messages a call.
local base, now, twice, lanes, days, most = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local spared = ARGV[6]
local slot, changed, events, reply = 's\8\0\0' .. struct.pack('>I4', now), {}, {}, {}

-- What a trail begins with whose sender is a name: an answer goes to the number in the text.
local A_NAME = string.rep('\0', 8)

local function is_among(tenants, tenant4)
  for at = 1, #tenants, 4 do
    if sub(tenants, at, at + 3) == tenant4 then return true end
  end
  return false
end

-- The highest bit of its number says that a tenant is a sandbox.
local function is_sandbox(tenant4)
  return byte(tenant4, 1) >= 128
end

-- Tenant, 4 octets, and campaign of whoever wrote last from that number, or else under a name. To a number that belongs to tenants
-- nobody answers what another tenant wrote under a name; what says whom it is for is nobody else's.
local function answered(record, number, owners, simulated)
  local meant = byte(owners, 1) == 33
  if meant then owners = sub(owners, 2, 5) end
  for _, sender in ipairs({ number, A_NAME }) do
    local at = 1
    while byte(record, at) == FORM_TRAIL do
      local tenant4 = sub(record, at + 10, at + 13)
      local may = owners == '' or is_among(owners, tenant4) or sender == number and not meant
      may = may and is_sandbox(tenant4) == simulated
      if sub(record, at + 2, at + 9) == sender and may then
        return tenant4, string.format('%.0f', (struct.unpack('>I5', sub(record, at + 14, at + 18))))
      end
      at = at + 2 + byte(record, at + 1)
    end
  end
  return #owners == 4 and owners or nil
end

-- What was sent to a person: the length of the trails, 2 octets, these, and the messages that may be at an SMSC, 8 octets each.
local function sent_to(record)
  local at, ids = messages_of(record), {}
  local trails = sub(record, 1, at - 1)
  while at <= #record do
    local state = byte(record, at + STATE)
    if state ~= WAITING and state ~= DEFERRED then ids[#ids + 1] = sub(record, at + ID, at + ID + 7) end
    at = item_end(record, at) + 1
  end
  return struct.pack('>I2', #trails) .. trails .. table.concat(ids)
end

-- Whether something was sent since that was so: a trail has changed, or a message is under way that was not.
local function was_sent_since(before, sent)
  local ids, ids_before = 3 + struct.unpack('>I2', sent), 3 + struct.unpack('>I2', before)
  if sub(before, 1, ids_before - 1) ~= sub(sent, 1, ids - 1) then return true end
  local known = {}
  for at = ids_before, #before, 8 do known[sub(before, at, at + 7)] = true end
  for at = ids, #sent, 8 do
    if not known[sub(sent, at, at + 7)] then return true end
  end
  return false
end

for i = 7, #ARGV, 8 do
  local recipient, number, digest, stops = ARGV[i], ARGV[i + 1], ARGV[i + 2], ARGV[i + 3]
  local message, key, owners, simulated = ARGV[i + 4], ARGV[i + 5], ARGV[i + 6], ARGV[i + 7] == '1'
  if key ~= '' then
    call('DEL', base .. 'parts:' .. key)
    call('ZREM', base .. 'parting', key)
    call('SET', base .. 'whole:' .. key, 1, 'EX', twice)
  end
  local record = changed[recipient] or call('HGET', base .. 'rec', recipient) or ''
  local sent, before = sent_to(record), call('GET', base .. 'in:' .. digest)
  local is_copy = before and not (call('EXISTS', base .. 'heard:' .. digest) == 1 and was_sent_since(before, sent))
  local tenant4, campaign = answered(record, number, owners, simulated)
  local tenant, stopped = tenant4 and struct.unpack('>I4', tenant4) or 0, 0
  -- What nobody's sandbox sent opts out of nothing: in a simulator nobody has said so.
  local heard = tenant4 or not simulated
  if heard and recipient ~= '' and (stops == '1' or stops == '2' and not is_among(spared, tenant4 or '')) then
    -- Nobody knows whose messages are meant: all.
    if opt_out(base, recipient, lanes, tenant4 or '') == 1 then is_copy = false end
    changed[recipient] = end_waiting(base, recipient, record, { lanes, tenant4 or '', slot }, events)
    stopped = 1
  end
  if is_copy then
    reply[#reply + 1], reply[#reply + 2] = -1, 0
  else
    call('SET', base .. 'in:' .. digest, sent, 'EX', twice)
    call('DEL', base .. 'heard:' .. digest)
    local stream = base .. 'inbound:' .. tenant
    call('XADD', stream, 'MAXLEN', '~', most, '*', 'm', message, 'c', campaign or '', 's', stopped, 'r', stopped == 1 and recipient or '')
    call('XTRIM', stream, 'MINID', '~', string.format('%.0f', (now - days * 86400) * 1000))
    call('EXPIRE', stream, days * 86400)
    reply[#reply + 1], reply[#reply + 2] = tenant, stopped
  end
end
write_records(base, changed)
write_journal(base, events)
return reply
