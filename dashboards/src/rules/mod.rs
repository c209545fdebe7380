//! What Prometheus computes and watches: recording rules, objectives, alerts, and the tests of all alerts.

mod alert;
mod alerts;
mod objectives;
mod recording;
mod trials;
mod burns;
mod day;
mod links;

use crate::addresses::Addresses;
use alert::Alert;
use trials::{Pace, Trials};

/// How often rules are looked at.
const INTERVAL: &str = "30s";

/// A recording rule, with labels of its own.
#[derive(Clone, Debug)]
struct Record {
    name: String,
    expr: String,
    labels: Vec<(&'static str, String)>,
}

/// Every alert, the objectives' included.
fn every_alert() -> Vec<Alert> {
    let mut all = alerts::all();
    all.extend(objectives::alerts());
    all
}

/// The files for Prometheus and promtool.
pub(crate) fn files(addresses: &Addresses) -> Vec<(String, String)> {
    let mut records = recording::all();
    records.extend(objectives::records());
    let alerts = every_alert();
    vec![
        (
            "prometheus/rules.yml".to_owned(),
            group("campanile-records", records.iter().map(record)),
        ),
        (
            "prometheus/alerts.yml".to_owned(),
            group("campanile-alerts", alerts.iter().map(|alert| alert.to_yaml(addresses))),
        ),
        (
            "prometheus/tests/alerts.yml".to_owned(),
            Trials::of(&alerts, Pace::Minutes).to_yaml(),
        ),
        (
            "prometheus/tests/slow-alerts.yml".to_owned(),
            Trials::of(&alerts, Pace::Hours).to_yaml(),
        ),
        ("prometheus/tests/objectives.yml".to_owned(), burns::burns()),
        ("prometheus/tests/links.yml".to_owned(), links::links(addresses)),
        ("prometheus/tests/healthy-day.yml".to_owned(), day::healthy()),
    ]
}

fn group(name: &str, rules: impl Iterator<Item = String>) -> String {
    let rules: Vec<String> = rules.collect();
    format!(
        "# Made by `cargo run -p dashboards`.\ngroups:\n  - name: {name}\n    interval: {INTERVAL}\n    rules:\n{}",
        rules.join("")
    )
}

fn record(record: &Record) -> String {
    let mut text = format!(
        "      - record: {}\n        expr: {}\n",
        record.name,
        quoted(&record.expr)
    );
    if !record.labels.is_empty() {
        text += "        labels:\n";
    }
    for (name, value) in &record.labels {
        text += &format!("          {name}: {}\n", quoted(value));
    }
    text
}

/// As a string of YAML: one in single quotes, which knows nothing special but the quote itself.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
