-- Short links: where those of a campaign lead. The token in a link is its message's id, encrypted: no link has a row. Times are
-- microseconds since 1970.

CREATE TABLE short_link (
    campaign BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    domain TEXT NOT NULL,
    url TEXT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX short_link_by_expiry ON short_link (expires_at);
