-- People, and what is known of them. The engine and the live messages know nothing of these tables.

CREATE TABLE installation (
    one BIGINT PRIMARY KEY,
    -- The id of the Redis database in which the tenants are.
    store TEXT NOT NULL
);

-- Numbers that were given, by what they are of.
CREATE TABLE number_series (
    name TEXT PRIMARY KEY,
    taken BIGINT NOT NULL
);

CREATE TABLE contact (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- By what a person is known again: a reference, or number and name.
    identity TEXT NOT NULL,
    reference TEXT,
    -- E.164 digits.
    number BIGINT,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    -- Names as they are compared: without case and accents.
    first_folded TEXT NOT NULL,
    last_folded TEXT NOT NULL,
    kind TEXT NOT NULL,
    -- Dates: 2026-11-27, which sorts.
    birth_date TEXT,
    last_visit TEXT,
    -- JSON: lists of texts, and an object of texts.
    practices TEXT NOT NULL,
    tags TEXT NOT NULL,
    attributes TEXT NOT NULL,
    attributes_folded TEXT NOT NULL,
    -- Practices and tags as they are compared: |folded|folded|.
    practices_folded TEXT NOT NULL,
    tags_folded TEXT NOT NULL,
    -- When consent was given, and not withdrawn since.
    consent_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX contact_by_identity ON contact (tenant, identity);
CREATE INDEX contact_by_place ON contact (tenant, id);
CREATE INDEX contact_by_number ON contact (tenant, number);

-- What the attributes of a tenant's people are called, for texts that name them.
CREATE TABLE attribute (
    tenant BIGINT NOT NULL,
    name_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (tenant, name_folded)
);

CREATE TABLE visit (
    contact BIGINT NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    practice TEXT NOT NULL,
    practice_folded TEXT NOT NULL,
    PRIMARY KEY (contact, day, practice_folded)
);

CREATE TABLE list (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX list_by_name ON list (tenant, name_folded);

CREATE TABLE list_member (
    list BIGINT NOT NULL REFERENCES list (id) ON DELETE CASCADE,
    contact BIGINT NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    PRIMARY KEY (list, contact)
);
CREATE INDEX list_member_by_contact ON list_member (contact);

CREATE TABLE segment (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    -- JSON, as it was given.
    filter TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX segment_by_name ON segment (tenant, name_folded);

-- What a person has agreed to, in which words, and what proves it. Never changed but by its withdrawal.
CREATE TABLE consent (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    contact BIGINT NOT NULL REFERENCES contact (id) ON DELETE CASCADE,
    wording TEXT NOT NULL,
    wording_version TEXT,
    source TEXT NOT NULL,
    source_url TEXT,
    ip TEXT,
    user_agent TEXT,
    given_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);
CREATE INDEX consent_by_contact ON consent (contact, given_at);
