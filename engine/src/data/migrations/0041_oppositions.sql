-- Why a number gets no messages: '' since that was said or written; 'withdrawal' since a person who has it agrees to advertising no more,
-- which ends when they agree again.
ALTER TABLE opt_out ADD COLUMN because TEXT NOT NULL DEFAULT '';

-- Those who have withdrawn their consent before that was kept with their number.
INSERT INTO opt_out (tenant, purpose, recipient, at, because)
SELECT tenant, 'marketing', number, MAX(withdrawn_at), 'withdrawal' FROM contact
WHERE withdrawn_at IS NOT NULL AND consent_at IS NULL AND number IS NOT NULL
GROUP BY tenant, number
ON CONFLICT (tenant, purpose, recipient) DO NOTHING;
