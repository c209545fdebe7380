-- How often a campaign had been edited by when its links were said to lead there: what an earlier edit says counts no more then.
ALTER TABLE short_link ADD COLUMN edits BIGINT NOT NULL DEFAULT 0;
