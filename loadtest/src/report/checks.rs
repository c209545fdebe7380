//! What a run has to be judged by: the same lines in every report.

use crate::results::{Conservation, Results};

/// Something that must be 0.
pub(crate) struct Check {
    /// Its name in thresholds and in the JSON.
    pub(crate) name: &'static str,
    /// What it means, as a sentence without its full stop.
    pub(crate) meaning: &'static str,
    /// How many; `None`: nobody could count them.
    pub(crate) found: Option<i128>,
}

impl Check {
    /// Whether it is 0, as far as anybody knows.
    pub(crate) fn holds(&self) -> bool {
        self.found.unwrap_or(0) == 0
    }
}

/// The lines of a comparison of ledgers.
pub(crate) fn conservation(found: &Conservation) -> Vec<Check> {
    let check = |name, meaning, found| Check { name, meaning, found };
    let count = |count: u64| Some(i128::from(count));
    vec![
        check(
            "lost",
            "one ledger has the message, the other has not",
            count(found.lost),
        ),
        check("doubled", "arrived more often than sent", count(found.doubled)),
        check(
            "wrong_status",
            "the final status differs from what the SMSC did",
            count(found.wrong_status),
        ),
        check(
            "credit_delta",
            "credits that no message accounts for",
            Some(i128::from(found.credit_delta)),
        ),
        check(
            "sent_after_stop",
            "sent to a number after it said STOP",
            found.sent_after_stop.map(i128::from),
        ),
        check(
            "sent_outside_window",
            "sent outside the hours in which it may be",
            found.sent_outside_window.map(i128::from),
        ),
    ]
}

/// What speaks against the run, as words: none means that everything demanded of it holds.
pub(crate) fn failures(results: &Results) -> Vec<String> {
    let thresholds = results.thresholds.iter().filter(|verdict| !verdict.held).count();
    let mut failures = Vec::new();
    if thresholds > 0 {
        failures.push(format!(
            "{thresholds} of {} thresholds missed",
            results.thresholds.len()
        ));
    }
    if results.conservation.as_ref().is_some_and(|found| !found.holds()) {
        failures.push("the ledgers disagree".to_owned());
    }
    failures.extend(results.doubts.iter().cloned());
    failures
}

/// Whether there is a verdict: something was demanded of the run, or speaks against it.
pub(crate) fn demanded(results: &Results) -> bool {
    !results.thresholds.is_empty() || results.conservation.is_some() || !results.doubts.is_empty()
}

/// The latency that represents the run: of submits, or of what this mode has instead.
pub(crate) fn leading_latency(results: &Results) -> Option<(&str, &crate::results::Latency)> {
    ["submit", "api", "end_to_end"]
        .into_iter()
        .find_map(|name| results.latencies.get_key_value(name))
        .or_else(|| results.latencies.first_key_value())
        .map(|(name, latency)| (name.as_str(), latency))
}
