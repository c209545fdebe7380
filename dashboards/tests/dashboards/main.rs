//! What is committed is what is made; what it names exists; Prometheus takes it; each alert fires and is over again.

mod committed;
mod lint;
mod names;
mod promql;
mod promtool;

use std::path::{Path, PathBuf};

use dashboards::{Addresses, files};
use serde_json::Value;

/// The package's folder.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the repository.
fn repository() -> PathBuf {
    package()
        .parent()
        .expect("the package lies in the repository")
        .to_owned()
}

/// Every dashboard, with its file.
fn boards() -> Vec<(String, Value)> {
    let made = files(&Addresses::default()).into_iter();
    made.filter(|(path, _)| path.starts_with("grafana/"))
        .map(|(path, text)| {
            let board = serde_json::from_str(&text).expect("a dashboard is JSON");
            (path, board)
        })
        .collect()
}

/// Every panel of a dashboard that is no row.
fn panels(board: &Value) -> Vec<&Value> {
    let mut all = Vec::new();
    for panel in board["panels"].as_array().into_iter().flatten() {
        if panel["type"] == "row" {
            all.extend(panel["panels"].as_array().into_iter().flatten());
        } else {
            all.push(panel);
        }
    }
    all
}

/// The queries of a panel.
fn queries(panel: &Value) -> Vec<&str> {
    let targets = panel["targets"].as_array().into_iter().flatten();
    targets.filter_map(|target| target["expr"].as_str()).collect()
}

/// A file that is made, by its path.
fn made(path: &str) -> String {
    let mut made = files(&Addresses::default()).into_iter();
    made.find(|(known, _)| known == path).expect("it is made").1
}

/// The values of a key in a file of rules, one for each rule that has it.
fn values(yaml: &str, key: &str) -> Vec<String> {
    let lines = yaml.lines().map(|line| line.trim_start().trim_start_matches("- "));
    lines
        .filter_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
        .map(|value| match value.strip_prefix('\'') {
            Some(quoted) => quoted.trim_end_matches('\'').replace("''", "'"),
            None => value.to_owned(),
        })
        .collect()
}
