-- Numbers that could not be reached, and what is done about them. Times are microseconds since 1970.

-- Since when the number of a contact is known to be unreachable, how (hard, soft), and which campaign has shown it.
ALTER TABLE contact ADD COLUMN unreachable_at BIGINT;
ALTER TABLE contact ADD COLUMN unreachable_for TEXT;
ALTER TABLE contact ADD COLUMN unreachable_campaign BIGINT;
-- What a message that ended before then says of the number counts no more.
ALTER TABLE contact ADD COLUMN reachable_since BIGINT NOT NULL DEFAULT 0;
-- Campaigns in a row that did not reach it for the moment.
ALTER TABLE contact ADD COLUMN soft_failures BIGINT NOT NULL DEFAULT 0;
CREATE INDEX contact_doubtful ON contact (tenant, soft_failures, unreachable_at)
    WHERE unreachable_at IS NOT NULL OR soft_failures > 0;

-- What is to be done at the end of each of a tenant's campaigns.
CREATE TABLE cleaning_rule (
    tenant BIGINT PRIMARY KEY,
    hard BIGINT NOT NULL,
    soft_after BIGINT,
    -- Of campaigns that were launched since.
    since BIGINT NOT NULL
);

-- How far a campaign has been looked through for it, committed with what was found.
CREATE TABLE cleaned_campaign (
    campaign BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    partition_reached BIGINT NOT NULL,
    position_reached BIGINT NOT NULL,
    done_at BIGINT
);
CREATE INDEX cleaned_campaign_by_tenant ON cleaned_campaign (tenant);
