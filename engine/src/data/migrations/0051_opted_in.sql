-- 1: its sender has written a word that opts in.
ALTER TABLE conversation_message ADD COLUMN opted_in BIGINT NOT NULL DEFAULT 0;
