-- Which text a campaign has: a hash of it under its tenant's key, the same for the same text. NULL: each message brings its own, or it was
-- written before this was kept.
ALTER TABLE sent_campaign ADD COLUMN text TEXT;
