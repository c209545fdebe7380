//! A test for promtool: an alert's links lead where Prometheus's external labels say, or where the generator was told.

use super::quoted;
use super::trials::Pace;
use crate::addresses::{Addresses, GRAFANA_LABEL, RUNBOOKS_LABEL};

/// What the external labels are in the test.
const RUNBOOKS: &str = "https://wiki.example/sms";
const GRAFANA: &str = "https://grafana.example";

/// With external labels and without, of an engine that does not answer and of one that is not even there.
pub(super) fn links(addresses: &Addresses) -> String {
    let told = |given: &Option<String>, else_: &str| given.clone().unwrap_or_else(|| else_.to_owned());
    let mut text = Pace::Minutes.head();
    text += "  - name: links begin with the external labels\n    interval: 1m\n";
    text += &format!(
        "    external_labels:\n      {RUNBOOKS_LABEL}: {}\n      {GRAFANA_LABEL}: {}\n",
        quoted(RUNBOOKS),
        quoted(GRAFANA)
    );
    let of_labels = [told(&addresses.runbooks, RUNBOOKS), told(&addresses.grafana, GRAFANA)];
    text += "    input_series:\n      - series: 'up{job=\"campanile\", instance=\"a\"}'\n        values: '0x20'\n";
    text += &fires(
        ", instance: a",
        (
            "a is down",
            "Prometheus cannot read the metrics of a: nothing is sent by it.",
        ),
        &of_labels,
    );
    text +=
        "  - name: without external labels they are pages of the repository\n    interval: 1m\n    input_series: []\n";
    let of_repository = [
        told(&addresses.runbooks, Addresses::REPOSITORY),
        told(&addresses.grafana, ""),
    ];
    let nobody = "Prometheus cannot read the metrics of any engine, since it finds none: nothing is sent by it.";
    text += &fires("", ("The engine is down", nobody), &of_repository);
    text
}

/// `EngineDown` fires with these words and these beginnings of its links.
fn fires(labels: &str, (summary, description): (&str, &str), [runbooks, grafana]: &[String; 2]) -> String {
    format!(
        "    alert_rule_test:\n      - eval_time: 10m\n        alertname: EngineDown\n        exp_alerts:\n          \
         - exp_labels: {{ severity: critical, job: campanile{labels} }}\n            exp_annotations:\n              \
         summary: {}\n              description: {}\n              runbook_url: {}\n              dashboard_url: {}\n",
        quoted(summary),
        quoted(description),
        quoted(&format!("{runbooks}/EngineDown.md")),
        quoted(&format!("{grafana}/d/campanile-overview")),
    )
}
