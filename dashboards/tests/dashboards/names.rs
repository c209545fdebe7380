//! Every metric and label that a dashboard, rule or alert names exists, and every metric of the engine is shown.

use std::collections::{BTreeMap, BTreeSet};

use campanile::{Kind, METRICS, PROCESS};

use crate::promql::Names;
use crate::{boards, made, panels, queries, values};

/// What smpp-sim shows, with its labels: `tests/tests/dashboards.rs` finds each in one that runs.
const SIMULATOR: [(&str, &[&str]); 12] = [
    ("smppsim_build_info", &["version"]),
    ("smppsim_scenario_info", &["smsc", "scenario"]),
    ("smppsim_sessions", &["smsc"]),
    ("smppsim_recipients", &["smsc"]),
    ("smppsim_unanswered", &["smsc"]),
    ("smppsim_submits_total", &["smsc", "account"]),
    ("smppsim_accepted_total", &["smsc", "account"]),
    ("smppsim_answers_total", &["smsc", "command_status"]),
    ("smppsim_outcomes_total", &["smsc", "outcome"]),
    ("smppsim_receipts_acked_total", &["smsc", "stat"]),
    ("smppsim_receipts_total", &["smsc", "event"]),
    ("smppsim_inbound_total", &["smsc", "event"]),
];

/// What Prometheus itself makes.
const PROMETHEUS: [(&str, &[&str]); 2] = [("up", &[]), ("ALERTS", &["alertname", "alertstate", "severity"])];

/// Labels that Prometheus adds, and those of recorded series.
const ADDED: [&str; 3] = ["job", "instance", "objective"];

/// Metrics of the engine that are neither on a dashboard nor in an alert, and why not.
const NOT_SHOWN: [(&str, &str); 1] = [(
    "process_virtual_memory_bytes",
    "addresses cost nothing: what the process has is process_resident_memory_bytes",
)];

/// Every series that can be named, with its labels.
fn known() -> BTreeMap<String, Vec<&'static str>> {
    let mut known = BTreeMap::new();
    for metric in METRICS.all().into_iter().chain(PROCESS) {
        if metric.kind == Kind::Histogram {
            for end in ["_bucket", "_sum", "_count"] {
                let le = (end == "_bucket").then_some("le");
                let labels = metric.labels.iter().copied().chain(le).collect();
                known.insert(format!("{}{end}", metric.name), labels);
            }
        } else {
            known.insert(metric.name.to_owned(), metric.labels.to_vec());
        }
    }
    for (name, labels) in SIMULATOR.into_iter().chain(PROMETHEUS) {
        known.insert(name.to_owned(), labels.to_vec());
    }
    known
}

/// Every query with where it stands.
fn all_queries() -> Vec<(String, String)> {
    let mut all = Vec::new();
    for (path, board) in boards() {
        for panel in panels(&board) {
            let place = format!("{path}: {}", panel["title"]);
            all.extend(
                queries(panel)
                    .into_iter()
                    .map(|query| (place.clone(), query.to_owned())),
            );
        }
        for mark in board["annotations"]["list"].as_array().into_iter().flatten() {
            let query = mark["expr"].as_str().unwrap_or_default().to_owned();
            all.push((format!("{path}: mark {}", mark["name"]), query));
        }
    }
    for path in ["prometheus/rules.yml", "prometheus/alerts.yml"] {
        all.extend(
            values(&made(path), "expr")
                .into_iter()
                .map(|query| (path.to_owned(), query)),
        );
    }
    all
}

#[test]
fn every_metric_and_label_that_is_named_exists() {
    let (known, recorded) = (known(), values(&made("prometheus/rules.yml"), "record"));
    let mut faults = BTreeSet::new();
    for (place, query) in all_queries() {
        let names = Names::of(&query);
        let mut labels: BTreeSet<&str> = ADDED.into_iter().collect();
        for (metric, asked) in &names.metrics {
            let of_metric = match known.get(metric) {
                Some(of_metric) => of_metric.clone(),
                None if recorded.contains(metric) => vec!["smsc", "status"],
                None => {
                    faults.insert(format!("{place}: there is no {metric}"));
                    continue;
                }
            };
            labels.extend(of_metric);
            for label in asked.iter().filter(|label| !labels.contains(label.as_str())) {
                faults.insert(format!("{place}: {metric} has no {label}"));
            }
        }
        for label in names.grouped.iter().filter(|label| !labels.contains(label.as_str())) {
            faults.insert(format!("{place}: groups by {label}, which nothing there has"));
        }
    }
    assert!(
        faults.is_empty(),
        "\n{}",
        faults.into_iter().collect::<Vec<_>>().join("\n")
    );
}

/// What is absent keeps every alert quiet: a day without it says nothing.
#[test]
fn the_healthy_day_has_every_metric_that_alerts_ask_for() {
    let (rules, day) = (made("prometheus/rules.yml"), made("prometheus/tests/healthy-day.yml"));
    let records = values(&rules, "record");
    let exprs = [values(&rules, "expr"), values(&made("prometheus/alerts.yml"), "expr")].concat();
    let asked = exprs.iter().flat_map(|expr| Names::of(expr).metrics);
    let asked: BTreeSet<String> = asked.map(|(metric, _)| metric).collect();
    let given: BTreeSet<String> = values(&day, "series")
        .iter()
        .filter_map(|series| Some(series.split_once('{')?.0.to_owned()))
        .chain(records)
        .collect();
    let missing: Vec<&String> = asked.difference(&given).collect();
    assert!(missing.is_empty(), "a healthy day lacks {missing:?}");
}

#[test]
fn every_metric_of_the_engine_is_shown_or_said_why_not() {
    let named: BTreeSet<String> = all_queries()
        .iter()
        .flat_map(|(_, query)| Names::of(query).metrics)
        .map(|(metric, _)| metric)
        .collect();
    let is_shown = |name: &str| {
        ["", "_bucket", "_sum", "_count"]
            .iter()
            .any(|end| named.contains(&format!("{name}{end}")))
    };
    let all = METRICS.all().into_iter().chain(PROCESS);
    let hidden: Vec<&str> = all.map(|metric| metric.name).filter(|name| !is_shown(name)).collect();
    assert_eq!(hidden, NOT_SHOWN.map(|(name, _)| name));
}
