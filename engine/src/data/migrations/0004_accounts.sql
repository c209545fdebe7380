-- What Redis has of tenants and of who wants no messages, once more: a Redis that was lost is rebuilt from it.
-- Times are microseconds since 1970.

CREATE TABLE tenant (
    id BIGINT PRIMARY KEY,
    -- JSON: its settings by the names that they have in Redis.
    settings TEXT NOT NULL
);

CREATE TABLE api_key (
    -- SHA-256, in hexadecimal.
    digest TEXT PRIMARY KEY,
    -- 0: the operator's.
    tenant BIGINT NOT NULL,
    -- JSON; empty: nothing is known of it.
    details TEXT NOT NULL
);
CREATE INDEX api_key_by_tenant ON api_key (tenant);

CREATE TABLE ledger_line (
    tenant BIGINT NOT NULL,
    -- Where it stands in Redis' stream: milliseconds, and a number within them.
    milliseconds BIGINT NOT NULL,
    number BIGINT NOT NULL,
    -- grant, hold, debit, release, recredit
    kind TEXT NOT NULL,
    credits BIGINT NOT NULL,
    -- What they were for, if it was a campaign.
    campaign BIGINT,
    -- The operator's words, of a grant.
    reference TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- 0: it stands. Redis lost it after it was copied: 1, it is a grant, and to be made again; 2, it does not stand any more.
    undone BIGINT NOT NULL,
    PRIMARY KEY (tenant, milliseconds, number)
);
CREATE INDEX ledger_line_undone ON ledger_line (undone, tenant);

CREATE TABLE opt_out (
    -- 0: all tenants' messages.
    tenant BIGINT NOT NULL,
    -- transactional, marketing
    purpose TEXT NOT NULL,
    -- E.164 digits.
    recipient BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant, purpose, recipient)
);

-- The Redis that is being rebuilt from this database; nothing while none is.
ALTER TABLE installation ADD COLUMN rebuilding TEXT;
