-- What messages cost by the prices of their SMSCs, and what a credit is worth to who sells it. Money is in millionths of a currency.

-- Segments that the SMSC took.
ALTER TABLE message ADD COLUMN bought BIGINT NOT NULL DEFAULT 0;
-- What these cost when they were taken; NULL: there was no price then.
ALTER TABLE message ADD COLUMN cost BIGINT;
-- Empty: there was no price.
ALTER TABLE message ADD COLUMN cost_currency TEXT NOT NULL DEFAULT '';
-- The prefix whose price it was; 0: that of all numbers.
ALTER TABLE message ADD COLUMN cost_prefix BIGINT;
UPDATE message SET bought = segments WHERE spent > 0;

-- NULL: written before this was kept.
ALTER TABLE sent_campaign ADD COLUMN template_version BIGINT;

-- What a tenant pays its reseller for a credit, from some time on: until the next.
CREATE TABLE credit_price (
    tenant BIGINT NOT NULL,
    -- Milliseconds since 1970.
    since BIGINT NOT NULL,
    -- NULL: from then on nothing is known.
    per_credit BIGINT,
    currency TEXT NOT NULL,
    PRIMARY KEY (tenant, since)
);
