-- Both sides of each movement of credits: where they were, and where they are since. Made of the ledgers, which stay as they are.

-- What a campaign holds was held by a line; single messages are debited without one.
CREATE INDEX ledger_line_holds ON ledger_line (tenant, campaign) WHERE kind = 'hold';

CREATE VIEW ledger_entry AS
SELECT
    tenant, milliseconds, number, kind, credits, campaign, reference, at, transfer, token,
    -- operator, transfer: on its way between a reseller and its tenant; of the tenant: available, held, spent.
    CASE kind
        WHEN 'grant' THEN CASE WHEN transfer IS NULL THEN 'operator' ELSE 'transfer' END
        WHEN 'withdraw' THEN 'available'
        WHEN 'hold' THEN 'available'
        WHEN 'recredit' THEN 'spent'
        ELSE CASE WHEN is_held = 1 THEN 'held' ELSE 'available' END
    END AS source,
    CASE kind
        WHEN 'withdraw' THEN CASE WHEN transfer IS NULL THEN 'operator' ELSE 'transfer' END
        WHEN 'hold' THEN 'held'
        WHEN 'debit' THEN 'spent'
        ELSE 'available'
    END AS destination
FROM (
    SELECT
        line.*,
        CASE WHEN line.kind IN ('debit', 'release') AND EXISTS (
            SELECT 1 FROM ledger_line AS held
            WHERE held.tenant = line.tenant AND held.campaign = line.campaign AND held.kind = 'hold' AND held.undone = 0
        ) THEN 1 ELSE 0 END AS is_held
    FROM ledger_line AS line
    WHERE line.undone = 0
) AS lines;

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
    CASE kind WHEN 'grant' THEN 'operator' WHEN 'give' THEN 'reseller:' || reseller ELSE 'transfer:' || number END,
    -credits, NULL, at
FROM reseller_line
WHERE kind <> 'take_back' OR pending = 0
UNION ALL
SELECT
    'reseller:' || reseller || ':' || number,
    CASE kind WHEN 'give' THEN 'transfer:' || number ELSE 'reseller:' || reseller END,
    credits, NULL, at
FROM reseller_line
WHERE kind <> 'take_back' OR pending = 0;
