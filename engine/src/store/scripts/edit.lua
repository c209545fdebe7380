-- Puts another order in the place of a draft's, if that is as it was read: all of it or nothing.
-- KEYS[1] campaign c:{tN}:cmp:<id>  [2] numbers that were pasted beside its contacts  [3] the account of those that were not taken
--     [4] the list of these
-- ARGV[1] states it may be in, between commas  [2] how often it was edited, as it was read  [3] its rate, as it was read; empty: none
--     [4] what its words are encrypted with, as it was read  [5] the numbers, eight octets each; '-': they stay  [6] the account, JSON;
--     empty: it stays  [7] the list, JSON; empty: it stays  [8] how many fields leave  then these  then field and value of each that it has
-- Returns: 1 edited, also when this very call is made again after its reply was lost; 0 it is in another state; -1 there is no such
--     campaign; -2 it was edited, given another rate, or erased, since it was read.
-- Limits: one campaign; what a body of 1 MiB has.
local campaign, leave = KEYS[1], tonumber(ARGV[8])
local was = redis.call('HMGET', campaign, 'state', 'edits', 'rate', 'cipher', 'words')
if not was[1] then return -1 end
local edits = tonumber(was[2] or 0)
if edits == tonumber(ARGV[2]) + 1 then
  for at = 9 + leave, #ARGV, 2 do
    if ARGV[at] == 'words' and ARGV[at + 1] == was[5] then return 1 end
  end
end
if not string.find(ARGV[1], ',' .. was[1] .. ',', 1, true) then return 0 end
if edits ~= tonumber(ARGV[2]) or (was[3] or '') ~= ARGV[3] or was[4] ~= ARGV[4] then return -2 end
if leave > 0 then redis.call('HDEL', campaign, unpack(ARGV, 9, 8 + leave)) end
redis.call('HSET', campaign, unpack(ARGV, 9 + leave))
if ARGV[5] == '' then redis.call('DEL', KEYS[2]) elseif ARGV[5] ~= '-' then redis.call('SET', KEYS[2], ARGV[5]) end
if ARGV[6] ~= '' then redis.call('SET', KEYS[3], ARGV[6]) end
if ARGV[7] ~= '' then redis.call('SET', KEYS[4], ARGV[7]) end
return 1
