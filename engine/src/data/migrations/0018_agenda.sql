-- What is in the diaries of practices, and of what people are reminded. Times are microseconds since 1970.

CREATE TABLE agenda_event (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    -- What the practice's software calls it.
    reference TEXT NOT NULL,
    -- Whom it is for: a contact, or a number alone.
    contact BIGINT REFERENCES contact (id) ON DELETE CASCADE,
    number BIGINT,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    starts_at BIGINT NOT NULL,
    -- Whether that was given, or is when it was made.
    dated BIGINT NOT NULL,
    -- By whose clocks: a name of the time-zone database.
    zone TEXT NOT NULL,
    -- JSON: practice, practitioner, place, floor, minutes, attributes.
    details TEXT NOT NULL,
    -- How often its state or start has changed.
    turn BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX agenda_event_by_reference ON agenda_event (tenant, reference);
CREATE INDEX agenda_event_by_start ON agenda_event (tenant, starts_at, id);
CREATE INDEX agenda_event_by_contact ON agenda_event (contact) WHERE contact IS NOT NULL;
CREATE INDEX agenda_event_by_number ON agenda_event (number) WHERE number IS NOT NULL;

CREATE TABLE reminder_plan (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- JSON: on what, when, for which events, with which text.
    definition TEXT NOT NULL,
    paused BIGINT NOT NULL,
    -- The last event that was there before the plan and has its reminders; nothing: all have.
    laid_to BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX reminder_plan_by_tenant ON reminder_plan (tenant, id);
CREATE INDEX reminder_plan_to_lay ON reminder_plan (id) WHERE laid_to IS NOT NULL;

-- A timer of an event. A plan may be gone before its reminders.
CREATE TABLE reminder (
    event BIGINT NOT NULL REFERENCES agenda_event (id) ON DELETE CASCADE,
    plan BIGINT NOT NULL,
    -- Which of the plan's: an offset, or a word.
    step TEXT NOT NULL,
    -- For which start of the event.
    for_at BIGINT NOT NULL,
    -- What happens to an event again is told again; 0 for what its date says.
    turn BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- When it is looked at next; nothing: never.
    next_at BIGINT,
    -- How often it was begun in vain.
    tries BIGINT NOT NULL,
    reason TEXT,
    -- What its message is asked for under, to which number, and since when.
    token TEXT,
    number BIGINT,
    sender TEXT,
    begun_at BIGINT,
    message BIGINT,
    -- Until when its answer is waited for.
    open_until BIGINT,
    PRIMARY KEY (event, plan, step, for_at, turn)
);
CREATE INDEX reminder_due ON reminder (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX reminder_open ON reminder (number, open_until) WHERE open_until IS NOT NULL;

-- Who wants no reminders; other messages come all the same.
CREATE TABLE reminders_off (
    contact BIGINT PRIMARY KEY REFERENCES contact (id) ON DELETE CASCADE,
    since BIGINT NOT NULL
);
