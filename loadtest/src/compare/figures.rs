//! Which figures of a run are compared, and which direction is the better one.

use crate::results::{Conservation, Distribution, Results};

/// Which direction is better.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Better {
    /// Rates.
    Higher,
    /// Latencies and costs.
    Lower,
    /// What must be 0: any more than before is worse.
    Zero,
    /// Shown only.
    Unjudged,
}

/// A number of a run.
#[derive(Clone, Debug)]
struct Figure {
    name: String,
    unit: &'static str,
    value: f64,
    better: Better,
}

/// A figure of two sides: what each of their runs has, as far as it has it.
#[derive(Clone, Debug)]
pub(super) struct Both {
    pub(super) name: String,
    pub(super) unit: &'static str,
    pub(super) better: Better,
    pub(super) base: Vec<f64>,
    pub(super) new: Vec<f64>,
}

/// Every figure that any run has, in the base's order, what is only new at the end.
pub(super) fn both(base: &[Results], new: &[Results]) -> Vec<Both> {
    let mut all: Vec<Both> = Vec::new();
    let sides = base
        .iter()
        .map(|run| (run, false))
        .chain(new.iter().map(|run| (run, true)));
    for (run, is_new) in sides {
        for figure in figures(run) {
            let at = all.iter().position(|known| known.name == figure.name);
            let at = at.unwrap_or_else(|| {
                all.push(Both {
                    name: figure.name,
                    unit: figure.unit,
                    better: figure.better,
                    base: Vec::new(),
                    new: Vec::new(),
                });
                all.len() - 1
            });
            let side = if is_new { &mut all[at].new } else { &mut all[at].base };
            side.push(figure.value);
        }
    }
    all
}

fn figures(results: &Results) -> Vec<Figure> {
    let rates = &results.rates;
    let mut figures = vec![
        figure("submits_per_second", "/s", rates.submits_per_second, Better::Higher),
        figure("answers_per_second", "/s", rates.answers_per_second, Better::Higher),
        figure("receipts_per_second", "/s", rates.receipts_per_second, Better::Higher),
    ];
    for (name, latency) in &results.latencies {
        figures.extend(latencies(name, "corrected", &latency.corrected));
        figures.extend(latencies(name, "raw", &latency.raw));
    }
    for (process, cpu) in &results.cpu_us_per_message {
        figures.push(figure(format!("cpu {process}"), "µs/message", *cpu, Better::Lower));
    }
    for (process, octets) in &results.peak_rss_bytes {
        let mebibytes = *octets as f64 / f64::from(1 << 20);
        figures.push(figure(format!("memory {process}"), "MiB", mebibytes, Better::Lower));
    }
    figures.extend(zeros(results));
    figures
}

fn latencies(name: &str, kind: &str, of: &Distribution) -> Vec<Figure> {
    if of.count == 0 {
        return Vec::new();
    }
    [
        ("p50", of.p50, Better::Lower),
        ("p90", of.p90, Better::Lower),
        ("p99", of.p99, Better::Lower),
        ("p99.9", of.p999, Better::Unjudged),
        ("max", of.max, Better::Unjudged),
    ]
    .into_iter()
    .map(|(percentile, value, better)| figure(format!("{name} {kind} {percentile}"), "ms", value, better))
    .collect()
}

/// What must be 0, of the run's own counts and of the ledgers.
fn zeros(results: &Results) -> Vec<Figure> {
    let counts = &results.counts;
    let zero = |name: &str, value: f64| figure(name, "", value, Better::Zero);
    let mut figures = vec![
        zero("lost", counts.lost as f64),
        zero("doubled", counts.doubled as f64),
        zero("untraceable", counts.untraceable as f64),
        zero("unknown", counts.unknown as f64),
        zero("unanswered", counts.unanswered as f64),
        zero("dropped", counts.dropped as f64),
        zero("disconnects", counts.disconnects as f64),
    ];
    // A scenario may refuse on purpose, so it is the share that is compared.
    let refused = counts.refused as f64 / (counts.answered.max(1)) as f64 * 100.0;
    figures.push(figure("refused", "%", refused, Better::Lower));
    figures.extend(results.conservation.iter().flat_map(ledgers));
    figures
}

fn ledgers(found: &Conservation) -> Vec<Figure> {
    crate::report::checks::conservation(found)
        .into_iter()
        .filter_map(|check| Some((check.name, check.found?)))
        .map(|(name, count)| figure(format!("ledgers {name}"), "", count as f64, Better::Zero))
        .collect()
}

fn figure(name: impl Into<String>, unit: &'static str, value: f64, better: Better) -> Figure {
    Figure {
        name: name.into(),
        unit,
        value,
        better,
    }
}
