//! Prometheus's own tool takes rules, alerts and every query, and each alert fires and is over again.

use std::path::Path;
use std::process::Command;

use crate::{boards, package, panels, queries};

/// What promtool says; it has to be content.
fn promtool(arguments: &[&str], directory: &Path) {
    let output = Command::new("promtool").args(arguments).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("promtool: {error}: run scripts/install-prometheus.sh"));
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&said)
    );
}

#[test]
fn rules_and_alerts_are_valid() {
    promtool(
        &["check", "rules", "rules.yml", "alerts.yml"],
        &package().join("prometheus"),
    );
}

#[test]
fn every_alert_fires_and_is_over_again() {
    promtool(
        &["test", "rules", "alerts.yml", "slow-alerts.yml"],
        &package().join("prometheus/tests"),
    );
}

#[test]
fn each_objective_burns_by_everything_that_it_counts_as_bad() {
    promtool(
        &["test", "rules", "objectives.yml"],
        &package().join("prometheus/tests"),
    );
}

#[test]
fn links_of_alerts_lead_where_external_labels_say() {
    promtool(&["test", "rules", "links.yml"], &package().join("prometheus/tests"));
}

#[test]
fn a_healthy_day_wakes_nobody() {
    promtool(
        &["test", "rules", "healthy-day.yml"],
        &package().join("prometheus/tests"),
    );
}

/// Each as the expression of a rule, with a value for each of Grafana's variables.
#[test]
fn every_query_of_a_panel_is_promql() {
    let mut rules = "groups:\n  - name: panels\n    rules:\n".to_owned();
    let mut number = 0;
    for (_, board) in boards() {
        for query in panels(&board).into_iter().flat_map(queries) {
            let query = query.replace("$__rate_interval", "1m").replace('\'', "''");
            rules += &format!("      - record: panel_{number}\n        expr: '{query}'\n");
            number += 1;
        }
    }
    assert!(number > 100, "{number} queries");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("panels.yml");
    std::fs::write(&file, rules).expect("write the rules");
    promtool(&["check", "rules", &file.display().to_string()], package());
}
