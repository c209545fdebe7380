//! What the demo shows: the table of the seven statuses, and where the credits went.

use std::fmt::Write;

use serde_json::Value;

use crate::domain::{Language, Status};

/// A tenant's credits at one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Credits {
    available: u64,
    held: u64,
    spent: u64,
}

impl Credits {
    pub(super) fn of(tenant: &Value) -> Self {
        let field = |name: &str| tenant["credits"][name].as_u64().unwrap_or(0);
        Self {
            available: field("available"),
            held: field("held"),
            spent: field("spent"),
        }
    }
}

/// The seven statuses of a campaign, with French labels, counts and percentages.
pub(super) fn table(campaign: &Value) -> String {
    let count = |status: Status| campaign["statuses"][status.code()].as_u64().unwrap_or(0);
    let total: u64 = Status::ALL.into_iter().map(count).sum();
    let mut out = String::from("\n");
    for status in Status::ALL {
        line(&mut out, status.label(Language::Fr), count(status), total);
    }
    let _written = writeln!(out, "  {}", "─".repeat(48));
    line(&mut out, "Total", total, total);
    out
}

fn line(out: &mut String, label: &str, count: u64, total: u64) {
    let _written = writeln!(out, "  {label:<32} {count:>6} {:>8}", percent(count, total));
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
pub(super) fn credits(before: &Credits, held: &Credits, after: &Credits, recredited: u64) -> String {
    let spent = after.spent + recredited;
    format!(
        "\n  credits before {}  held at the launch {}  spent {spent}  recredited {recredited}  after {}{}\n",
        before.available,
        held.held + held.spent,
        after.available,
        if after.held == 0 {
            String::new()
        } else {
            format!(" (and {} still held)", after.held)
        },
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_table_has_the_percentages_of_a_real_report() {
        let statuses = json!({
            "delivered": 3969, "transmission_failed": 8, "reception_error": 18, "unknown_number": 112,
            "not_routed": 4, "transmitted": 267, "recredited": 1,
        });
        let table = table(&json!({ "statuses": statuses }));
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
            assert!(
                table.lines().any(|line| line.contains(label) && line.contains(shares)),
                "{label}: {table}"
            );
        }
    }
}
