-- Any step but Lease, Wait and Skip: puts records in place of those that were read, each only if it still is exactly that.
-- What becomes of a message is decided in domain/transition.rs and written down in domain/draft.rs.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] how many records: n  [2] lines of the journal, all in one  [3] their lengths, 4 octets a record
--     then n recipients, n records as they were read ('' = none), n records in their place ('' = none), then of the rest,
--     in fives: which record (from 1), what: 'z' due in a line, 'x' not due there, 'c' taken for a tenant's cap; the line,
--     or the tenant; the due time in microseconds, or now in seconds as 4 octets, or ''; member of the due set, or ''
-- Returns: a string of 1 (done), 2 (had been done so before) and 0 (is something else), then pairs of recipient and parked
--     receipts for those done who have some.
-- Limits: at most 500 records a call.
local byte, sub, call = string.byte, string.sub, redis.call
local base, n, journal, lengths = KEYS[1], tonumber(ARGV[1]), ARGV[2], ARGV[3]
local BEFORE, AFTER, REST = 3 + n, 3 + 2 * n, 3 + 3 * n
local records = call('HMGET', base .. 'rec', unpack(ARGV, 4, BEFORE))
local set, s, gone, other = {}, 0, {}, nil
for i = 1, n do
  local before, after = ARGV[BEFORE + i], ARGV[AFTER + i]
  if (records[i] or '') ~= before then
    other = other or {}
    other[i] = (records[i] or '') == after and '2' or '0'
  elseif after == '' then
    gone[#gone + 1] = ARGV[3 + i]
  else
    set[s + 1], set[s + 2], s = ARGV[3 + i], after, s + 2
  end
end
local flags
if other then
  local kept, from = {}, 1
  for i = 1, n do
    local length = struct.unpack('>I4', lengths, 4 * i - 3)
    if not other[i] then kept[#kept + 1] = sub(journal, from, from + length - 1) end
    from = from + length
    other[i] = other[i] or '1'
  end
  journal, flags = table.concat(kept), table.concat(other)
else
  flags = string.rep('1', n)
end
if s > 0 then call('HSET', base .. 'rec', unpack(set)) end
if #gone > 0 then call('HDEL', base .. 'rec', unpack(gone)) end
if journal ~= '' then call('XADD', base .. 'jr', '*', '1', journal) end
-- So many more of its campaign's messages are in a line's due set; whether it waits behind another is seen at the next lease.
local function count_again(line, member, by)
  local campaign = string.format('%.0f', (struct.unpack('>I5', sub(member, 9, 13))))
  local field = line .. ' ' .. campaign
  if by ~= 0 and call('HINCRBY', base .. 'again', field, by) <= 0 then call('HDEL', base .. 'again', field) end
  call('SREM', base .. 'behind:' .. line .. ':' .. campaign, member)
end
for at = REST + 1, #ARGV, 5 do
  local record, what, line, when, member = tonumber(ARGV[at]), ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  if byte(flags, record) == 49 then -- 1
    if what == 'z' then
      count_again(line, member, call('ZADD', base .. 'due:' .. line, when, member))
      call('SADD', base .. 'lines', 'd' .. line)
    elseif what == 'x' then
      if call('ZREM', base .. 'due:' .. line, member) == 1 then count_again(line, member, -1) end
    else
      local key, recipient = base .. 'cap:' .. line, ARGV[3 + record]
      call('HSET', key, recipient, sub((call('HGET', key, recipient) or '') .. when, -64))
    end
  end
end
local reply = { flags }
if call('EXISTS', base .. 'parked') == 1 then
  local parked = call('HMGET', base .. 'parked', unpack(ARGV, 4, BEFORE))
  for i = 1, n do
    if parked[i] and byte(flags, i) ~= 48 then -- 0
      reply[#reply + 1] = ARGV[3 + i]
      reply[#reply + 1] = parked[i]
    end
  end
end
return reply
