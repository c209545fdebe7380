-- Texts that a reseller looks at, or the operator of tenants without one. Times are microseconds since 1970.

CREATE TABLE flagged (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- Of its purpose and of what recurs of it, in hexadecimal: it is asked about once.
    digest TEXT NOT NULL,
    purpose TEXT NOT NULL,
    -- Encrypted with the tenant's key; of a message without numbers and names. None: it was erased.
    text TEXT,
    -- Why, between spaces.
    reasons TEXT NOT NULL,
    -- JSON: the words that look like advertising.
    words TEXT NOT NULL,
    -- What was seen first with it.
    campaign BIGINT,
    message BIGINT,
    -- open, accepted, rejected
    state TEXT NOT NULL,
    note TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    decided_at BIGINT,
    -- 1: endpoints are still to be told.
    untold BIGINT NOT NULL
);
CREATE UNIQUE INDEX flagged_by_text ON flagged (tenant, digest);
CREATE INDEX flagged_by_tenant ON flagged (tenant, id);
CREATE INDEX flagged_untold ON flagged (id) WHERE untold = 1;

-- Campaigns that wait, or waited, until it was decided.
CREATE TABLE flagged_campaign (
    campaign BIGINT PRIMARY KEY,
    flagged BIGINT NOT NULL REFERENCES flagged (id) ON DELETE CASCADE,
    tenant BIGINT NOT NULL,
    -- 1: what was decided is not carried out yet, or nothing was.
    waits BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX flagged_campaign_by_text ON flagged_campaign (flagged, campaign);
CREATE INDEX flagged_campaign_waits ON flagged_campaign (campaign) WHERE waits = 1;

-- Tenants that began with credits to try with.
CREATE TABLE trial_tenant (tenant BIGINT PRIMARY KEY);

-- 1: campaigns that look like advertising, and are none, wait.
ALTER TABLE reseller ADD COLUMN hold_flagged BIGINT NOT NULL DEFAULT 0;
-- Whose first campaigns wait: none, trial, all; and how many of each.
ALTER TABLE reseller ADD COLUMN hold_first TEXT NOT NULL DEFAULT 'trial';
ALTER TABLE reseller ADD COLUMN first_campaigns BIGINT NOT NULL DEFAULT 3;
