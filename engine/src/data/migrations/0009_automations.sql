-- Campaigns that are made again and again, and what came of each occurrence. Times are microseconds since 1970, days 2026-11-27.

CREATE TABLE automation (
    id BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- JSON: on which days, at which time, by whose clocks.
    timetable TEXT NOT NULL,
    -- JSON: a campaign as it is ordered.
    campaign_order TEXT NOT NULL,
    paused BIGINT NOT NULL,
    -- The next occurrence; nothing: there is none.
    next_day TEXT,
    next_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX automation_by_tenant ON automation (tenant, id);
CREATE INDEX automation_due ON automation (next_at) WHERE paused = 0 AND next_at IS NOT NULL;

-- An occurrence is carried out by whoever has its row, and makes one campaign.
CREATE TABLE automation_run (
    automation BIGINT NOT NULL REFERENCES automation (id) ON DELETE CASCADE,
    day TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    -- A code of the API; empty: nothing is to be said.
    reason TEXT NOT NULL,
    campaign BIGINT,
    PRIMARY KEY (automation, day)
);
CREATE INDEX automation_run_open ON automation_run (due_at) WHERE state IN ('begun', 'launched');
