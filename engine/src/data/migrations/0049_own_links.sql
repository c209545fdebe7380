-- Short links of messages by themselves, such as reminders: when their text is written they have no id yet, so that each link has a row.
-- `message` is absent until its message is queued. Times are microseconds since 1970.

CREATE TABLE own_link (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    domain TEXT NOT NULL,
    url TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    message BIGINT
);
CREATE INDEX own_link_by_expiry ON own_link (expires_at);
CREATE INDEX own_link_by_tenant ON own_link (tenant);
CREATE INDEX own_link_by_message ON own_link (message) WHERE message IS NOT NULL;
