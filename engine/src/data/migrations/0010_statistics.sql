-- Figures of messages: by what their campaigns were, though Redis has forgotten these, and by what came of each.

-- Campaigns of which there are messages, as they were ordered.
CREATE TABLE sent_campaign (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- Empty: it gathers messages that were sent one by one.
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    category TEXT,
    template BIGINT,
    -- None: each message brings its own.
    sender TEXT
);

-- Two letters; empty: of no country, or written before this was kept.
ALTER TABLE message ADD COLUMN country TEXT NOT NULL DEFAULT '';
-- Credits that were spent on it: what is given back was spent before.
ALTER TABLE message ADD COLUMN spent BIGINT NOT NULL DEFAULT 0;
-- 1: delivered within three minutes.
ALTER TABLE message ADD COLUMN within_3_minutes BIGINT NOT NULL DEFAULT 0;
UPDATE message SET spent = credits WHERE taken_at IS NOT NULL;
UPDATE message SET within_3_minutes = 1 WHERE status = 'delivered' AND ended_at - taken_at <= 180000;
