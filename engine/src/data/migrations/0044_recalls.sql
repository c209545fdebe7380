-- A reminder that was sent, or is being sent, of an event that has changed since: its message is called back if it waits.
CREATE TABLE reminder_recall (
    event BIGINT NOT NULL REFERENCES agenda_event (id) ON DELETE CASCADE,
    -- What its message was asked for under.
    token TEXT NOT NULL,
    number BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    PRIMARY KEY (event, token)
);

CREATE INDEX reminder_recall_next ON reminder_recall (next_at);
CREATE INDEX reminder_recall_of ON reminder_recall (token);
