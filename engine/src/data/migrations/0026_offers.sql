-- Offers: what few may have is offered to many, and the first who say yes have it.

CREATE TABLE offer (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- What it was asked for under: asked for again it is the same.
    token TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Ours, from which it is offered.
    number TEXT NOT NULL,
    -- JSON, since no query looks into it.
    says TEXT NOT NULL,
    purpose TEXT NOT NULL,
    places BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    state TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    over_at BIGINT,
    -- 1: endpoints are still to be told that it is over.
    untold BIGINT NOT NULL
);
CREATE UNIQUE INDEX offer_by_token ON offer (tenant, token);
CREATE INDEX offer_by_tenant ON offer (tenant, id);
CREATE INDEX offer_open ON offer (ends_at) WHERE state = 'open';
CREATE INDEX offer_untold ON offer (id) WHERE untold = 1;

CREATE TABLE offer_person (
    offer BIGINT NOT NULL REFERENCES offer (id) ON DELETE CASCADE,
    tenant BIGINT NOT NULL,
    -- E.164 digits.
    recipient BIGINT NOT NULL,
    contact BIGINT REFERENCES contact (id) ON DELETE SET NULL,
    -- The message of a conversation by which they were asked.
    said BIGINT NOT NULL,
    answer TEXT,
    confidence BIGINT,
    answered_at BIGINT,
    -- Where the answer stands among the inbound messages.
    inbound TEXT,
    -- 1: endpoints are still to be told that they have a place.
    untold BIGINT NOT NULL,
    PRIMARY KEY (offer, recipient)
);
CREATE INDEX offer_person_by_number ON offer_person (tenant, recipient);
CREATE INDEX offer_person_by_contact ON offer_person (contact);
CREATE INDEX offer_person_untold ON offer_person (offer) WHERE untold = 1;

-- What a message of a conversation is for, NULL: transactional; and until when it is worth sending, NULL: for ever.
ALTER TABLE conversation_message ADD COLUMN purpose TEXT;
ALTER TABLE conversation_message ADD COLUMN until_at BIGINT;
