-- JSON: names of a reseller's that no sender of its tenants may look like, beside those of the installation.
ALTER TABLE reseller ADD COLUMN protected_senders TEXT NOT NULL DEFAULT '[]';
