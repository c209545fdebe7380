//! What makes a run's figures meaningless, so that nobody takes them for a result.

use crate::results::Results;

/// A rate over less than this many seconds is that of a start.
const SECONDS_MIN: f64 = 1.0;

/// One in so many of the offered messages may be dropped.
const DROPPED_OF: u64 = 20;

/// Finds what speaks against the run's figures, and writes it into them.
pub(crate) fn look(results: &mut Results) {
    // What the run itself has found comes first.
    let mut doubts = std::mem::take(&mut results.doubts);
    let is_deserted = !doubts.is_empty();
    // Who has thresholds has said what the run is for.
    let mut weak = Vec::new();
    let counts = &results.counts;
    if counts.submitted == 0 {
        doubts.push("nothing was submitted".to_owned());
    } else if counts.unanswered * 2 > counts.submitted {
        doubts.push(format!(
            "{} of {} submits were never answered",
            counts.unanswered, counts.submitted
        ));
    }
    if counts.answered > 0 && counts.accepted == 0 {
        doubts.push(format!(
            "none of {} answered submits was accepted: {}",
            counts.answered,
            answers(results)
        ));
    }
    if counts.untraceable > 0 {
        doubts.push(format!(
            "{} of {} accepted messages have an id that is empty or another message's: nobody can tell whether their receipts came",
            counts.untraceable, counts.accepted
        ));
    }
    if counts.submitted > 0 && results.seconds < SECONDS_MIN {
        weak.push(format!(
            "only {:.3} s were measured: rates and latencies are those of a start; give a longer --duration or a higher --count",
            results.seconds
        ));
    }
    let due = counts.offered.max(counts.submitted + counts.dropped);
    if counts.dropped * DROPPED_OF > due {
        weak.push(format!(
            "{} of {due} messages that were due were dropped: the rates are not those that were asked for",
            counts.dropped
        ));
    }
    let given_up = results.errors.get("session_given_up").copied().unwrap_or(0);
    // Where all were, the run has said so.
    if given_up > 0 && !is_deserted {
        weak.push(format!(
            "{given_up} sessions were lost and could not be bound again: the rates are those of the others"
        ));
    }
    if results.thresholds.is_empty() {
        doubts.extend(weak);
    } else {
        results.notes.extend(weak);
    }
    results.doubts = doubts;
}

/// `422: 10, 503: 2`.
fn answers(results: &Results) -> String {
    let answers = results
        .answers
        .iter()
        .map(|(answer, count)| format!("{answer}: {count}"));
    answers.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::results::{Counts, Verdict};

    fn looked_at(change: impl FnOnce(&mut Results)) -> Results {
        let mut results = Results {
            seconds: 2.0,
            counts: Counts {
                submitted: 100,
                answered: 100,
                accepted: 100,
                receipts: 100,
                ..Counts::default()
            },
            ..Results::default()
        };
        change(&mut results);
        look(&mut results);
        results
    }

    #[test]
    fn a_run_that_means_something_is_not_doubted() {
        assert!(looked_at(|_| {}).doubts.is_empty());
        assert!(looked_at(|results| results.counts.unanswered = 50).doubts.is_empty());
    }

    #[test]
    fn what_means_nothing_is_said() {
        let doubt = |change: fn(&mut Results)| looked_at(change).doubts.join("; ");
        assert!(doubt(|results| results.counts.unanswered = 51).starts_with("51 of 100 submits"));
        assert!(doubt(|results| results.counts.untraceable = 1).starts_with("1 of 100 accepted"));
        assert!(doubt(|results| results.counts = Counts::default()).starts_with("nothing was submitted"));
        let refused = doubt(|results| {
            results.counts.accepted = 0;
            results.answers.insert("422".to_owned(), 100);
        });
        assert_eq!(refused, "none of 100 answered submits was accepted: 422: 100");
        assert!(doubt(|results| results.seconds = 0.4).starts_with("only 0.400 s"));
        assert!(doubt(|results| results.counts.dropped = 6).starts_with("6 of 106 messages"));
        assert_eq!(doubt(|results| results.counts.dropped = 5), "");
        let given_up = |results: &mut Results| results.errors.extend([("session_given_up".to_owned(), 2)]);
        assert!(doubt(given_up).starts_with("2 sessions were lost"));
    }

    #[test]
    fn a_short_run_with_thresholds_is_what_they_make_of_it() {
        let results = looked_at(|results| {
            results.seconds = 0.4;
            results.thresholds.push(Verdict::default());
        });
        assert!(results.doubts.is_empty() && results.notes[0].starts_with("only 0.400 s"));
    }
}
