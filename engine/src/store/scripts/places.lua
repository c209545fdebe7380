-- What a partition has of campaigns that were launched there, as of one instant: how many rows, and which of them are queued.
-- KEYS[1] partition base, c:{pN}:
-- ARGV each a campaign
-- Returns: for each campaign in fives: rows of its audience, 0 while it is not launched; its halt or ''; the spans that are
--     queued, 8 octets each: first position, count; how many of its lines nobody would lease from, since it does not stand there, or
--     has no spans there; lines and how many rows it has queued in each, between spaces.
-- Limits: at most 100 campaigns a call, O(spans) of each.
local base, reply = KEYS[1], {}
for _, campaign in ipairs(ARGV) do
  local order, queued, adrift, counts = base .. 'c:' .. campaign, {}, 0, {}
  local state = call('HMGET', order, 'launched', 'halt', 'tenant')
  local launched, halt, tenant = state[1], state[2] or '', state[3] or ''
  for _, field in ipairs(launched and call('HKEYS', order) or {}) do
    if sub(field, 1, 2) == 's:' then
      local line, count = sub(field, 3), 0
      for _, span in ipairs(call('LRANGE', base .. 'spans:' .. line .. ':' .. campaign, 0, -1)) do
        queued[#queued + 1] = sub(span, 1, 8)
        count = count + select(2, struct.unpack('>I4I4', span))
      end
      counts[#counts + 1] = line .. ' ' .. string.format('%.0f', count)
      if count == 0 or halt == '' and not is_in_line(base, line, tenant, campaign) then adrift = adrift + 1 end
    end
  end
  reply[#reply + 1] = launched and call('LLEN', base .. 'aud:' .. campaign) or 0
  reply[#reply + 1] = halt
  reply[#reply + 1] = table.concat(queued)
  reply[#reply + 1] = adrift
  reply[#reply + 1] = table.concat(counts, ' ')
end
return reply
