-- What became of messages, after the journal. Times are milliseconds since 1970, by Redis' clock.

CREATE TABLE message (
    -- The campaign's number, and that of the message within it.
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- E.164 digits.
    recipient BIGINT NOT NULL,
    -- The name of who has it, or had it last; empty: nobody.
    smsc TEXT NOT NULL,
    -- One of the seven, or skipped.
    status TEXT NOT NULL,
    -- Why; empty: nothing is to be said.
    reason TEXT NOT NULL,
    -- What the SMSC said; 0: nothing.
    code BIGINT NOT NULL,
    segments BIGINT NOT NULL,
    credits BIGINT NOT NULL,
    -- When it was taken; of one that was not, when it ended.
    at BIGINT NOT NULL,
    taken_at BIGINT,
    ended_at BIGINT
);
CREATE INDEX message_by_time ON message (tenant, at, id);
CREATE INDEX message_by_person ON message (tenant, recipient, taken_at);

-- How far each partition's journal was read: committed with what was found in it.
CREATE TABLE history_position (
    partition_number BIGINT PRIMARY KEY,
    place TEXT NOT NULL
);
