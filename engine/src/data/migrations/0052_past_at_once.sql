-- What campaigns came to is kept when they are over, for the case that Redis is lost (0), and once more when Redis forgets them (1): then
-- it is whole.
ALTER TABLE past_campaign ADD COLUMN whole BIGINT NOT NULL DEFAULT 1;
