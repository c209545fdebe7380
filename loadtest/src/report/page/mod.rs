//! One HTML page that needs no other file, no script and no network: charts as inline SVG, a table behind each of them.
//!
//! Start reading at [`html`]. This module says what is on the page; `templates/report.html` says how it looks. Every value is escaped by the
//! template, and a content security policy in the page forbids whatever an escape might miss.

use anyhow::Result;
use askama::Template;

use super::words::{most_first, named_counts, processes};
use super::{checks, number};
use crate::results::Results;
use chart::Chart;
use percentiles::Panel;

mod axis;
mod chart;
mod time;
mod percentiles;

pub(super) fn html(results: &Results) -> Result<String> {
    Ok(Page::of(results).render()?)
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    results: &'a Results,
    began: String,
    measured: String,
    verdict: Verdict,
    failures: Vec<String>,
    tiles: Vec<Tile>,
    over_time: Vec<Chart>,
    latencies: Vec<Panel>,
    counts: Vec<(&'static str, String)>,
    breakdowns: Vec<Breakdown>,
    thresholds: Vec<Judged>,
    conservation: Vec<Judged>,
    fairness: Vec<(&'static str, String)>,
    costs: Vec<[String; 3]>,
    machine: Vec<(&'static str, String)>,
}

/// What is said of the run at the top of the page.
#[derive(Clone, Copy, PartialEq)]
enum Verdict {
    Passed,
    Failed,
    /// Nothing was demanded.
    Measured,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Passed => "Passed",
            Verdict::Failed => "Failed",
            Verdict::Measured => "Measured",
        }
    }

    fn class(self) -> &'static str {
        match self {
            Verdict::Passed => "good",
            Verdict::Failed => "bad",
            Verdict::Measured => "plain",
        }
    }
}

/// A large number at the top.
struct Tile {
    name: &'static str,
    value: String,
    unit: &'static str,
    /// What to compare it with, or nothing.
    beside: String,
    class: &'static str,
}

/// Counts by name, as bars.
struct Breakdown {
    title: &'static str,
    rows: Vec<Bar>,
}

struct Bar {
    name: String,
    count: String,
    share: String,
    /// Per cent of the whole.
    width: String,
    class: &'static str,
}

/// One row of a table of verdicts.
struct Judged {
    demanded: String,
    meaning: &'static str,
    found: String,
    word: &'static str,
    class: &'static str,
}

impl<'a> Page<'a> {
    fn of(results: &'a Results) -> Self {
        let failures = checks::failures(results);
        let verdict = match (checks::demanded(results), failures.is_empty()) {
            (_, false) => Verdict::Failed,
            (true, true) => Verdict::Passed,
            (false, true) => Verdict::Measured,
        };
        Page {
            results,
            began: results.started_at.replacen('T', " ", 1).replacen('Z', " UTC", 1),
            measured: number::measured(results.seconds),
            verdict,
            failures,
            tiles: tiles(results),
            over_time: time::charts(results),
            latencies: percentiles::panels(results),
            counts: named_counts(&results.counts)
                .map(|(name, count)| (name, number::count(count)))
                .to_vec(),
            breakdowns: breakdowns(results),
            thresholds: thresholds(results),
            conservation: conservation(results),
            fairness: fairness(results),
            costs: costs(results),
            machine: machine(results),
        }
    }
}

fn tiles(results: &Results) -> Vec<Tile> {
    let counts = &results.counts;
    let rates = &results.rates;
    let offered = if rates.offered > 0.0 {
        format!("of {} offered", number::measured(rates.offered))
    } else {
        "as fast as answers came".to_owned()
    };
    let mut tiles = vec![
        tile("Submitted", number::measured(rates.submits_per_second), "/s", offered),
        tile(
            "Receipts",
            number::measured(rates.receipts_per_second),
            "/s",
            format!("{} in all", number::count(counts.receipts)),
        ),
    ];
    if let Some((_, latency)) = checks::leading_latency(results) {
        for (name, corrected, raw) in [
            ("Median latency", latency.corrected.p50, latency.raw.p50),
            ("99th percentile", latency.corrected.p99, latency.raw.p99),
        ] {
            tiles.push(tile(
                name,
                number::measured(corrected),
                "ms",
                format!("{} raw", number::measured(raw)),
            ));
        }
    }
    tiles.push(Tile {
        class: class_of(counts.refused == 0),
        ..tile(
            "Refused",
            number::share(counts.refused, counts.answered),
            "",
            format!(
                "{} of {}",
                number::count(counts.refused),
                number::count(counts.answered)
            ),
        )
    });
    tiles.push(Tile {
        class: class_of(counts.lost + counts.doubled == 0),
        ..tile(
            "Receipts lost",
            number::count(counts.lost),
            "",
            format!("{} doubled", number::count(counts.doubled)),
        )
    });
    tiles
}

fn tile(name: &'static str, value: String, unit: &'static str, beside: String) -> Tile {
    Tile {
        name,
        value,
        unit,
        beside,
        class: "plain",
    }
}

fn class_of(good: bool) -> &'static str {
    if good { "good" } else { "bad" }
}

fn breakdowns(results: &Results) -> Vec<Breakdown> {
    [
        ("Answers by command_status", &results.answers),
        ("Final receipts by stat", &results.receipts),
        ("Errors by kind", &results.errors),
    ]
    .into_iter()
    .filter(|(_, counts)| !counts.is_empty())
    .map(|(title, counts)| {
        let whole: u64 = counts.values().sum();
        let bar = |(name, count): (&str, u64)| Bar {
            name: name.to_owned(),
            count: number::count(count),
            share: number::share(count, whole),
            width: chart::percent(count as f64 / whole.max(1) as f64),
            class: class_of(matches!(name, "ESME_ROK" | "DELIVRD")),
        };
        let rows = most_first(counts).into_iter().map(bar).collect();
        Breakdown { title, rows }
    })
    .collect()
}

fn thresholds(results: &Results) -> Vec<Judged> {
    let judged = |verdict: &crate::results::Verdict| Judged {
        demanded: verdict.threshold.clone(),
        meaning: if verdict.aborted { "the run was ended by it" } else { "" },
        found: number::measured(verdict.measured),
        word: if verdict.held { "held" } else { "missed" },
        class: class_of(verdict.held),
    };
    results.thresholds.iter().map(judged).collect()
}

fn conservation(results: &Results) -> Vec<Judged> {
    let Some(found) = &results.conservation else {
        return Vec::new();
    };
    let judged = |check: checks::Check| Judged {
        demanded: check.name.to_owned(),
        meaning: check.meaning,
        found: check.found.map_or_else(|| "–".to_owned(), |count| count.to_string()),
        word: match check.found {
            Some(0) => "holds",
            Some(_) => "wrong",
            None => "not known",
        },
        class: if check.found.is_none() {
            "plain"
        } else {
            class_of(check.holds())
        },
    };
    checks::conservation(found).into_iter().map(judged).collect()
}

fn fairness(results: &Results) -> Vec<(&'static str, String)> {
    results.fairness.as_ref().map_or_else(Vec::new, |fairness| {
        vec![
            ("Tenants", number::count(fairness.tenants)),
            ("Jain index (1: even)", format!("{:.4}", fairness.jain_index)),
            (
                "Median first wait",
                format!("{} ms", number::measured(fairness.median_wait_ms)),
            ),
            (
                "Longest first wait",
                format!("{} ms", number::measured(fairness.max_wait_ms)),
            ),
        ]
    })
}

fn costs(results: &Results) -> Vec<[String; 3]> {
    let dash = || "–".to_owned();
    let row = |process: &str| {
        let cpu = results
            .cpu_us_per_message
            .get(process)
            .map(|cpu| number::measured(*cpu));
        let memory = results.peak_rss_bytes.get(process).map(|rss| number::octets(*rss));
        [
            process.to_owned(),
            cpu.unwrap_or_else(dash),
            memory.unwrap_or_else(dash),
        ]
    };
    processes(results).into_iter().map(row).collect()
}

fn machine(results: &Results) -> Vec<(&'static str, String)> {
    let machine = &results.machine;
    vec![
        ("Processor", machine.cpu.clone()),
        ("Cores", number::count(u64::from(machine.cores))),
        ("Memory", number::octets(machine.memory_bytes)),
        ("Kernel", machine.kernel.clone()),
        ("Version", machine.version.clone()),
        ("Seed", results.seed.to_string()),
        ("Configuration", results.configuration_hash.clone()),
    ]
}
