-- Who hosts tenants, and with which keys. Times are microseconds since 1970.

CREATE TABLE reseller (
    id BIGINT PRIMARY KEY,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- What its request is known by, in hexadecimal: it makes one reseller.
    token TEXT NOT NULL UNIQUE
);

-- 0: none. The settings of a tenant say it as well.
ALTER TABLE tenant ADD COLUMN reseller BIGINT NOT NULL DEFAULT 0;
CREATE INDEX tenant_by_reseller ON tenant (reseller, id);

-- 0: it is a tenant's, or the operator's.
ALTER TABLE api_key ADD COLUMN reseller BIGINT NOT NULL DEFAULT 0;
CREATE INDEX api_key_by_reseller ON api_key (reseller);
