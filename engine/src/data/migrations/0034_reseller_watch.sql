-- What a reseller watches over beside texts: names that look like its own, and unusual traffic.

-- JSON: names of a reseller's that no sender of its tenants may look like, beside those of the installation.
ALTER TABLE reseller ADD COLUMN protected_senders TEXT NOT NULL DEFAULT '[]';
-- 1: unusual traffic waits until it was decided.
ALTER TABLE reseller ADD COLUMN hold_unusual BIGINT NOT NULL DEFAULT 0;

-- JSON: what is unusual about traffic, of which the digest is block:<digits> or country:<two letters>; empty: it is a text.
ALTER TABLE flagged ADD COLUMN traffic TEXT NOT NULL DEFAULT '';

-- Countries to which tenants had sent before new ones were asked about; later ones are flagged, whatever was decided.
CREATE TABLE sent_country (
    tenant BIGINT NOT NULL,
    country TEXT NOT NULL,
    PRIMARY KEY (tenant, country)
);
INSERT INTO sent_country (tenant, country) SELECT DISTINCT tenant, country FROM message WHERE country <> '' AND status <> 'skipped';
