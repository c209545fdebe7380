-- Who followed a short link: a row a message, from its first click on. Times are microseconds since 1970; 0: never.

CREATE TABLE click (
    -- The campaign's number, and that of the message within it.
    message BIGINT PRIMARY KEY,
    campaign BIGINT NOT NULL,
    -- When a person did, first and last.
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    -- How often a person did.
    clicks BIGINT NOT NULL,
    -- How often a program looked at it.
    previews BIGINT NOT NULL
);
CREATE INDEX click_by_campaign ON click (campaign);
