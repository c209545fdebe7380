//! The one line of JSON that ends standard output: what scripts read. Keys are added, never renamed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::checks;
use crate::results::{Capacity, Conservation, Counts, Distribution, Latency, Results, Verdict};

/// What the line calls itself.
pub(super) const DOCUMENT: &str = "line";

#[derive(Serialize)]
struct Line<'a> {
    schema: u32,
    /// Which document it is: the file of `--out`, which says more, has none.
    document: &'static str,
    mode: &'a str,
    seed: u64,
    configuration_hash: &'a str,
    seconds: f64,
    /// The rates are the generator's and not the target's.
    saturated: bool,
    offered_per_second: f64,
    submits_per_second: f64,
    answers_per_second: f64,
    receipts_per_second: f64,
    #[serde(flatten)]
    counts: &'a Counts,
    /// Of the load tester itself.
    cpu_us_per_message: Option<f64>,
    /// Of every process that could be read.
    cpu_us_per_message_of: BTreeMap<&'a str, f64>,
    peak_rss_bytes_of: &'a BTreeMap<String, u64>,
    /// Of the submits, or of what the mode has instead: corrected at the top, then both by name.
    latency_ms: Leading,
    latencies_ms: BTreeMap<&'a str, Both>,
    answers: &'a BTreeMap<String, u64>,
    receipts_by_stat: &'a BTreeMap<String, u64>,
    errors: &'a BTreeMap<String, u64>,
    conservation: Option<&'a Conservation>,
    thresholds: &'a [Verdict],
    /// Every threshold and every ledger holds.
    held: bool,
    saturation: &'a [String],
    /// Why the figures mean nothing.
    doubts: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    capacity: Option<&'a Capacity>,
}

#[derive(Serialize)]
struct Leading {
    #[serde(flatten)]
    corrected_at_the_top: Percentiles,
    #[serde(flatten)]
    both: Both,
}

#[derive(Serialize)]
struct Both {
    corrected: Percentiles,
    raw: Percentiles,
}

/// Milliseconds.
#[derive(Serialize)]
struct Percentiles {
    p50: f64,
    p75: f64,
    p90: f64,
    p95: f64,
    p99: f64,
    p999: f64,
    max: f64,
}

/// The line, without its end.
///
/// # Errors
/// A number that JSON cannot say.
pub(super) fn line(results: &Results) -> serde_json::Result<String> {
    let leading = checks::leading_latency(results).map(|(_, latency)| latency.clone());
    let leading = leading.unwrap_or_default();
    let cpu = &results.cpu_us_per_message;
    serde_json::to_string(&Line {
        schema: results.schema,
        document: DOCUMENT,
        mode: &results.mode,
        seed: results.seed,
        configuration_hash: &results.configuration_hash,
        seconds: rounded(results.seconds),
        saturated: !results.saturation.is_empty(),
        offered_per_second: rounded(results.rates.offered),
        submits_per_second: rounded(results.rates.submits_per_second),
        answers_per_second: rounded(results.rates.answers_per_second),
        receipts_per_second: rounded(results.rates.receipts_per_second),
        counts: &results.counts,
        cpu_us_per_message: cpu.get("loadtest").copied().map(rounded),
        cpu_us_per_message_of: cpu.iter().map(|(name, cpu)| (name.as_str(), rounded(*cpu))).collect(),
        peak_rss_bytes_of: &results.peak_rss_bytes,
        latency_ms: Leading {
            corrected_at_the_top: Percentiles::of(&leading.corrected),
            both: Both::of(&leading),
        },
        latencies_ms: results
            .latencies
            .iter()
            .map(|(name, latency)| (name.as_str(), Both::of(latency)))
            .collect(),
        answers: &results.answers,
        receipts_by_stat: &results.receipts,
        errors: &results.errors,
        conservation: results.conservation.as_ref(),
        thresholds: &results.thresholds,
        held: checks::failures(results).is_empty(),
        saturation: &results.saturation,
        doubts: &results.doubts,
        capacity: results.capacity.as_ref(),
    })
}

impl Both {
    fn of(latency: &Latency) -> Self {
        Self {
            corrected: Percentiles::of(&latency.corrected),
            raw: Percentiles::of(&latency.raw),
        }
    }
}

impl Percentiles {
    fn of(distribution: &Distribution) -> Self {
        Self {
            p50: rounded(distribution.p50),
            p75: rounded(distribution.p75),
            p90: rounded(distribution.p90),
            p95: rounded(distribution.p95),
            p99: rounded(distribution.p99),
            p999: rounded(distribution.p999),
            max: rounded(distribution.max),
        }
    }
}

/// Three decimals: microseconds of a millisecond, and more than any of these numbers repeats to.
fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}
