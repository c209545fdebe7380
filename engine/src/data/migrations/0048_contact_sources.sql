-- Whence each field of a contact is, and since when: JSON, since no query looks into it. Of contacts from before nothing is known.
ALTER TABLE contact ADD COLUMN sources TEXT NOT NULL DEFAULT '';
