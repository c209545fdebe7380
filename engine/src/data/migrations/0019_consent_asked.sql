-- Who was asked, after a visit, whether they agree to advertising: each contact and each number once, for ever. As an opt-out, it is
-- remembered longer than whom it is about. Times are microseconds since 1970.

CREATE TABLE consent_asked (
    tenant BIGINT NOT NULL,
    -- A contact's id, or a number.
    who TEXT NOT NULL,
    -- The event after which.
    event BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, who)
);
