//! Tests for promtool: each alert fires and is over again by its own series. To compute all rules for each alert anew would take
//! promtool half a minute.

use super::alert::Alert;
use super::quoted;

/// How long a trial takes. What takes hours is looked at every five minutes, and so is the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pace {
    Minutes,
    Hours,
}

/// Trials that are over by then are of minutes.
const MINUTES_MAX: u32 = 120;

/// The trials of some alerts.
pub(super) struct Trials<'a>(Vec<&'a Alert>, Pace);

impl Pace {
    fn of(alert: &Alert) -> Self {
        if alert.trial.over <= MINUTES_MAX {
            Self::Minutes
        } else {
            Self::Hours
        }
    }

    pub(super) fn head(self) -> String {
        let interval = match self {
            Self::Minutes => "1m",
            Self::Hours => "5m",
        };
        format!(
            "# Made by `cargo run -p dashboards`.\nrule_files:\n  - ../rules.yml\n  - ../alerts.yml\n\
             evaluation_interval: {interval}\ntests:\n"
        )
    }
}

impl<'a> Trials<'a> {
    /// Those that take so long.
    pub(super) fn of(alerts: &'a [Alert], pace: Pace) -> Self {
        Self(alerts.iter().filter(|alert| Pace::of(alert) == pace).collect(), pace)
    }

    /// All in one go, each in a job of its own: the rules, which tell jobs apart, are computed once for all.
    pub(super) fn to_yaml(&self) -> String {
        let mut text = self.1.head();
        text += "  - name: every alert fires and is over again\n    interval: 1m\n    input_series:\n";
        for alert in &self.0 {
            let job = job(alert);
            for (series, values) in &alert.trial.series {
                text += &input(&series.replace(EVERY_JOB, &format!("job=\"{job}\"")), values);
            }
        }
        text += "    promql_expr_test:\n";
        self.0.iter().for_each(|alert| text += &expectations(alert));
        text
    }
}

/// The job of the engine in every series of a trial.
const EVERY_JOB: &str = "job=\"campanile\"";

/// The job of an alert's trial. One that asks for the engine's by name is alone with its series.
fn job(alert: &Alert) -> String {
    if alert.expr.contains(EVERY_JOB) {
        return "campanile".to_owned();
    }
    let values = alert.labels.iter().map(|(_, value)| format!("-{value}"));
    alert.name.to_owned() + &values.collect::<String>()
}

/// Quiet, firing, over.
fn expectations(alert: &Alert) -> String {
    let labels: String = alert
        .labels
        .iter()
        .map(|(name, value)| format!(", {name}=\"{value}\""))
        .collect();
    let firing = format!(
        "count(ALERTS{{alertname=\"{}\", alertstate=\"firing\", job=\"{}\"{labels}}}) or vector(0)",
        alert.name,
        job(alert)
    );
    let trial = &alert.trial;
    [(trial.before, 0), (trial.fires, 1), (trial.over, 0)]
        .iter()
        .chain(&trial.later)
        .map(|(minute, count)| expects(&firing, *minute, *count))
        .collect()
}

pub(super) fn input(series: &str, values: &str) -> String {
    format!(
        "      - series: {}\n        values: {}\n",
        quoted(series),
        quoted(values)
    )
}

pub(super) fn expects(expr: &str, minute: u32, count: u32) -> String {
    format!(
        "      - expr: {}\n        eval_time: {minute}m\n        exp_samples:\n          - labels: '{{}}'\n            value: {count}\n",
        quoted(expr)
    )
}
