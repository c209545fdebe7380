-- Forms in which people agree, on pages of a tenant. Times are microseconds since 1970.
CREATE TABLE consent_form (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- What people agree to, word for word.
    wording TEXT NOT NULL,
    wording_version TEXT,
    source TEXT NOT NULL,
    -- The list that they are put on.
    list BIGINT,
    -- From where alone it may be sent: https://cabinet.example
    origin TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT
);
CREATE INDEX consent_form_by_tenant ON consent_form (tenant, id);
