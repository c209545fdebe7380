-- What people have answered about events. It is about the start that the event had then.

CREATE TABLE agenda_answer (
    event BIGINT PRIMARY KEY REFERENCES agenda_event (id) ON DELETE CASCADE,
    for_at BIGINT NOT NULL,
    answer TEXT NOT NULL,
    at BIGINT NOT NULL
);
