-- Messages that tried a campaign out. Times are microseconds since 1970.
CREATE TABLE trial_message (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    campaign BIGINT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX trial_message_by_campaign ON trial_message (tenant, campaign, id);
