//! The rules of Grafana's dashboard-linter, restated, and a few of our own.

use std::collections::BTreeSet;

use campanile::{Kind, METRICS};
use serde_json::{Value, json};

use crate::promql::Names;
use crate::{boards, panels, queries};

/// Units that Grafana knows, of those that are used here.
const UNITS: [&str; 9] = [
    "short",
    "s",
    "mps",
    "ops",
    "reqps",
    "percent",
    "percentunit",
    "bytes",
    "Bps",
];

/// What a check finds in one dashboard.
type Check = fn(&Value) -> Vec<String>;

/// Each by the linter's name.
const CHECKS: [(&str, Check); 9] = [
    ("template-datasource", has_a_data_source),
    (
        "template-job, template-instance, template-on-time-change-reload",
        has_its_variables,
    ),
    ("panel-datasource", asks_the_chosen_source),
    ("panel-title-description", says_what_it_shows),
    ("panel-units", has_units),
    ("panel-no-targets", has_queries),
    ("target-job, target-instance", asks_the_chosen_jobs),
    ("target-rate-interval, target-counter-agg", takes_rates_of_counters),
    ("uneditable-dashboard", is_fixed),
];

#[test]
fn every_dashboard_keeps_the_rules() {
    let mut faults = Vec::new();
    for (path, board) in boards() {
        for (rule, check) in CHECKS {
            faults.extend(
                check(&board)
                    .into_iter()
                    .map(|fault| format!("{path}: {rule}: {fault}")),
            );
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn variable<'a>(board: &'a Value, name: &str) -> Option<&'a Value> {
    let mut list = board["templating"]["list"].as_array()?.iter();
    list.find(|variable| variable["name"] == name)
}

fn has_a_data_source(board: &Value) -> Vec<String> {
    let right = variable(board, "datasource").is_some_and(|variable| {
        variable["type"] == "datasource" && variable["query"] == "prometheus" && variable["label"] == "Data source"
    });
    if right {
        Vec::new()
    } else {
        vec!["no variable for the data source".to_owned()]
    }
}

fn has_its_variables(board: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    for name in ["job", "instance"] {
        if variable(board, name).is_none() {
            faults.push(format!("no variable {name}"));
        }
    }
    for variable in board["templating"]["list"].as_array().into_iter().flatten() {
        let name = variable["name"].as_str().unwrap_or_default();
        if variable["type"] != "query" {
            continue;
        }
        let query = variable["query"]["query"].as_str().unwrap_or_default();
        let right = variable["datasource"]["uid"] == "$datasource"
            && variable["allValue"] == ".+"
            && variable["multi"] == json!(true)
            && variable["refresh"] == 2
            && query.starts_with("label_values(")
            && query.ends_with(&format!(", {name})"));
        if !right {
            faults.push(format!("{variable}"));
        }
    }
    faults
}

fn of_panels(board: &Value, is_wrong: impl Fn(&Value) -> Option<String>) -> Vec<String> {
    let found = panels(board).into_iter().filter_map(|panel| {
        let fault = is_wrong(panel)?;
        Some(format!("{}: {fault}", panel["title"]))
    });
    found.collect()
}

fn asks_the_chosen_source(board: &Value) -> Vec<String> {
    of_panels(board, |panel| {
        let mut all = panel["targets"].as_array()?.iter().chain([panel]);
        let wrong = all.any(|one| one["datasource"]["uid"] != "$datasource");
        wrong.then(|| "asks another data source".to_owned())
    })
}

fn says_what_it_shows(board: &Value) -> Vec<String> {
    of_panels(board, |panel| {
        let empty = |key: &str| panel[key].as_str().is_none_or(|text| text.len() < 3);
        (empty("title") || empty("description")).then(|| "has no title or no description".to_owned())
    })
}

fn has_units(board: &Value) -> Vec<String> {
    of_panels(board, |panel| {
        let unit = panel["fieldConfig"]["defaults"]["unit"].as_str().unwrap_or_default();
        (!UNITS.contains(&unit)).then(|| format!("unit {unit:?}"))
    })
}

fn has_queries(board: &Value) -> Vec<String> {
    of_panels(board, |panel| {
        let none = queries(panel).is_empty() || queries(panel).iter().any(|query| query.is_empty());
        none.then(|| "has no query".to_owned())
    })
}

fn asks_the_chosen_jobs(board: &Value) -> Vec<String> {
    of_panels(board, |panel| {
        let names = queries(panel).into_iter().flat_map(|query| Names::of(query).metrics);
        let mut series = names.filter(|(metric, _)| metric != "ALERTS");
        let wrong = series.find(|(_, labels)| {
            !["job", "instance"]
                .iter()
                .all(|label| labels.contains(&(*label).to_owned()))
        });
        wrong.map(|(metric, _)| format!("{metric} is asked of every job"))
    })
}

/// A counter is looked at by how it rises, and then summed.
fn takes_rates_of_counters(board: &Value) -> Vec<String> {
    let counters = METRICS.all().into_iter().filter(|metric| metric.kind == Kind::Counter);
    let counters: BTreeSet<&str> = counters.map(|metric| metric.name).collect();
    of_panels(board, |panel| {
        for query in queries(panel) {
            for (metric, _) in Names::of(query).metrics {
                let name = format!("{metric}{{");
                let rising = [format!("rate({name}"), format!("increase({name}")];
                let is_counter = counters.contains(metric.as_str()) || metric.ends_with("_total");
                if is_counter && !rising.iter().any(|rising| query.contains(rising)) {
                    return Some(format!("{metric} without a rate"));
                }
            }
            for (at, _) in query.match_indices("rate(") {
                let range = query[at..].split_once('[').map(|(_, range)| range);
                if !range.is_some_and(|range| range.starts_with("$__rate_interval]")) {
                    return Some("a rate over a range that is not $__rate_interval".to_owned());
                }
                if !query.contains("sum") {
                    return Some("a rate that is not summed".to_owned());
                }
            }
        }
        None
    })
}

fn is_fixed(board: &Value) -> Vec<String> {
    let right = board["editable"] == json!(false) && board["refresh"] == "10s" && board["time"]["from"] == "now-1h";
    if right {
        Vec::new()
    } else {
        vec!["can be edited, or does not begin with the last hour".to_owned()]
    }
}

#[test]
fn panels_have_ids_of_their_own_and_lie_beside_each_other() {
    for (path, board) in boards() {
        let rows = board["panels"].as_array().into_iter().flatten();
        let mut ids: Vec<u64> = rows
            .clone()
            .chain(panels(&board))
            .filter_map(|panel| panel["id"].as_u64())
            .collect();
        ids.sort_unstable();
        ids.dedup();
        let folded: usize = rows
            .clone()
            .filter_map(|row| row["panels"].as_array().map(Vec::len))
            .sum();
        assert_eq!(ids.len(), rows.count() + folded, "{path}");
        let mut taken = BTreeSet::new();
        for panel in panels(&board) {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap_or(99);
            assert!(at("x") + at("w") <= 24, "{path}: {panel}");
            for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
                assert!(taken.insert((x, y)), "{path}: {} lies on another", panel["title"]);
            }
        }
    }
}

#[test]
fn there_are_six_dashboards_that_link_to_each_other_and_to_the_runbooks() {
    let boards = boards();
    let uids: BTreeSet<&str> = boards.iter().filter_map(|(_, board)| board["uid"].as_str()).collect();
    assert_eq!(uids.len(), 6);
    for (path, board) in &boards {
        assert_eq!(board["tags"], json!(["campanile"]), "{path}");
        let kinds: Vec<&Value> = board["links"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|link| &link["type"])
            .collect();
        assert_eq!(kinds, ["dashboards", "link"], "{path}");
    }
}
