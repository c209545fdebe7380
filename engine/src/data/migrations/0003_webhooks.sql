-- Who is told of events, and what they are still to be told. Times are microseconds since 1970.

CREATE TABLE webhook_endpoint (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    url TEXT NOT NULL,
    description TEXT NOT NULL,
    -- JSON: a list of texts.
    filters TEXT NOT NULL,
    secret TEXT NOT NULL,
    -- The secret before the last rotation, which signs as well until then.
    former_secret TEXT,
    former_until BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- It is told of what happens from then on.
    told_from BIGINT NOT NULL,
    -- Attempts that failed since the last one that did not, when the first of them was, and until when none is made.
    failures BIGINT NOT NULL,
    failing_since BIGINT,
    resting_until BIGINT NOT NULL,
    disabled_at BIGINT,
    -- Why: failing, gone, owner.
    disabled_for TEXT,
    -- Events that it was never told of, since there was no room or they became too old.
    dropped BIGINT NOT NULL
);
CREATE INDEX webhook_endpoint_by_tenant ON webhook_endpoint (tenant, id);

CREATE TABLE webhook_delivery (
    id BIGINT PRIMARY KEY,
    endpoint BIGINT NOT NULL REFERENCES webhook_endpoint (id) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    -- JSON, by kind. No number and no text: these are read when it is told.
    news TEXT NOT NULL,
    events BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- waiting, delivered, failed
    state TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    attempted_at BIGINT,
    -- Of the last attempt: the answer's code, or why there was none; and how long it took.
    code BIGINT,
    fault TEXT,
    milliseconds BIGINT
);
CREATE INDEX webhook_delivery_by_turn ON webhook_delivery (endpoint, state, attempts, id);
CREATE INDEX webhook_delivery_by_age ON webhook_delivery (state, created_at);
CREATE INDEX webhook_delivery_by_endpoint ON webhook_delivery (endpoint, id);

-- How far each source of events was read: committed with what was found in it.
CREATE TABLE webhook_position (
    source TEXT PRIMARY KEY,
    place TEXT NOT NULL
);

-- The state of a campaign that was told last.
CREATE TABLE webhook_campaign (
    campaign BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX webhook_campaign_by_tenant ON webhook_campaign (tenant);
