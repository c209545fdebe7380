-- Files of contacts that came, and what became of their rows.

CREATE TABLE import (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- JSON: what the file is, how many rows became what, why it failed.
    account TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT
);
CREATE INDEX import_by_tenant ON import (tenant, id);

-- Rows that were not taken, as a file: pieces of it, in their order.
CREATE TABLE import_error (
    import BIGINT NOT NULL REFERENCES import (id) ON DELETE CASCADE,
    piece BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (import, piece)
);
