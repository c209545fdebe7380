-- Surveys: what people are asked after a visit, and what they answer.

CREATE TABLE survey (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- Ours, from which it is asked.
    number TEXT NOT NULL,
    -- The plan of reminders whose text is the first question; NULL: nothing but the API asks.
    plan BIGINT,
    -- JSON, since no query looks into it.
    says TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX survey_by_tenant ON survey (tenant, id);
CREATE INDEX survey_by_plan ON survey (plan) WHERE plan IS NOT NULL;

-- Somebody who is asked.
CREATE TABLE survey_run (
    id BIGINT PRIMARY KEY,
    survey BIGINT NOT NULL REFERENCES survey (id) ON DELETE CASCADE,
    tenant BIGINT NOT NULL,
    -- What it was asked for under: asked for again it is the same.
    token TEXT NOT NULL,
    -- E.164 digits.
    recipient BIGINT NOT NULL,
    -- What it is about, if it is about a visit; who and where, as the event had it then.
    event BIGINT,
    practitioner TEXT NOT NULL,
    practice TEXT NOT NULL,
    -- The question that waits for an answer, from 0; behind the last: it is done.
    question BIGINT NOT NULL,
    done BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- The conversation, once something was answered below the threshold that nobody has solved.
    alert BIGINT
);
CREATE UNIQUE INDEX survey_run_by_token ON survey_run (tenant, token);
CREATE INDEX survey_run_by_number ON survey_run (tenant, recipient, asked_at);
CREATE INDEX survey_run_by_survey ON survey_run (survey, id);
CREATE INDEX survey_run_alert ON survey_run (alert) WHERE alert IS NOT NULL;

CREATE TABLE survey_answer (
    run BIGINT NOT NULL REFERENCES survey_run (id) ON DELETE CASCADE,
    question BIGINT NOT NULL,
    -- Hundredths; NULL: words alone.
    score BIGINT,
    -- In percent; below 80 it counts for nothing.
    confidence BIGINT NOT NULL,
    -- Encrypted with the tenant's key; NULL: it was erased.
    text TEXT,
    inbound TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- 1: endpoints are still to be told that it is below the threshold.
    untold BIGINT NOT NULL,
    PRIMARY KEY (run, question)
);
CREATE INDEX survey_answer_untold ON survey_answer (run) WHERE untold = 1;

-- Of what a number was told last.
CREATE INDEX reminder_by_number ON reminder (number, begun_at) WHERE number IS NOT NULL;
