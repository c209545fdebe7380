-- The numbers that a tenant's team keys reach. Times are microseconds since 1970.

CREATE TABLE guest (
    tenant BIGINT NOT NULL,
    -- E.164 digits.
    recipient BIGINT NOT NULL,
    -- Whose phone it is.
    label TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, recipient)
);
