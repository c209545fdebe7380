-- Credits are given once for a reference, which is looked for.
CREATE INDEX ledger_line_by_reference ON ledger_line (tenant, reference) WHERE kind = 'grant';
CREATE INDEX reseller_line_by_reference ON reseller_line (reseller, reference);
