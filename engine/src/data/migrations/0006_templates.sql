-- Texts that clinics keep for their campaigns. Each change of one makes a version; what was sent says which it was.

CREATE TABLE template (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    -- The newest one.
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX template_by_name ON template (tenant, name_folded);

CREATE TABLE template_version (
    template BIGINT NOT NULL REFERENCES template (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    category TEXT,
    text TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (template, version)
);
