-- Claims an operation that a caller named by a key of its own, or renews the claim, so that it is done once.
-- KEYS[1] c:{tN}:idem:<token>, or c:{op}:idem:<token> for the operator
-- ARGV[1] claim, 16 random octets  [2] how long it lasts, milliseconds  [3] SHA-256 of the request's body, '' while it is not
--     known  [4] how long the operation is remembered, milliseconds
-- Returns: { 'claimed' }: for the first time, again by the same claim, or in place of one that ran out or was left open;
--     { 'running' }: another claim lasts; { 'other' }: the key came with another body before; { 'done', body's SHA-256,
--     status, answer }; an answer of an earlier version is not encrypted.
-- Limits: one key of at most five fields; an answer has at most store/idempotency.rs's ANSWER_MAX octets.
local key, claim, lasts, body, remembered = KEYS[1], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4]
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local fields = redis.call('HMGET', key, 'claim', 'ends', 'body', 'status', 'sealed', 'answer')
local holder, ends, known, status, answer = fields[1], fields[2], fields[3], fields[4], fields[5] or fields[6]
if known and body ~= '' and known ~= body then return { 'other' } end
if status then return { 'done', known, status, answer } end
if holder and holder ~= claim and tonumber(ends) > now then return { 'running' } end
redis.call('HSET', key, 'claim', claim, 'ends', string.format('%.0f', now + lasts))
if body ~= '' then redis.call('HSET', key, 'body', body) end
redis.call('PEXPIRE', key, remembered)
return { 'claimed' }
