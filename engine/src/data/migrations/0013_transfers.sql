-- Credits of resellers: what the operator gave them, and what went to tenants and came back. Times are microseconds since 1970.

CREATE TABLE reseller_line (
    number BIGINT PRIMARY KEY,
    reseller BIGINT NOT NULL,
    -- grant; give, take_back: to a tenant, and from one.
    kind TEXT NOT NULL,
    credits BIGINT NOT NULL,
    -- 0: of a grant.
    tenant BIGINT NOT NULL,
    reference TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- What its request is known by, in hexadecimal: it moves credits once.
    token TEXT NOT NULL UNIQUE,
    -- 1: the tenant's half may not be done. What is given counts from the first moment on, what is taken back when it is done.
    pending BIGINT NOT NULL
);
CREATE INDEX reseller_line_by_reseller ON reseller_line (reseller, number);
CREATE INDEX reseller_line_pending ON reseller_line (pending, number);

-- The number of the reseller's line whose other half it is.
ALTER TABLE ledger_line ADD COLUMN transfer BIGINT;
CREATE INDEX ledger_line_by_transfer ON ledger_line (transfer);
