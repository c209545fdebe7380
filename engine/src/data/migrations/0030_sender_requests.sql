-- Names under which tenants ask to write. Times are microseconds since 1970.

CREATE TABLE sender_request (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    sender TEXT NOT NULL,
    note TEXT NOT NULL,
    -- The protected name that it looked like when it was asked for.
    resembles TEXT,
    -- open, granted, refused
    state TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    answered_at BIGINT
);
CREATE INDEX sender_request_by_tenant ON sender_request (tenant, id);
