//! The committed dashboards, and their queries as Grafana asks them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::repository;

/// What Grafana puts in place of its own variables, when samples are read every second. Marks are over more than the five seconds that
/// Prometheus may take to see that a target has moved.
const INTERVALS: [(&str, &str); 2] = [("$__rate_interval", "5s"), ("$__interval", "30s")];

/// What Grafana puts in place of a variable of which everything is chosen: `allValue`.
pub const EVERYTHING: &str = ".+";

/// A query of a panel.
#[derive(Clone, Debug)]
pub struct Target {
    /// The panel's title.
    pub title: String,
    /// Which of the panel's.
    pub id: String,
    /// The query, with variables.
    pub query: String,
    /// How each of its series is called, with labels.
    pub legend: String,
}

/// Every committed dashboard, by its file's name.
pub fn boards() -> BTreeMap<String, Value> {
    let folder = repository().join("dashboards/grafana");
    let files = folder.read_dir().expect("list the dashboards").flatten();
    files
        .map(|file| {
            let text = std::fs::read_to_string(file.path()).expect("read a dashboard");
            let board = serde_json::from_str(&text).expect("a dashboard is JSON");
            (file.file_name().display().to_string(), board)
        })
        .collect()
}

/// The variables of a dashboard, with their queries; the data source aside.
pub fn variables(board: &Value) -> Vec<(&str, &str)> {
    let of_queries = list(&board["templating"]["list"]).filter(|variable| variable["type"] == "query");
    let named = of_queries.filter_map(|variable| Some((variable["name"].as_str()?, variable["definition"].as_str()?)));
    named.collect()
}

/// Every query of every panel of a dashboard, those of folded rows too.
pub fn targets(board: &Value) -> Vec<Target> {
    let of_rows = list(&board["panels"]).flat_map(|row| list(&row["panels"]));
    let panels = list(&board["panels"]).chain(of_rows);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    panels
        .flat_map(|panel| {
            list(&panel["targets"]).map(move |target| Target {
                title: text(&panel["title"]),
                id: text(&target["refId"]),
                query: text(&target["expr"]),
                legend: text(&target["legendFormat"]),
            })
        })
        .collect()
}

/// A query as Grafana asks it; `chosen`: what is chosen of a variable.
pub fn asked(query: &str, board: &Value, chosen: impl Fn(&str) -> String) -> String {
    let mut query = INTERVALS
        .iter()
        .fold(query.to_owned(), |query, (name, value)| query.replace(name, value));
    for (name, _) in variables(board) {
        query = query.replace(&format!("\"${name}\""), &format!("\"{}\"", chosen(name)));
    }
    assert!(!query.contains('$'), "a variable that the dashboard lacks: {query}");
    query
}

/// What a series is called by a legend, as Grafana writes it.
pub fn called(legend: &str, labels: &BTreeMap<String, String>) -> String {
    labels.iter().fold(legend.to_owned(), |legend, (name, value)| {
        legend.replace(&format!("{{{{{name}}}}}"), value)
    })
}

/// The members of a JSON list; none of anything else.
pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}
