-- Operators take credits back from resellers, too.

DROP VIEW ledger_posting;

-- A line for each side. Those of one entry come to nothing, and those of an account to what it has: what came less what went.
CREATE VIEW ledger_posting AS
SELECT
    'tenant:' || tenant || ':' || milliseconds || ':' || number AS entry,
    CASE source
        WHEN 'operator' THEN source
        WHEN 'transfer' THEN source || ':' || transfer
        ELSE 'tenant:' || tenant || ':' || source
    END AS account,
    -credits AS credits, campaign, at
FROM ledger_entry
UNION ALL
SELECT
    'tenant:' || tenant || ':' || milliseconds || ':' || number,
    CASE destination
        WHEN 'operator' THEN destination
        WHEN 'transfer' THEN destination || ':' || transfer
        ELSE 'tenant:' || tenant || ':' || destination
    END,
    credits, campaign, at
FROM ledger_entry
UNION ALL
-- What is taken back is on its way when it has left the tenant, and comes to the reseller when that is over.
SELECT
    'reseller:' || reseller || ':' || number,
    CASE kind WHEN 'grant' THEN 'operator' WHEN 'take_back' THEN 'transfer:' || number ELSE 'reseller:' || reseller END,
    -credits, NULL, at
FROM reseller_line
WHERE kind <> 'take_back' OR pending = 0
UNION ALL
SELECT
    'reseller:' || reseller || ':' || number,
    CASE kind WHEN 'withdraw' THEN 'operator' WHEN 'give' THEN 'transfer:' || number ELSE 'reseller:' || reseller END,
    credits, NULL, at
FROM reseller_line
WHERE kind <> 'take_back' OR pending = 0;
