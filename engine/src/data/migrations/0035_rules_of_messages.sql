-- Under which rules of sending messages were sent.

-- Every pack that an engine has obeyed, as it was written then: a name and a version are one text.
CREATE TABLE rule_pack (
    number BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (name, version)
);

-- Packs that were obeyed together: their numbers in order, with commas between them.
CREATE TABLE rule_set (
    number BIGINT PRIMARY KEY,
    packs TEXT NOT NULL UNIQUE
);

-- The pack that was obeyed when it was handed over; NULL: no rule held, or nobody knows.
ALTER TABLE message ADD COLUMN pack BIGINT;
