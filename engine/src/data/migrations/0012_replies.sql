-- What people write back: our numbers, who reads what comes there, and what it is answered.

-- A number that people can write to.
CREATE TABLE own_number (
    id BIGINT PRIMARY KEY,
    -- Digits, behind a + if it is an international one.
    number TEXT NOT NULL UNIQUE,
    country TEXT NOT NULL,
    -- Whether what is written to it reaches us.
    two_way BIGINT NOT NULL,
    -- A month, in hundredths of whatever the reseller bills in; NULL: not said.
    monthly_price BIGINT,
    -- Who gives it to tenants; NULL: the operator alone.
    reseller BIGINT,
    created_at BIGINT NOT NULL
);

CREATE TABLE own_number_tenant (
    number BIGINT NOT NULL REFERENCES own_number (id) ON DELETE CASCADE,
    tenant BIGINT NOT NULL,
    PRIMARY KEY (number, tenant)
);
CREATE INDEX own_number_by_tenant ON own_number_tenant (tenant);

-- A tenant asks for a number.
CREATE TABLE number_request (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    kind TEXT NOT NULL,
    country TEXT NOT NULL,
    two_way BIGINT NOT NULL,
    note TEXT NOT NULL,
    state TEXT NOT NULL,
    -- The number that was given, and what else was answered.
    number TEXT,
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    answered_at BIGINT
);
CREATE INDEX number_request_by_tenant ON number_request (tenant, id);

-- A rule by which a message is answered.
CREATE TABLE auto_reply (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- JSON, since no query looks into it.
    says TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX auto_reply_by_tenant ON auto_reply (tenant, id);

CREATE TABLE reply_settings (
    tenant BIGINT PRIMARY KEY,
    says TEXT NOT NULL
);

-- What one person and one of our numbers have written to each other.
CREATE TABLE conversation (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- E.164 digits.
    recipient BIGINT NOT NULL,
    -- Ours, as it was written to.
    number TEXT NOT NULL,
    state TEXT NOT NULL,
    assignee TEXT,
    -- Messages that nobody has looked at.
    unread BIGINT NOT NULL,
    -- Why people should look; NULL: nothing waits for them.
    attention TEXT,
    last_at BIGINT NOT NULL,
    -- Until then nothing is answered by rule.
    quiet_until BIGINT,
    -- That a STOP was heard was said.
    stop_confirmed_at BIGINT
);
CREATE UNIQUE INDEX conversation_by_person ON conversation (tenant, recipient, number);
CREATE INDEX conversation_by_time ON conversation (tenant, last_at, id);

CREATE TABLE conversation_message (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    conversation BIGINT NOT NULL REFERENCES conversation (id) ON DELETE CASCADE,
    -- Where it stands among the inbound messages; NULL: it is ours.
    inbound TEXT,
    at BIGINT NOT NULL,
    -- Encrypted with the tenant's key; NULL: it was erased, or is still to be asked for.
    text TEXT,
    -- What was made of it, or why it was written.
    kind TEXT NOT NULL,
    -- By which rule, and how sure that is, in percent.
    rule BIGINT,
    confidence BIGINT,
    opted_out BIGINT NOT NULL,
    -- What it answers, as far as that is known.
    campaign BIGINT,
    -- Of ours: what it answers, where it is on its way, since when it is due, its message, and why it has none.
    answers BIGINT,
    state TEXT,
    due_at BIGINT,
    message BIGINT,
    reason TEXT
);
CREATE UNIQUE INDEX conversation_message_by_place ON conversation_message (tenant, inbound);
CREATE UNIQUE INDEX conversation_message_by_message ON conversation_message (message);
CREATE INDEX conversation_message_by_time ON conversation_message (conversation, at, id);
CREATE INDEX conversation_message_by_campaign ON conversation_message (campaign) WHERE campaign IS NOT NULL;
CREATE INDEX conversation_message_due ON conversation_message (state, due_at) WHERE state IN ('asking', 'due');
CREATE INDEX conversation_message_old ON conversation_message (tenant, at) WHERE text IS NOT NULL;

-- How far what people wrote to a tenant was read: committed with what was made of it. Tenant 0: from when on it is read.
CREATE TABLE reply_position (
    tenant BIGINT PRIMARY KEY,
    places TEXT NOT NULL
);
