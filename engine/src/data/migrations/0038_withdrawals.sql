-- When a person last said that they agree no more, whether they had agreed to anything or not: what was agreed on before does not hold.
ALTER TABLE contact ADD COLUMN withdrawn_at BIGINT;

UPDATE contact SET withdrawn_at = (SELECT MAX(consent.withdrawn_at) FROM consent WHERE consent.contact = contact.id);

-- Consents that were kept after a withdrawal, and given before it: it has ended them as well.
UPDATE consent SET withdrawn_at = (SELECT contact.withdrawn_at FROM contact WHERE contact.id = consent.contact)
WHERE withdrawn_at IS NULL
    AND EXISTS (SELECT 1 FROM contact WHERE contact.id = consent.contact AND contact.withdrawn_at >= consent.given_at);

UPDATE contact SET consent_at = NULL
WHERE withdrawn_at IS NOT NULL AND consent_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM consent WHERE consent.contact = contact.id AND consent.withdrawn_at IS NULL);

-- 1: what filters compare of their attributes was made before `-3` was another value than `3`, and is made anew at the start.
ALTER TABLE contact ADD COLUMN to_refold BIGINT NOT NULL DEFAULT 0;
UPDATE contact SET to_refold = 1 WHERE attributes LIKE '%-%';
CREATE INDEX contact_to_refold ON contact (id) WHERE to_refold <> 0;
