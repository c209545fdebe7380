-- People who are not to be known any more. Times are microseconds since 1970.

-- The key under which their numbers are hashed, encrypted with the master key.
CREATE TABLE number_key (
    one BIGINT PRIMARY KEY,
    wrapped TEXT NOT NULL
);

-- Who was erased, by a keyed hash of tenant and number, and what they want no messages of.
CREATE TABLE erased_person (
    digest TEXT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- marketing, or transactional,marketing
    purposes TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX erased_person_by_tenant ON erased_person (tenant);
