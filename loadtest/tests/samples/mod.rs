//! Runs as a load test could have found them, the same every time: 60 s at 20,000/s against an SMSC that freezes for 2 s.

#![allow(dead_code, reason = "each test program uses some of these")]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use loadtest::results::{
    Conservation, Counts, Distribution, Fairness, Latency, Machine, Rates, Results, SCHEMA, Second, Verdict,
};

/// Text that would be markup, an attribute or a path if some report did not escape it.
pub(crate) const HOSTILE: &str =
    r#"</style><script>alert("x")</script><img src=https://example.org/x onerror='y'>&amp;"#;

/// Seconds of the run, and of its warm-up.
pub(crate) const SECONDS: u64 = 60;
pub(crate) const WARM_UP: u64 = 5;

/// A good run of an open model: everything demanded holds.
pub(crate) fn open() -> Results {
    Results {
        schema: SCHEMA,
        mode: "smpp".to_owned(),
        configuration: pairs(&[
            ("target", "127.0.0.1:2775"),
            ("sessions", "4"),
            ("window", "500"),
            ("rate", "20000/s"),
            ("duration", "60s"),
        ]),
        configuration_hash: "5d41402abc4b2a76b9719d911017c592ae2f6cf1d0b5c1c5e5c4b2a76b9719d9".to_owned(),
        seed: 42,
        started_at: "2026-11-22T19:05:00Z".to_owned(),
        seconds: (SECONDS - WARM_UP) as f64,
        machine: Machine {
            cpu: "Example CPU @ 2.60GHz".to_owned(),
            cores: 2,
            memory_bytes: 25_000_000_000,
            kernel: "Linux 6.1.0".to_owned(),
            version: "0.1.0".to_owned(),
        },
        counts: counts(),
        rates: Rates {
            offered: 20_000.0,
            submits_per_second: 19_998.7,
            answers_per_second: 19_998.7,
            receipts_per_second: 19_912.3,
        },
        latencies: [
            ("submit".to_owned(), latency(900.0, true)),
            ("receipt".to_owned(), latency(480_000.0, false)),
        ]
        .into(),
        answers: tally(&[
            ("ESME_ROK", 1_094_500),
            ("ESME_RTHROTTLED", 5_000),
            ("ESME_RSYSERR", 500),
        ]),
        receipts: tally(&[("DELIVRD", 1_050_720), ("UNDELIV", 32_835), ("EXPIRED", 10_945)]),
        errors: tally(&[("time_out", 3)]),
        per_second: (0..SECONDS).map(second).collect(),
        cpu_us_per_message: [("loadtest".to_owned(), 2.14), ("simulator".to_owned(), 2.31)].into(),
        peak_rss_bytes: tally(&[("loadtest", 61_865_984), ("simulator", 148_897_792)]),
        conservation: Some(Conservation {
            between: "loadtest and simulator".to_owned(),
            ..Conservation::default()
        }),
        thresholds: vec![verdict("submit_latency:p(99)<2500ms", 1_903.0), verdict("lost==0", 0.0)],
        notes: vec!["The target froze for 2 s at second 30.".to_owned()],
        ..Results::default()
    }
}

/// The same with everything wrong: thresholds missed, ledgers that disagree, saturated, and hostile text wherever text
/// may come from outside.
pub(crate) fn failed() -> Results {
    let mut results = open();
    results.mode = "e2e".to_owned();
    results.configuration.insert("text".to_owned(), HOSTILE.to_owned());
    results
        .configuration
        .insert(HOSTILE.to_owned(), "a key that a profile has".to_owned());
    results.machine.cpu = HOSTILE.to_owned();
    results.answers.insert(HOSTILE.to_owned(), 1);
    results.errors.insert(HOSTILE.to_owned(), 1);
    results.cpu_us_per_message.insert(HOSTILE.to_owned(), 1.0);
    results.notes.push(HOSTILE.to_owned());
    results.saturation = vec![
        "the event loop woke up to 41 ms late".to_owned(),
        "this program used 98 % of a core".to_owned(),
        HOSTILE.to_owned(),
    ];
    results.thresholds.push(Verdict {
        held: false,
        aborted: true,
        ..verdict("submit_latency:p(99)<250ms", 1_903.0)
    });
    results.thresholds.push(Verdict {
        held: false,
        ..verdict(HOSTILE, 0.31)
    });
    results.conservation = Some(Conservation {
        between: "engine and simulator".to_owned(),
        lost: 3,
        credit_delta: -2,
        sent_after_stop: Some(0),
        examples: vec![
            "33612345678: engine delivered, simulator UNDELIV".to_owned(),
            HOSTILE.to_owned(),
        ],
        ..Conservation::default()
    });
    results.fairness = Some(Fairness {
        tenants: 200,
        jain_index: 0.9987,
        max_wait_ms: 1_250.0,
        median_wait_ms: 310.0,
    });
    results
}

/// A closed model without receipts, thresholds and ledgers.
pub(crate) fn closed() -> Results {
    let mut results = open();
    results.rates.offered = 0.0;
    results.receipts.clear();
    results.thresholds.clear();
    results.conservation = None;
    results.errors.clear();
    results.latencies.remove("receipt");
    for second in &mut results.per_second {
        second.offered = 0;
        second.receipts = 0;
    }
    results
}

/// A run that ended before anything happened.
pub(crate) fn empty() -> Results {
    Results {
        schema: SCHEMA,
        mode: "smpp".to_owned(),
        started_at: "2026-11-22T19:05:00Z".to_owned(),
        ..Results::default()
    }
}

fn pairs(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(key, value)| (String::from(*key), String::from(*value)))
        .collect()
}

fn tally(counts: &[(&str, u64)]) -> std::collections::BTreeMap<String, u64> {
    counts
        .iter()
        .map(|(name, count)| (String::from(*name), *count))
        .collect()
}

fn counts() -> Counts {
    Counts {
        offered: 1_100_000,
        submitted: 1_100_000,
        answered: 1_100_000,
        accepted: 1_094_500,
        refused: 5_500,
        receipts: 1_094_500,
        intermediate: 12,
        ..Counts::default()
    }
}

fn verdict(threshold: &str, measured: f64) -> Verdict {
    Verdict {
        threshold: threshold.to_owned(),
        measured,
        held: true,
        aborted: false,
    }
}

/// Around `typical` µs; corrected with those who waited for the frozen SMSC.
fn latency(typical: f64, froze: bool) -> Latency {
    let mut raw = histogram();
    for at in 0..100_000u64 {
        raw.record(spread(typical, at)).expect("within its range");
    }
    let mut corrected = raw.clone();
    // In 2 s of 55 everything due waits, the last for nothing and the first for the whole freeze.
    let waited = if froze { 3_600 } else { 0 };
    for at in 0..waited {
        corrected.record(at * 2_000_000 / waited).expect("within its range");
    }
    Latency {
        corrected: distribution(&corrected),
        raw: distribution(&raw),
    }
}

/// A skewed spread without a random number: most a little under, few far over.
fn spread(typical: f64, at: u64) -> u64 {
    let part = (at as f64 + 0.5) / 100_000.0;
    (typical * (0.5 + 0.35 * -(1.0 - part).ln() + 0.3 * part)) as u64
}

fn histogram() -> Histogram<u64> {
    Histogram::new(3).expect("three digits are allowed")
}

fn distribution(of: &Histogram<u64>) -> Distribution {
    let at = |percentile: f64| of.value_at_percentile(percentile) as f64 / 1_000.0;
    let mut octets = Vec::new();
    V2DeflateSerializer::new()
        .serialize(of, &mut octets)
        .expect("written to memory");
    Distribution {
        count: of.len(),
        min: of.min() as f64 / 1_000.0,
        mean: of.mean() / 1_000.0,
        p50: at(50.0),
        p75: at(75.0),
        p90: at(90.0),
        p95: at(95.0),
        p99: at(99.0),
        p999: at(99.9),
        max: of.max() as f64 / 1_000.0,
        curve: of
            .iter_quantiles(5)
            .map(|step| {
                let value = step.value_iterated_to() as f64 / 1_000.0;
                (
                    step.quantile_iterated_to() * 100.0,
                    value,
                    step.count_since_last_iteration(),
                )
            })
            .collect(),
        histogram: STANDARD.encode(octets),
    }
}

fn second(second: u64) -> Second {
    // The load is ramped up in the warm-up; seconds 30 and 31 are frozen, and 32 catches up.
    let offered = if second < WARM_UP { 4_000 * (second + 1) } else { 20_000 };
    let (submitted, answered) = match second {
        30 => (2_000, 0),
        31 => (0, 0),
        32 => (58_000, 60_000),
        _ => (offered, offered),
    };
    let wave = 1.0 + 0.15 * (second as f64 * 0.9).sin();
    let waited = if second == 32 { 1_990.0 } else { 0.0 };
    let measured = f64::from(u8::from(answered > 0));
    Second {
        second,
        warm_up: second < WARM_UP,
        offered,
        submitted,
        answered,
        refused: answered / 200,
        receipts: if second == 0 { 0 } else { answered * 995 / 1_000 },
        in_flight: if answered == 0 { 2_000 } else { 18 + second % 7 },
        backlog: [18_000, 38_000]
            .get(second.wrapping_sub(30) as usize)
            .copied()
            .unwrap_or(0),
        p50: (0.85 * wave + waited / 2.0) * measured,
        p99: (2.4 * wave + waited) * measured,
        max: (6.1 * wave * wave + waited) * measured,
        raw_p99: 2.3 * wave * measured,
    }
}
