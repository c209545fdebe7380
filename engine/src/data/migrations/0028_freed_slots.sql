-- Times that became free, and who waits for one.

-- How a tenant wants that which became free to be offered. JSON.
CREATE TABLE slot_settings (
    tenant BIGINT PRIMARY KEY,
    says TEXT NOT NULL
);

-- Who waits for a time that becomes free, in the order of their ids.
CREATE TABLE waiting_person (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- What the practice's software calls it.
    reference TEXT NOT NULL,
    -- Who it is: a contact, or a number alone.
    contact BIGINT REFERENCES contact (id) ON DELETE CASCADE,
    number BIGINT,
    -- JSON: which times suit.
    suits TEXT NOT NULL,
    -- That they have asked for it, in the practice's words.
    consent TEXT NOT NULL,
    expires_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX waiting_person_by_reference ON waiting_person (tenant, reference);
CREATE INDEX waiting_person_by_tenant ON waiting_person (tenant, id);
CREATE INDEX waiting_person_by_contact ON waiting_person (contact) WHERE contact IS NOT NULL;
CREATE INDEX waiting_person_by_number ON waiting_person (number) WHERE number IS NOT NULL;

-- A time that became free since an event was cancelled. Made in the change that cancels it.
CREATE TABLE freed_slot (
    event BIGINT NOT NULL REFERENCES agenda_event (id) ON DELETE CASCADE,
    -- The event's: it may be cancelled again.
    turn BIGINT NOT NULL,
    tenant BIGINT NOT NULL,
    starts_at BIGINT NOT NULL,
    -- Folded.
    practitioner TEXT NOT NULL,
    state TEXT NOT NULL,
    offer BIGINT,
    -- How many are asked in the end.
    people BIGINT NOT NULL,
    freed_at BIGINT NOT NULL,
    -- 1: endpoints are still to be told of it.
    untold BIGINT NOT NULL,
    PRIMARY KEY (event, turn)
);
CREATE INDEX freed_slot_by_start ON freed_slot (tenant, starts_at);
CREATE INDEX freed_slot_free ON freed_slot (freed_at) WHERE state = 'free';
CREATE INDEX freed_slot_untold ON freed_slot (freed_at) WHERE untold = 1;
CREATE INDEX freed_slot_withdrawn ON freed_slot (offer) WHERE state = 'withdrawn';
CREATE INDEX freed_slot_by_offer ON freed_slot (offer) WHERE offer IS NOT NULL;

-- The event whose time is offered; NULL: it is another offer.
ALTER TABLE offer ADD COLUMN event BIGINT;
-- By which reference of the waiting list they are asked; NULL: by none.
ALTER TABLE offer_person ADD COLUMN waiting TEXT;
CREATE INDEX offer_person_by_waiting ON offer_person (tenant, waiting) WHERE waiting IS NOT NULL;
CREATE INDEX offer_person_waiting_said ON offer_person (said) WHERE waiting IS NOT NULL;
-- 1: it goes in the hours of advertising, and not to who has opted out, though it is none.
ALTER TABLE conversation_message ADD COLUMN as_advertising BIGINT NOT NULL DEFAULT 0;
