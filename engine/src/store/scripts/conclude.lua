-- Ends a claim on an operation.
-- KEYS[1] as in claim.lua
-- ARGV[1] claim, 16 octets  [2] how: keep (it was done, and is answered so from now on), open (nobody knows, or the answer
--     may not be kept: the same request may claim it again), free (nothing was done: the key is as good as new)
--     [3] SHA-256 of the request's body  [4] status of the answer  [5] answer, encrypted; all three '' unless it is kept
-- Returns: 1; 0 when another has the claim, and nothing was changed.
-- Limits: one key; an answer has at most store/idempotency.rs's ANSWER_MAX octets.
local key, claim, how, body, status, answer = KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if redis.call('HGET', key, 'claim') ~= claim then return 0 end
if how == 'free' then return redis.call('DEL', key) end
-- Written before the claim goes: a hash without fields would be gone, and its expiry with it.
if how == 'keep' then redis.call('HSET', key, 'body', body, 'status', status, 'sealed', answer) end
redis.call('HDEL', key, 'claim', 'ends')
return 1
