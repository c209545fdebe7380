-- Who wrote STOP to a number that is nobody's, and later to a tenant's that they want its messages: these go to them all the same, until
-- they write STOP again. Times are microseconds since 1970.

CREATE TABLE opt_out_back (
    recipient BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    tenant BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (recipient, purpose, tenant)
);
