-- What is shown of campaigns that Redis keeps no more: what they came to, and nothing of what they said and to whom.
CREATE TABLE past_campaign (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- JSON.
    shown TEXT NOT NULL,
    -- When Redis forgot it, microseconds since 1970.
    at BIGINT NOT NULL
);
CREATE INDEX past_campaign_by_time ON past_campaign (at);
