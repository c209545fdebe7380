-- Which keyword of its rule a message was read as; null: the rule has none, or the message came before that was kept.
ALTER TABLE conversation_message ADD COLUMN keyword TEXT;
