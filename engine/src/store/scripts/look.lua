-- Recipients of a campaign with what became of their messages, at one instant.
-- KEYS[1] partition base, c:{pN}:
-- ARGV[1] campaign  [2] first position  [3] how many, at most 500
-- Returns: 1 when the books have all of the journal, else 0; the campaign's halt or ''; the results, 8 octets each; the spans
--     that are queued, 8 octets each: first position, count; then for each row the row, and the record of its recipient
--     when it has no result.
-- Limits: 500 rows a call.
local base, campaign, first, count = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local rows = call('LRANGE', base .. 'aud:' .. campaign, first, first + count - 1)
local slots = call('GETRANGE', base .. 'res:' .. campaign, 88 + 8 * first, 88 + 8 * (first + #rows) - 1)
slots = slots .. string.rep('\0', 8 * #rows - #slots)
local queued, order = {}, base .. 'c:' .. campaign
for _, field in ipairs(call('HKEYS', order)) do
  if sub(field, 1, 2) == 's:' then
    for _, span in ipairs(call('LRANGE', base .. 'spans:' .. sub(field, 3) .. ':' .. campaign, 0, -1)) do
      queued[#queued + 1] = sub(span, 1, 8)
    end
  end
end
local last = ''
if call('EXISTS', base .. 'jr') == 1 then last = call('XINFO', 'STREAM', base .. 'jr')[8] end
local settled = (call('HGET', base .. 'pos', 'books') or '') == last or last == '0-0'
local reply = { settled and 1 or 0, call('HGET', order, 'halt') or '', slots, table.concat(queued) }
local open = {}
for i = 1, #rows do
  if byte(slots, 8 * i - 7) == 0 then open[#open + 1] = sub(rows[i], ROW_RECIPIENT, ROW_RECIPIENT + 7) end
end
local records = #open > 0 and call('HMGET', base .. 'rec', unpack(open)) or {}
local o = 0
for i = 1, #rows do
  reply[#reply + 1] = rows[i]
  local record = ''
  if byte(slots, 8 * i - 7) == 0 then
    o = o + 1
    record = records[o] or ''
  end
  reply[#reply + 1] = record
end
return reply
