//! The reference of every metric, for people and for programs.

use serde_json::{Value, json};

use super::{METRICS, Metric, PROCESS};

/// Above the tables.
const HEAD: &str = "# Metrics

Every metric of `GET /metrics` on the operators' listener. This page is written by `campanile metrics`; `campanile metrics --json`
has the same for programs.

Labels are closed lists or configured names, never a campaign, a recipient or a message. `tenant` is a tenant's number, and
`_other` for all beyond the first `metrics.tenants` (500) that were seen. A histogram has `_bucket`, `_sum` and `_count`.

";

/// As a page in Markdown.
pub(crate) fn markdown() -> String {
    let mut page = HEAD.to_owned();
    METRICS.all().iter().for_each(|metric| page += &section(metric));
    page += "## Of the process\n\n| metric | type | meaning |\n|---|---|---|\n";
    for metric in &PROCESS {
        page += &format!(
            "| `{}` | {} | {} |\n",
            metric.name,
            metric.kind.word(),
            metric.meaning()
        );
    }
    page
}

/// As a list for programs: name, type, labels, unit, meaning, advice.
pub(crate) fn json() -> Value {
    let all = METRICS.all().into_iter().chain(PROCESS);
    all.map(|metric| {
        json!({
            "name": metric.name,
            "type": metric.kind.word(),
            "labels": metric.labels,
            "unit": metric.unit(),
            "meaning": metric.meaning(),
            "advice": metric.advice(),
        })
    })
    .collect()
}
fn section(metric: &Metric) -> String {
    let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
    let mut facts = vec![metric.kind.word().to_owned()];
    if !metric.unit().is_empty() {
        facts.push(metric.unit().to_owned());
    }
    if !labels.is_empty() {
        facts.push(format!("by {}", labels.join(", ")));
    }
    let mut section = format!(
        "## {}\n\n*{}*\n\n{}\n\n",
        metric.name,
        facts.join("; "),
        metric.meaning()
    );
    if !metric.advice().is_empty() {
        section += &format!("{}\n\n", metric.advice());
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_page_is_what_the_program_prints() {
        let committed = include_str!("../../../docs/metrics.md");
        assert_eq!(
            committed,
            markdown(),
            "write it anew: cargo run -p campanile -- metrics > docs/metrics.md"
        );
    }

    #[test]
    fn the_list_for_programs_has_every_metric_once() {
        let list = json();
        let names: Vec<&str> = list
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|one| one["name"].as_str())
            .collect();
        let distinct: std::collections::BTreeSet<&&str> = names.iter().collect();
        assert_eq!(names.len(), METRICS.all().len() + PROCESS.len());
        assert_eq!(distinct.len(), names.len());
    }
}
