-- Event: Accept, Defer, Reject (Leased, InDoubt → Enroute, Deferred, final): what the SMSC answered, or late.
-- KEYS[1] partition base, c:{pN}:
-- ARGV    as `move` in prelude.lua says: now in microseconds, then 6 values a message; at most 500 messages
-- Returns: as `move` says: a string of 1 and 0, then recipients with parked receipts.
-- Limits: 500 messages a call.
return move({ [76] = true, [73] = true }) -- Leased, InDoubt
