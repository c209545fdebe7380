-- Times that became free since their appointments were moved, and who joins the waiting list while a time is still free.

-- JSON: the kind and the details of the event when it was there; empty: as they are now.
ALTER TABLE freed_slot ADD COLUMN was TEXT NOT NULL DEFAULT '';
-- How often somebody has joined since those who wait were looked through.
ALTER TABLE freed_slot ADD COLUMN joined BIGINT NOT NULL DEFAULT 0;
CREATE INDEX freed_slot_joined ON freed_slot (freed_at) WHERE joined > 0;
