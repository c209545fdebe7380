-- When an answer was to go that could not be sent then and is tried again later, at its `due_at`; null: it has not been put off.
ALTER TABLE conversation_message ADD COLUMN first_due_at BIGINT;
