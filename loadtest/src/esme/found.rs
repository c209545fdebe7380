//! From a run's book to its results.

use std::collections::BTreeMap;

use lab::usage::ThreadTimes;

use super::book::{Book, Spans};
use super::meters::Latencies;
use super::pulse::Pulse;
use crate::results::{Latency, Rates, Results};

/// What a run has left behind.
pub(crate) struct Outcome {
    pub(crate) book: Book,
    pub(crate) pulse: Pulse,
    /// What the thread of all sessions had of the machine, from the first message to the end.
    pub(crate) thread: ThreadTimes,
    /// From the first message to the end, in seconds.
    pub(crate) seconds: f64,
}

/// Everything that the book and the pulse have: configuration, machine and verdicts are left to the caller.
pub(crate) fn results(outcome: &mut Outcome, warm_up_us: u64) -> Results {
    let waiting = outcome.book.waiting();
    let per_second = outcome.book.seconds.finish((waiting.0, waiting.1));
    let mut results = snapshot(&outcome.book, warm_up_us);
    let submitted = results.counts.submitted + results.counts.warm_up;
    if submitted > 0 && outcome.thread.running > 0.0 {
        let cpu = outcome.thread.running * 1e6 / submitted as f64;
        results.cpu_us_per_message.insert("loadtest".to_owned(), cpu);
    }
    results.per_second = per_second;
    results.saturation = saturation(outcome, &results);
    results.latencies = latencies(&outcome.book);
    let lost = outcome.book.warm_up_lost();
    if lost > 0 {
        results
            .notes
            .push(format!("{lost} accepted messages of the warm-up have no receipt"));
    }
    let unknown = results.counts.unknown;
    if unknown > 0 {
        results.notes.push(format!(
            "{unknown} receipts carry ids that no answer told: of a run before, or of submits whose answers never came"
        ));
    }
    if outcome.pulse.deserted && outcome.pulse.signals == 0 {
        results.doubts.push(format!(
            "every session was lost and could not be bound again: the run ended after {:.2} s, and its rates are of that time",
            results.seconds
        ));
    }
    if outcome.pulse.signals > 0 {
        results
            .notes
            .push("interrupted by a signal: this is what was measured until then".to_owned());
    }
    results
}

/// What can be said in the middle of a run: counts, rates, errors, but no latencies.
pub(crate) fn snapshot(book: &Book, warm_up_us: u64) -> Results {
    let counts = book.counts();
    let spans = book.spans;
    let rate = |count: u64, until_us: u64| {
        let seconds = until_us.saturating_sub(warm_up_us) as f64 / 1e6;
        if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
    };
    let submits_until_us = match counts.offered {
        // A closed run that fits its windows is written in one go: only its answers tell how fast it went.
        0 => end_us(spans),
        _ => spans.submitted_us.max(spans.model_us),
    };
    let rates = Rates {
        offered: rate(counts.offered, submits_until_us),
        submits_per_second: rate(counts.submitted, submits_until_us),
        answers_per_second: rate(counts.answered, spans.answered_us),
        receipts_per_second: rate(counts.receipts, spans.receipted_us),
    };
    let named =
        |names: &BTreeMap<&'static str, u64>| names.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect();
    Results {
        seconds: end_us(spans).saturating_sub(warm_up_us) as f64 / 1e6,
        rates,
        answers: book
            .answers
            .iter()
            .map(|(status, count)| (status.to_string(), *count))
            .collect(),
        receipts: named(&book.stats),
        errors: named(&book.errors),
        counts,
        ..Results::default()
    }
}

fn end_us(spans: Spans) -> u64 {
    spans.submitted_us.max(spans.answered_us).max(spans.model_us)
}

/// Every latency that the run has values of.
pub(crate) fn latencies(book: &Book) -> BTreeMap<String, Latency> {
    let times = &book.times;
    let rows = [
        ("submit", &times.submit.0, &times.submit.1),
        ("queue", &times.queue, &times.queue),
        ("receipt", &times.receipt, &times.receipt),
        ("end_to_end", &times.end_to_end.0, &times.end_to_end.1),
    ];
    let both = |corrected: &Latencies, raw: &Latencies| Latency {
        corrected: corrected.distribution(),
        raw: raw.distribution(),
    };
    rows.into_iter()
        .filter(|(_, corrected, _)| corrected.count() > 0)
        .map(|(name, corrected, raw)| (name.to_owned(), both(corrected, raw)))
        .collect()
}

/// A thread that works for this share of its time may be what limits the rate.
const BUSY: f64 = 0.95;

/// A program that waits for a core for this share of its time is not alone on the machine.
const STARVED: f64 = 0.10;

/// Waking later than this in one case of a hundred, it is late with messages, too: in ms.
const LAG_MS: f64 = 20.0;

/// Written less than this share of what was offered, the load was not the one that was asked for.
const ACHIEVED: f64 = 0.98;

/// Why the rates may be this program's and not the target's.
fn saturation(outcome: &Outcome, results: &Results) -> Vec<String> {
    let mut reasons = Vec::new();
    let busy = outcome.thread.running / outcome.seconds.max(1e-6);
    let starved = outcome.thread.waiting / outcome.seconds.max(1e-6);
    let lag = outcome.pulse.lag.percentile_ms(99.0);
    let counts = &results.counts;
    let behind = counts.offered > 0 && (counts.submitted as f64) < counts.offered as f64 * ACHIEVED;
    if busy > BUSY {
        reasons.push(format!(
            "this program's thread was busy for {:.0} % of the time: the target may take more",
            busy * 100.0
        ));
    }
    if starved > STARVED && (behind || results.rates.offered == 0.0) {
        reasons.push(format!(
            "this program waited for a core for {:.0} % of the time: others use this machine",
            starved * 100.0
        ));
    }
    if lag > LAG_MS {
        reasons.push(format!(
            "the event loop was {lag:.0} ms late in 1 % of its beats: latencies include that"
        ));
    }
    reasons
}
