//! The report for people at a terminal: what limits its meaning first, then aligned figures, then verdicts.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::{checks, number};
use crate::results::{Counts, Distribution, Results};

/// The report, with its last line ended.
pub(super) fn text(results: &Results) -> String {
    let mut text = String::new();
    // A String takes everything.
    let written = all(results, &mut text);
    debug_assert!(written.is_ok());
    text
}

fn all(results: &Results, out: &mut String) -> fmt::Result {
    heading(results, out)?;
    doubts(results, out)?;
    saturation(results, out)?;
    rates(results, out)?;
    counts(&results.counts, out)?;
    latencies(results, out)?;
    shares("Answers by command_status", &results.answers, out)?;
    shares("Final receipts by stat", &results.receipts, out)?;
    shares("Errors", &results.errors, out)?;
    capacity(results, out)?;
    costs(results, out)?;
    fairness(results, out)?;
    conservation(results, out)?;
    thresholds(results, out)?;
    notes(results, out)?;
    verdict(results, out)
}

fn heading(results: &Results, out: &mut String) -> fmt::Result {
    let Results { mode, seed, .. } = results;
    let seconds = number::measured(results.seconds);
    writeln!(
        out,
        "\nloadtest {mode}: {seconds} s measured, seed {seed}, began {}",
        results.started_at
    )?;
    let machine = &results.machine;
    writeln!(
        out,
        "on {} ({} cores, {}), {}, version {}",
        machine.cpu,
        machine.cores,
        number::octets(machine.memory_bytes),
        machine.kernel,
        machine.version
    )
}

fn doubts(results: &Results, out: &mut String) -> fmt::Result {
    let mut doubts = results.doubts.iter();
    doubts.try_for_each(|doubt| writeln!(out, "\nWARNING: {doubt}"))
}

fn saturation(results: &Results, out: &mut String) -> fmt::Result {
    if results.saturation.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nSATURATED: the generator may have been the limit, so the rates are not claimed for the target."
    )?;
    results
        .saturation
        .iter()
        .try_for_each(|reason| writeln!(out, "  {reason}"))
}

fn rates(results: &Results, out: &mut String) -> fmt::Result {
    let rates = &results.rates;
    writeln!(out, "\nMessages a second")?;
    let rows = [
        ("offered", rates.offered),
        ("submitted", rates.submits_per_second),
        ("answered", rates.answers_per_second),
        ("receipted", rates.receipts_per_second),
    ];
    // A closed model offers nothing: it sends whenever there is room.
    for (name, rate) in rows
        .into_iter()
        .filter(|(name, rate)| *name != "offered" || *rate > 0.0)
    {
        writeln!(out, "  {name:<22}{:>14}", number::measured(rate))?;
    }
    Ok(())
}

fn counts(counts: &Counts, out: &mut String) -> fmt::Result {
    writeln!(out, "\nMessages")?;
    let always = ["submitted", "answered", "accepted", "receipts", "lost", "doubled"];
    for (name, count) in named_counts(counts) {
        if count > 0 || always.contains(&name) {
            writeln!(out, "  {name:<22}{:>14}", number::count(count))?;
        }
    }
    Ok(())
}

/// Every count by its name in the JSON, in the order of a message's life.
pub(super) fn named_counts(counts: &Counts) -> [(&'static str, u64); 15] {
    [
        ("offered", counts.offered),
        ("dropped", counts.dropped),
        ("submitted", counts.submitted),
        ("answered", counts.answered),
        ("accepted", counts.accepted),
        ("refused", counts.refused),
        ("unanswered", counts.unanswered),
        ("receipts", counts.receipts),
        ("intermediate", counts.intermediate),
        ("lost", counts.lost),
        ("doubled", counts.doubled),
        ("untraceable", counts.untraceable),
        ("unknown", counts.unknown),
        ("inbound", counts.inbound),
        ("disconnects", counts.disconnects),
    ]
}

/// Every percentile of a distribution by its name, from the least to the most.
pub(super) fn named_percentiles(of: &Distribution) -> [(&'static str, f64); 10] {
    [
        ("min", of.min),
        ("mean", of.mean),
        ("p50", of.p50),
        ("p75", of.p75),
        ("p90", of.p90),
        ("p95", of.p95),
        ("p99", of.p99),
        ("p99.9", of.p999),
        ("max", of.max),
        ("count", of.count as f64),
    ]
}

fn latencies(results: &Results, out: &mut String) -> fmt::Result {
    if results.latencies.is_empty() {
        return Ok(());
    }
    write!(out, "\n{:<24}", "Latency in ms")?;
    let columns = ["p50", "p75", "p90", "p95", "p99", "p99.9", "max"];
    columns.iter().try_for_each(|column| write!(out, "{column:>10}"))?;
    for (name, latency) in &results.latencies {
        row(out, name, "corrected", &latency.corrected)?;
        row(out, "", "raw", &latency.raw)?;
    }
    writeln!(out)
}

fn row(out: &mut String, name: &str, kind: &str, distribution: &Distribution) -> fmt::Result {
    write!(out, "\n  {name:<12}{kind:<10}")?;
    named_percentiles(distribution)
        .into_iter()
        .filter(|(name, _)| name.starts_with('p') || *name == "max")
        .try_for_each(|(_, value)| write!(out, "{:>10}", number::measured(value)))
}

fn shares(heading: &str, counts: &BTreeMap<String, u64>, out: &mut String) -> fmt::Result {
    if counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{heading}")?;
    let whole = counts.values().sum();
    for (name, count) in most_first(counts) {
        writeln!(
            out,
            "  {name:<22}{:>14}{:>12}",
            number::count(count),
            number::share(count, whole)
        )?;
    }
    Ok(())
}

/// Names and counts, the most first.
pub(super) fn most_first(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let mut rows: Vec<_> = counts.iter().map(|(name, count)| (name.as_str(), *count)).collect();
    rows.sort_by(|(left, fewer), (right, more)| more.cmp(fewer).then_with(|| left.cmp(right)));
    rows
}

fn capacity(results: &Results, out: &mut String) -> fmt::Result {
    let Some(found) = &results.capacity else {
        return Ok(());
    };
    let limit = number::measured(found.p99_limit_ms);
    writeln!(out, "\nCapacity with 99 % of the answers within {limit} ms")?;
    for step in &found.steps {
        let (rate, p99) = (number::measured(step.per_second), number::measured(step.p99_ms));
        let word = if step.too_much.is_empty() {
            "held"
        } else {
            &step.too_much
        };
        writeln!(out, "  tried {rate:>14}/s   p99 {p99:>10} ms   {word}")?;
    }
    let rate = number::measured(found.per_second);
    writeln!(out, "  found {rate:>14}/s   {}", found.limited_by)
}

fn costs(results: &Results, out: &mut String) -> fmt::Result {
    if results.cpu_us_per_message.is_empty() && results.peak_rss_bytes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{:<24}{:>14}{:>16}", "Cost", "µs CPU/message", "most memory")?;
    for process in processes(results) {
        let cpu = results
            .cpu_us_per_message
            .get(process)
            .map(|cpu| number::measured(*cpu));
        let memory = results.peak_rss_bytes.get(process).map(|rss| number::octets(*rss));
        let [cpu, memory] = [cpu, memory].map(|figure| figure.unwrap_or_else(|| "–".to_owned()));
        writeln!(out, "  {process:<22}{cpu:>14}{memory:>16}")?;
    }
    Ok(())
}

/// The processes of which anything is known.
pub(super) fn processes(results: &Results) -> Vec<&str> {
    let mut names: Vec<&str> = results.cpu_us_per_message.keys().map(String::as_str).collect();
    names.extend(results.peak_rss_bytes.keys().map(String::as_str));
    names.sort_unstable();
    names.dedup();
    names
}

fn fairness(results: &Results, out: &mut String) -> fmt::Result {
    let Some(fairness) = &results.fairness else {
        return Ok(());
    };
    writeln!(out, "\nFairness between {} tenants", number::count(fairness.tenants))?;
    writeln!(out, "  {:<22}{:>14.4}", "Jain index (1: even)", fairness.jain_index)?;
    let waits = [
        ("median first wait, ms", fairness.median_wait_ms),
        ("longest first wait, ms", fairness.max_wait_ms),
    ];
    waits
        .iter()
        .try_for_each(|(name, wait)| writeln!(out, "  {name:<22}{:>14}", number::measured(*wait)))
}

fn conservation(results: &Results, out: &mut String) -> fmt::Result {
    let Some(found) = &results.conservation else {
        return Ok(());
    };
    writeln!(out, "\nLedgers of {}: each of these must be 0", found.between)?;
    for check in checks::conservation(found) {
        let count = check.found.map_or_else(|| "–".to_owned(), |count| count.to_string());
        let verdict = if check.holds() { "" } else { "   WRONG: " };
        let meaning = if check.holds() { "" } else { check.meaning };
        writeln!(out, "  {:<22}{count:>14}{verdict}{meaning}", check.name)?;
    }
    found
        .examples
        .iter()
        .try_for_each(|example| writeln!(out, "    {example}"))
}

fn thresholds(results: &Results, out: &mut String) -> fmt::Result {
    if results.thresholds.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nThresholds")?;
    let width = results
        .thresholds
        .iter()
        .map(|verdict| verdict.threshold.chars().count());
    // A longer one pushes its own line out, not everybody's.
    let width = width.max().unwrap_or(0).min(60);
    for verdict in &results.thresholds {
        let word = if verdict.held { "held  " } else { "MISSED" };
        let aborted = if verdict.aborted {
            ", and the run was ended by it"
        } else {
            ""
        };
        let measured = number::measured(verdict.measured);
        writeln!(
            out,
            "  {word}  {:<width$}  measured {measured}{aborted}",
            verdict.threshold
        )?;
    }
    Ok(())
}

fn notes(results: &Results, out: &mut String) -> fmt::Result {
    if results.notes.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nNotes")?;
    results.notes.iter().try_for_each(|note| writeln!(out, "  {note}"))
}

fn verdict(results: &Results, out: &mut String) -> fmt::Result {
    if !checks::demanded(results) {
        return Ok(());
    }
    let failures = checks::failures(results);
    if failures.is_empty() {
        writeln!(out, "\nPASSED")
    } else {
        writeln!(out, "\nFAILED: {}", failures.join("; "))
    }
}
