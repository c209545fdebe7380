-- Codes for campaigns: each is given to one recipient of one campaign, once. Times are microseconds since 1970.

CREATE TABLE code_pool (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX code_pool_by_name ON code_pool (tenant, name_folded);

CREATE TABLE code (
    pool BIGINT NOT NULL REFERENCES code_pool (id) ON DELETE CASCADE,
    code TEXT NOT NULL,
    -- In the order in which they came.
    number BIGINT NOT NULL,
    -- Who has it: kept before it is in a message.
    campaign BIGINT,
    -- E.164 digits.
    recipient BIGINT,
    given_at BIGINT,
    PRIMARY KEY (pool, code)
);
CREATE UNIQUE INDEX code_by_number ON code (pool, number);
CREATE INDEX code_left ON code (pool, number) WHERE campaign IS NULL;
CREATE UNIQUE INDEX code_given ON code (campaign, recipient) WHERE campaign IS NOT NULL;
