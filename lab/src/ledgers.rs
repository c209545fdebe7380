//! The engine's ledger against the simulator's, message by message. For recipients that get one message each.

use std::collections::HashMap;

use crate::api::Listed;
use crate::sim::Row;

/// What happened before the ledgers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circumstances {
    /// Every program ran throughout, and all came to rest: each message was submitted.
    Undisturbed,
    /// Programs were killed or stopped: messages may wait, be canceled, or be in doubt.
    Disturbed,
}

/// Disagreements that are quoted; the rest is counted.
const EXAMPLES_MAX: usize = 20;

/// Where the ledgers do not agree; all 0 when they do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Messages that the engine does not list, or lists as sent although the simulator never saw them.
    pub lost: u64,
    /// Segments that were accepted again, recipients that are nobody's, and messages that the engine lists beyond the expected.
    pub doubled: u64,
    /// Messages whose status differs from what the simulator did.
    pub wrong_status: u64,
    /// Segments accepted of messages that were not recredited: what has to be paid for.
    pub billed: u64,
    /// The first few disagreements, for people.
    pub examples: Vec<String>,
}

impl Comparison {
    fn disagree(&mut self, what: String) {
        if self.examples.len() < EXAMPLES_MAX {
            self.examples.push(what);
        }
    }

    fn judge(&mut self, message: &Listed, rows: &[&Row], circumstances: Circumstances) {
        let Listed { to, status } = message;
        let (parts, repetitions) = accepted_parts(rows);
        if repetitions > 0 {
            self.doubled += repetitions;
            self.disagree(format!("{to} was accepted {repetitions} times too often"));
        }
        if status != "recredited" {
            self.billed += parts;
        }
        let fate = Fate::of(rows);
        if fate == Fate::Unseen && circumstances == Circumstances::Undisturbed {
            self.lost += 1;
            self.disagree(format!("{to} is {status}, and the simulator never had it"));
        } else if !fate.allows(circumstances).contains(&status.as_str()) {
            self.wrong_status += 1;
            self.disagree(format!("{to} is {status}; the simulator: {}", described(rows)));
        }
    }
}

/// Compares what the engine lists of `expected` messages with the simulator's rows.
pub fn compare(expected: u64, listed: &[Listed], rows: &[Row], circumstances: Circumstances) -> Comparison {
    let mut by_recipient: HashMap<&str, Vec<&Row>> = HashMap::with_capacity(listed.len());
    for row in rows {
        by_recipient.entry(&row.recipient).or_default().push(row);
    }
    let count = listed.len() as u64;
    let mut found = Comparison {
        lost: expected.saturating_sub(count),
        doubled: count.saturating_sub(expected),
        ..Comparison::default()
    };
    for message in listed {
        let own = by_recipient.remove(message.to.trim_start_matches('+'));
        found.judge(message, &own.unwrap_or_default(), circumstances);
    }
    found.doubled += by_recipient.len() as u64;
    for recipient in by_recipient.keys() {
        found.disagree(format!("{recipient} is in no campaign"));
    }
    found
}

/// Segments accepted, and how many acceptances are repetitions. Refused submits may be repeated.
fn accepted_parts(rows: &[&Row]) -> (u64, u64) {
    let accepted = rows.iter().filter(|row| row.is_accepted());
    let mut parts: Vec<u8> = accepted.map(|row| row.part).collect();
    let all = parts.len() as u64;
    parts.sort_unstable();
    parts.dedup();
    (parts.len() as u64, all - parts.len() as u64)
}

/// What became of a message at the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// The engine acknowledged its receipts, and all say DELIVRD.
    Delivered,
    /// It acknowledged them, and one says that the message is accepted, which is the last word at a few SMSCs only.
    Taken,
    /// It acknowledged them, and one says something else.
    Undelivered,
    /// Accepted, and the engine was told.
    Answered,
    /// Accepted, and never answered.
    Unanswered,
    /// Never accepted, and refused at least once.
    Refused,
    /// Received, neither accepted nor refused.
    Ignored,
    /// Never received.
    Unseen,
}

impl Fate {
    fn of(rows: &[&Row]) -> Self {
        let refused = |row: &Row| row.command_status.is_some_and(|status| status != 0);
        let taken: Vec<&Row> = rows.iter().copied().filter(|row| row.is_accepted()).collect();
        // A segment that no receipt is due for is settled with the others.
        let settled = |row: &&Row| row.receipts_acked > 0 || row.receipts_due == 0;
        let acked = || taken.iter().filter(|row| row.receipts_acked > 0);
        let all_say = |stats: &[&str]| acked().all(|row| row.stat.as_deref().is_some_and(|stat| stats.contains(&stat)));
        match taken.first() {
            None if rows.iter().any(|row| refused(row)) => Self::Refused,
            None if rows.is_empty() => Self::Unseen,
            None => Self::Ignored,
            Some(_) if acked().next().is_some() && taken.iter().all(settled) => {
                if all_say(&["DELIVRD"]) {
                    Self::Delivered
                } else if all_say(&["DELIVRD", "ACCEPTD"]) {
                    Self::Taken
                } else {
                    Self::Undelivered
                }
            }
            Some(_) if taken.iter().all(|row| row.answered_at_us.is_some()) => Self::Answered,
            Some(_) => Self::Unanswered,
        }
    }

    /// The statuses that the engine may show.
    fn allows(self, circumstances: Circumstances) -> &'static [&'static str] {
        use Circumstances::{Disturbed, Undisturbed};
        match (self, circumstances) {
            (Self::Delivered, _) => &["delivered"],
            (Self::Taken, _) => &["transmitted", "delivered"],
            (Self::Undelivered, _) => &["reception_error", "unknown_number", "not_routed", "recredited"],
            (Self::Answered, Undisturbed) => &["transmitted"],
            (Self::Answered, Disturbed) => &["transmitted", "in_doubt"],
            // The answer may still have been on its way when the simulator was asked.
            (Self::Unanswered, Undisturbed) => &["in_doubt", "transmitted"],
            (Self::Unanswered, Disturbed) => &["in_doubt"],
            (Self::Refused, Undisturbed) => &["unknown_number", "not_routed", "transmission_failed"],
            // Unless it was refused for good, it waits, or was written to a connection that broke.
            (Self::Refused, Disturbed) => &[
                "unknown_number",
                "not_routed",
                "transmission_failed",
                "queued",
                "in_doubt",
            ],
            (Self::Ignored, Undisturbed) => &["in_doubt"],
            (Self::Unseen, Undisturbed) => &[],
            (Self::Ignored | Self::Unseen, Disturbed) => &["queued", "in_doubt", "canceled"],
        }
    }
}

fn described(rows: &[&Row]) -> String {
    let described = rows.iter().map(|row| {
        let answer = row
            .command_status
            .map_or("no answer".to_owned(), |status| format!("answer {status:#x}"));
        let taken = if row.is_accepted() { "accepted" } else { "not accepted" };
        let stat = row.stat.as_deref().unwrap_or("no receipt due");
        format!(
            "segment {} {taken}, {answer}, {stat}, {} acknowledged",
            row.part, row.receipts_acked
        )
    });
    let described: Vec<String> = described.collect();
    if described.is_empty() {
        return "never saw it".to_owned();
    }
    described.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(recipient: &str, status: u32, stat: Option<&str>) -> Row {
        Row {
            sequence: 0,
            account: "campanile".to_owned(),
            recipient: recipient.to_owned(),
            source: "CLINIQUE".to_owned(),
            received_at_us: 1,
            accepted_at_us: (status == 0).then_some(1),
            answered_at_us: Some(2),
            command_status: Some(status),
            message_id: None,
            part: 1,
            total: 1,
            stat: stat.map(str::to_owned),
            receipts_due: u32::from(stat.is_some()),
            receipts_acked: u32::from(stat.is_some()),
            receipt_sent_at_us: stat.map(|_| 3),
            receipt_acked_at_us: stat.map(|_| 3),
            text: None,
        }
    }

    fn listed(to: &str, status: &str) -> Listed {
        Listed {
            to: format!("+{to}"),
            status: status.to_owned(),
        }
    }

    #[test]
    fn ledgers_that_agree_have_nothing_to_say() {
        let messages = [
            listed("1", "delivered"),
            listed("2", "unknown_number"),
            listed("3", "transmitted"),
        ];
        let rows = [row("1", 0, Some("DELIVRD")), row("2", 0x0B, None), row("3", 0, None)];
        let found = compare(3, &messages, &rows, Circumstances::Undisturbed);
        let nothing = Comparison {
            billed: 2,
            ..Comparison::default()
        };
        assert_eq!(found, nothing);
    }

    #[test]
    fn a_message_of_several_segments_is_what_its_receipts_say_and_waits_for_those_that_are_due() {
        let segment = |part, due, acked, stat| Row {
            part,
            total: 2,
            receipts_due: due,
            receipts_acked: acked,
            ..row("1", 0, Some(stat))
        };
        for (first, second, status) in [
            ((1, 1, "DELIVRD"), (1, 1, "DELIVRD"), "delivered"),
            ((1, 1, "DELIVRD"), (0, 0, "DELIVRD"), "delivered"),
            ((1, 1, "DELIVRD"), (1, 0, "DELIVRD"), "transmitted"),
            ((0, 0, "DELIVRD"), (0, 0, "DELIVRD"), "transmitted"),
            ((1, 1, "DELIVRD"), (1, 1, "UNDELIV"), "reception_error"),
            ((1, 1, "ACCEPTD"), (1, 1, "DELIVRD"), "delivered"),
        ] {
            let rows = [
                segment(1, first.0, first.1, first.2),
                segment(2, second.0, second.1, second.2),
            ];
            let found = compare(1, &[listed("1", status)], &rows, Circumstances::Undisturbed);
            assert_eq!(found.examples, Vec::<String>::new(), "{first:?} {second:?}");
        }
    }

    #[test]
    fn each_kind_of_disagreement_is_counted() {
        let messages = [
            listed("1", "delivered"),
            listed("2", "delivered"),
            listed("3", "delivered"),
        ];
        let rows = [
            row("1", 0, Some("UNDELIV")),
            row("2", 0, Some("DELIVRD")),
            row("2", 0, Some("DELIVRD")),
            row("9", 0, Some("DELIVRD")),
        ];
        let found = compare(4, &messages, &rows, Circumstances::Undisturbed);
        // One of four is not listed, one was never sent; one was accepted twice, one is nobody's.
        assert_eq!((found.lost, found.doubled, found.wrong_status), (2, 2, 1), "{found:?}");
        assert_eq!((found.billed, found.examples.len()), (2, 4));
    }

    #[test]
    fn what_was_never_seen_may_wait_after_a_disturbance_only() {
        let messages = [listed("1", "in_doubt")];
        let calm = compare(1, &messages, &[], Circumstances::Undisturbed);
        assert_eq!((calm.lost, calm.wrong_status), (1, 0));
        let disturbed = compare(1, &messages, &[], Circumstances::Disturbed);
        assert_eq!(disturbed, Comparison::default());
    }
}
