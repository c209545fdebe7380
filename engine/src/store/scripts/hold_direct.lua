-- Holds the credits of one message of a tenant's direct campaign.
-- KEYS[1] tenant  [2] its ledger (unused: the campaign's debits are booked by settle.lua)  [3] direct campaign
-- ARGV[1] credits
-- Returns: 1 held; 0 credits are short.
local credits = tonumber(ARGV[1])
if tonumber(redis.call('HGET', KEYS[1], 'available') or 0) < credits then return 0 end
redis.call('HINCRBY', KEYS[1], 'available', '-' .. ARGV[1])
redis.call('HINCRBY', KEYS[1], 'held', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'held', ARGV[1])
redis.call('HINCRBY', KEYS[3], 'total', 1)
return 1
