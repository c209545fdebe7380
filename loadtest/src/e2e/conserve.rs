//! The engine's ledger against the simulator's, message by message.

use std::collections::HashMap;

use serde::Deserialize;

use crate::api::Credits;
use crate::results::Conservation;

/// A message as the engine lists it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Listed {
    /// E.164 with `+`.
    pub(crate) to: String,
    /// One of the seven, or where it is on its way.
    pub(crate) status: String,
}

/// A submit_sm as the simulator recorded it (`GET /ledger`).
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Submit {
    pub(crate) sequence: u64,
    pub(crate) recipient: String,
    pub(crate) part: u8,
    pub(crate) received_at_us: u64,
    pub(crate) accepted_at_us: Option<u64>,
    pub(crate) answered_at_us: Option<u64>,
    pub(crate) command_status: Option<u32>,
    pub(crate) stat: Option<String>,
    pub(crate) receipts_acked: u8,
    pub(crate) receipt_acked_at_us: Option<u64>,
}

/// Disagreements that are quoted; the rest is counted.
const EXAMPLES_MAX: usize = 20;

/// Compares what the engine lists of `expected` messages with the simulator's rows, and looks where the credits are. For
/// recipients that get one message each.
pub(crate) fn compare(expected: u64, listed: &[Listed], submits: &[Submit], credits: &[Credits]) -> Conservation {
    let mut found = Conservation {
        between: "engine and simulator".to_owned(),
        ..Conservation::default()
    };
    let mut by_recipient: HashMap<&str, Vec<&Submit>> = HashMap::with_capacity(listed.len());
    for submit in submits {
        by_recipient.entry(&submit.recipient).or_default().push(submit);
    }
    let mut examples = Vec::new();
    let mut disagree = |what: String| {
        if examples.len() < EXAMPLES_MAX {
            examples.push(what);
        }
    };
    found.lost = expected.saturating_sub(listed.len() as u64);
    found.doubled = (listed.len() as u64).saturating_sub(expected);
    let mut owed = 0;
    for message in listed {
        let rows = by_recipient
            .remove(message.to.trim_start_matches('+'))
            .unwrap_or_default();
        let accepted = accepted_parts(&rows);
        if accepted.1 > 0 {
            found.doubled += accepted.1;
            disagree(format!("{} was accepted {} times too often", message.to, accepted.1));
        }
        if message.status != "recredited" {
            owed += accepted.0;
        }
        match judged(&message.status, &rows) {
            Judged::Right => {}
            Judged::Lost => {
                found.lost += 1;
                disagree(format!(
                    "{} is {} and the simulator never had it",
                    message.to, message.status
                ));
            }
            Judged::Wrong => {
                found.wrong_status += 1;
                disagree(format!(
                    "{} is {}; the simulator did {}",
                    message.to,
                    message.status,
                    done(&rows)
                ));
            }
        }
    }
    // What the simulator has and no campaign does.
    found.doubled += by_recipient.len() as u64;
    by_recipient
        .keys()
        .for_each(|recipient| disagree(format!("{recipient} is no campaign's")));
    found.credit_delta = credits.iter().map(|credits| credits.imbalance()).sum::<i64>()
        + credits.iter().map(|credits| credits.spent as i64).sum::<i64>()
        - owed as i64;
    found.examples = examples;
    found
}

/// Segments accepted, and how many of these acceptances are repetitions.
fn accepted_parts(rows: &[&Submit]) -> (u64, u64) {
    let accepted = rows.iter().filter(|row| row.accepted_at_us.is_some());
    let mut parts: Vec<u8> = accepted.map(|row| row.part).collect();
    let all = parts.len() as u64;
    parts.sort_unstable();
    parts.dedup();
    (parts.len() as u64, all - parts.len() as u64)
}

enum Judged {
    Right,
    Lost,
    Wrong,
}

fn judged(status: &str, rows: &[&Submit]) -> Judged {
    let allowed: &[&str] = match rows.iter().find(|row| row.accepted_at_us.is_some()) {
        Some(row) if row.receipts_acked > 0 => match row.stat.as_deref() {
            Some("DELIVRD") => &["delivered"],
            Some(_) | None => &["reception_error", "unknown_number", "not_routed", "recredited"],
        },
        Some(row) if row.answered_at_us.is_some() => &["transmitted"],
        // Accepted and never answered: nobody can tell.
        Some(_) => &["in_doubt", "transmitted"],
        None if rows
            .iter()
            .any(|row| row.command_status.is_some_and(|status| status != 0)) =>
        {
            &["unknown_number", "not_routed", "transmission_failed"]
        }
        None if rows.is_empty() => return Judged::Lost,
        None => &["in_doubt"],
    };
    if allowed.contains(&status) {
        Judged::Right
    } else {
        Judged::Wrong
    }
}

fn done(rows: &[&Submit]) -> String {
    let row = |row: &&Submit| {
        let status = row
            .command_status
            .map_or("no answer".to_owned(), |status| format!("answer {status:#x}"));
        format!("{status}, {}", row.stat.as_deref().unwrap_or("no receipt"))
    };
    rows.iter().map(row).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn submit(recipient: &str, status: u32, stat: Option<&str>) -> Submit {
        let accepted = (status == 0).then_some(1);
        Submit {
            sequence: 0,
            recipient: recipient.to_owned(),
            part: 1,
            received_at_us: 1,
            accepted_at_us: accepted,
            answered_at_us: Some(2),
            command_status: Some(status),
            stat: stat.map(str::to_owned),
            receipts_acked: u8::from(stat.is_some()),
            receipt_acked_at_us: stat.map(|_| 3),
        }
    }

    fn listed(to: &str, status: &str) -> Listed {
        Listed {
            to: format!("+{to}"),
            status: status.to_owned(),
        }
    }

    fn credits(spent: u64) -> Credits {
        Credits {
            granted: 10,
            available: 10 - spent,
            held: 0,
            spent,
        }
    }

    #[test]
    fn ledgers_that_agree_hold() {
        let messages = [
            listed("1", "delivered"),
            listed("2", "unknown_number"),
            listed("3", "transmitted"),
        ];
        let submits = [
            submit("1", 0, Some("DELIVRD")),
            submit("2", 0x0B, None),
            submit("3", 0, None),
        ];
        let found = compare(3, &messages, &submits, &[credits(2)]);
        assert!(found.holds(), "{found:?}");
    }

    #[test]
    fn each_kind_of_disagreement_is_counted() {
        let messages = [
            listed("1", "delivered"),
            listed("2", "delivered"),
            listed("3", "delivered"),
        ];
        let submits = [
            submit("1", 0, Some("UNDELIV")),
            submit("2", 0, Some("DELIVRD")),
            submit("2", 0, Some("DELIVRD")),
            submit("9", 0, Some("DELIVRD")),
        ];
        let found = compare(4, &messages, &submits, &[credits(3)]);
        // One of four is not listed, one was never sent; one was accepted twice, one is nobody's.
        assert_eq!((found.lost, found.doubled, found.wrong_status), (2, 2, 1), "{found:?}");
        assert_eq!(found.credit_delta, 1);
        assert_eq!(found.examples.len(), 4);
        let broken = Credits { held: 2, ..credits(1) };
        assert_eq!(compare(0, &[], &[], &[broken]).credit_delta, -2 + 1);
    }
}
