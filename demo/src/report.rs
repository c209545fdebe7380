//! What the demo shows: the table of the seven statuses, and where the credits went.

use lab::{Campaign, Credits};

/// The seven statuses by their word in the API and as a French clinic reads them, in the order of reports.
const STATUSES: [(&str, &str); 7] = [
    ("delivered", "Message reçu"),
    ("transmission_failed", "Echec de la transmission"),
    ("reception_error", "Erreur lors de la réception"),
    ("unknown_number", "Numéro de destination inconnu"),
    ("not_routed", "Message non-routage"),
    ("transmitted", "Message transmis"),
    ("recredited", "Message recrédité"),
];

/// The seven statuses of a campaign, with French labels, counts and percentages.
pub(crate) fn table(campaign: &Campaign) -> String {
    let total = campaign.with_status();
    let rows = STATUSES.map(|(status, label)| line(label, campaign.status(status), total));
    let rule = "─".repeat(48);
    format!("\n{}  {rule}\n{}", rows.concat(), line("Total", total, total))
}

fn line(label: &str, count: u64, total: u64) -> String {
    format!("  {label:<32} {count:>6} {:>8}\n", percent(count, total))
}

/// One decimal, half up, with a comma.
fn percent(count: u64, total: u64) -> String {
    let tenths = if total == 0 {
        0
    } else {
        (count * 2_000 + total) / (total * 2)
    };
    format!("{},{} %", tenths / 10, tenths % 10)
}

/// The clinic's credits, from before the launch to the end.
pub(crate) fn credits(before: &Credits, held: &Credits, after: &Credits, recredited: u64) -> String {
    let still_held = match after.held {
        0 => String::new(),
        held => format!(" (and {held} still held)"),
    };
    format!(
        "\n  credits before {}  held at the launch {}  spent {}  recredited {recredited}  after {}{still_held}\n",
        before.available,
        held.held + held.spent,
        after.spent + recredited,
        after.available,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_the_percentages_of_a_real_report() {
        let campaign = serde_json::json!({
            "state": "completed",
            "progress": {},
            "statuses": {
                "delivered": 3969, "transmission_failed": 8, "reception_error": 18, "unknown_number": 112,
                "not_routed": 4, "transmitted": 267, "recredited": 1,
            },
        });
        let table = table(&serde_json::from_value(campaign).unwrap());
        for (label, shares) in [
            ("Message reçu ", "90,6 %"),
            ("Echec de la transmission", "0,2 %"),
            ("Erreur lors de la réception", "0,4 %"),
            ("Numéro de destination inconnu", "2,6 %"),
            ("Message non-routage", "0,1 %"),
            ("Message transmis", "6,1 %"),
            ("Message recrédité", "0,0 %"),
            ("Total", "100,0 %"),
        ] {
            let found = |line: &str| line.contains(label) && line.contains(shares);
            assert!(table.lines().any(found), "{label}: {table}");
        }
    }
}
