-- Adds a sender to those that a tenant writes under: to the approved ones if it has any; or else, if it looks like a protected name, to
-- those that do so and are allowed. What others add at the same time stays.
-- KEYS[1] tenant, c:tenant:<id>
-- ARGV[1] the sender, without a comma  [2] 1 it looks like a protected name, 0 it does not  [3] how many a list may have
-- Returns: 1 added; 0 it may be written under anyway; -1 the list is full.
-- Limits: one tenant, and one list of ARGV[3].
local sender, resembles, most = ARGV[1], ARGV[2] == '1', tonumber(ARGV[3])
local function listed(field)
  local list = redis.call('HGET', KEYS[1], field)
  return list ~= '' and list or nil
end
local field, list = 'senders', listed('senders')
if not list then
  if not resembles then return 0 end
  field, list = 'protected_senders', listed('protected_senders')
end
local count = 0
for known in string.gmatch(list or '', '[^,]+') do
  if string.lower(known) == string.lower(sender) then return 0 end
  count = count + 1
end
if count >= most then return -1 end
redis.call('HSET', KEYS[1], field, list and list .. ',' .. sender or sender)
return 1
