-- Whose something is, so that nobody else ends it or does it again.

-- Which engine takes a file in: the number that it is known by; 0: one of an earlier version.
ALTER TABLE import ADD COLUMN engine BIGINT NOT NULL DEFAULT 0;
CREATE INDEX import_running ON import (engine) WHERE state = 'running';

-- What the request was known by that a grant came from, in hexadecimal digits; NULL: it is no grant, or was made by an earlier version.
ALTER TABLE ledger_line ADD COLUMN token TEXT;
