-- What came of messages to a number, and of that number: by this, people are told apart who answer and who do not. Times are microseconds
-- since 1970; 0: never.

CREATE TABLE engagement (
    tenant BIGINT NOT NULL,
    -- E.164 digits.
    number BIGINT NOT NULL,
    delivered_count BIGINT NOT NULL,
    last_delivered_at BIGINT NOT NULL,
    clicked_at BIGINT NOT NULL,
    replied_at BIGINT NOT NULL,
    PRIMARY KEY (tenant, number)
);

-- Clicks of which it is not noted yet whose they are: history may not have their messages yet. The last time that a person followed it.
CREATE TABLE click_of_somebody (
    message BIGINT PRIMARY KEY,
    at BIGINT NOT NULL
);

-- What is known of before.
INSERT INTO engagement (tenant, number, delivered_count, last_delivered_at, clicked_at, replied_at)
SELECT tenant, recipient, COUNT(*), MAX(ended_at) * 1000, 0, 0 FROM message
WHERE status = 'delivered' AND recipient > 0 AND ended_at IS NOT NULL GROUP BY tenant, recipient;

INSERT INTO click_of_somebody (message, at) SELECT message, last_at FROM click WHERE clicks > 0;

INSERT INTO engagement (tenant, number, delivered_count, last_delivered_at, clicked_at, replied_at)
SELECT conversation.tenant, conversation.recipient, 0, 0, 0, MAX(conversation_message.at) FROM conversation
JOIN conversation_message ON conversation_message.conversation = conversation.id
WHERE conversation_message.inbound IS NOT NULL AND conversation_message.opted_out = 0 GROUP BY conversation.tenant, conversation.recipient
ON CONFLICT (tenant, number) DO UPDATE SET replied_at = excluded.replied_at;
