-- Event: Release (Leased, InDoubt → Deferred): it surely was not sent, or the tenant wants it sent again.
-- KEYS[1] partition base, c:{pN}:
-- ARGV    as `move` in prelude.lua says: now in microseconds, then 6 values a message; at most 500 messages
-- Returns: as `move` says: a string of 1 and 0, then recipients with parked receipts.
-- Limits: 500 messages a call.
return move({ [76] = true, [73] = true }) -- Leased, InDoubt
