-- Messages whose link a person has followed for the first time, until webhooks were told. Times are microseconds since 1970.

CREATE TABLE click_news (
    message BIGINT PRIMARY KEY,
    tenant BIGINT NOT NULL,
    at BIGINT NOT NULL
);
