-- Events that recur, as treatments do: a row is always at its next occurrence.

-- An RRULE of days; nothing: it is once.
ALTER TABLE agenda_event ADD COLUMN repeat_rule TEXT;
-- The start as it was given.
ALTER TABLE agenda_event ADD COLUMN first_at BIGINT;
-- When it goes on to the next occurrence; nothing: it does not.
ALTER TABLE agenda_event ADD COLUMN rolls_at BIGINT;
CREATE INDEX agenda_event_to_roll ON agenda_event (rolls_at) WHERE rolls_at IS NOT NULL;
