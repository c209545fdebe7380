//! The charts of latency by percentile, as HdrHistogram's plots have it: each further nine as wide as the one before.

use super::super::words::named_percentiles;
use super::super::{checks, number};
use super::axis::Axis;
use super::chart::{self, Chart, Series, Table};
use crate::results::{Distribution, Latency, Results};

/// A latency: its chart, and its percentiles side by side.
pub(super) struct Panel {
    pub(super) chart: Chart,
    /// Name, corrected, raw.
    pub(super) percentiles: Vec<[String; 3]>,
}

/// What a latency of that name goes from and to, for readers who have not read the documentation.
fn meaning(name: &str) -> &str {
    match name {
        "submit" => "Submit to answer",
        "receipt" => "Answer to final receipt",
        "end_to_end" => "Due to final receipt",
        "queue" => "Due to written",
        "api" => "API call",
        other => other,
    }
}

/// A panel for every latency of which there is a value.
pub(super) fn panels(results: &Results) -> Vec<Panel> {
    let measured = |latency: &&Latency| latency.corrected.count + latency.raw.count > 0;
    let leading = checks::leading_latency(results).map(|(name, _)| name);
    let mut latencies: Vec<_> = results
        .latencies
        .iter()
        .filter(|(_, latency)| measured(latency))
        .collect();
    // The one that represents the run comes first, the rest by name.
    latencies.sort_by_key(|(name, _)| Some(name.as_str()) != leading);
    latencies
        .into_iter()
        .enumerate()
        .map(|(at, (name, latency))| Panel {
            chart: chart_of(at, name, latency),
            percentiles: rows(latency),
        })
        .collect()
}

fn rows(latency: &Latency) -> Vec<[String; 3]> {
    let [corrected, raw] = [&latency.corrected, &latency.raw].map(named_percentiles);
    let row = |((name, corrected), (_, raw)): ((&str, f64), (&str, f64))| {
        [name.to_owned(), number::measured(corrected), number::measured(raw)]
    };
    corrected.into_iter().zip(raw).map(row).collect()
}

fn chart_of(at: usize, name: &str, latency: &Latency) -> Chart {
    let [corrected, raw] = [curve(&latency.corrected), curve(&latency.raw)];
    let values: Vec<f64> = corrected.iter().chain(&raw).map(|(_, value)| *value).collect();
    let upward = Axis::latency(&values);
    let percentiles: Vec<f64> = corrected
        .iter()
        .chain(&raw)
        .map(|(percentile, _)| *percentile)
        .collect();
    let across = Axis::nines(&percentiles);
    let line = |name, class, curve: &[(f64, f64)]| {
        let places: Vec<f64> = curve.iter().map(|(percentile, _)| across.place(*percentile)).collect();
        let values = curve.iter().map(|(_, value)| Some(*value)).collect();
        chart::line(&Series { name, class, values }, &places, &upward)
    };
    let scale = if upward.is_logarithmic() { ", logarithmic" } else { "" };
    let table = table(&corrected, &raw);
    let places: Vec<f64> = corrected
        .iter()
        .map(|(percentile, _)| across.place(*percentile))
        .collect();
    Chart {
        id: format!("percentiles-{at}"),
        title: meaning(name).to_owned(),
        caption: format!("ms{scale}; percentiles across"),
        description: format!(
            "Corrected, half are within {} and 99 % within {} milliseconds, the most is {}. Raw, that is {}, {} and {}.",
            number::measured(latency.corrected.p50),
            number::measured(latency.corrected.p99),
            number::measured(latency.corrected.max),
            number::measured(latency.raw.p50),
            number::measured(latency.raw.p99),
            number::measured(latency.raw.max),
        ),
        across: chart::across(&across),
        upward: chart::upward(&upward),
        warm_up: None,
        lines: vec![line("corrected", "first", &corrected), line("raw", "second", &raw)],
        hovers: chart::hovers(&places, corrected.iter().map(hover).collect()),
        table,
    }
}

/// The curve, or where a document has none, its percentiles.
fn curve(distribution: &Distribution) -> Vec<(f64, f64)> {
    if !distribution.curve.is_empty() {
        return distribution
            .curve
            .iter()
            .map(|(percentile, value, _)| (*percentile, *value))
            .collect();
    }
    if distribution.count == 0 {
        return Vec::new();
    }
    vec![
        (0.0, distribution.min),
        (50.0, distribution.p50),
        (75.0, distribution.p75),
        (90.0, distribution.p90),
        (95.0, distribution.p95),
        (99.0, distribution.p99),
        (99.9, distribution.p999),
        (100.0, distribution.max),
    ]
}

fn hover((percentile, value): &(f64, f64)) -> String {
    format!("{} %: {} ms corrected", exact(*percentile), number::measured(*value))
}

/// Both curves, one below the other where their percentiles differ.
fn table(corrected: &[(f64, f64)], raw: &[(f64, f64)]) -> Table {
    let rows = |kind: &'static str, curve: &[(f64, f64)]| {
        let row =
            |(percentile, value): &(f64, f64)| vec![kind.to_owned(), exact(*percentile), number::measured(*value)];
        curve.iter().map(row).collect::<Vec<_>>()
    };
    Table {
        head: ["kind", "percentile", "ms"].map(str::to_owned).to_vec(),
        rows: [rows("corrected", corrected), rows("raw", raw)].concat(),
    }
}

/// A percentile with all its nines.
fn exact(percentile: f64) -> String {
    let text = format!("{percentile:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
