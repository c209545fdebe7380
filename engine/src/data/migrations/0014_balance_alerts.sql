-- Thresholds of a tenant's balance that it was told of, and that it was not above since.
CREATE TABLE balance_alert (
    tenant BIGINT NOT NULL,
    -- Credits.
    threshold BIGINT NOT NULL,
    PRIMARY KEY (tenant, threshold)
);
