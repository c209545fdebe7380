//! Tests for promtool: each alert fires and is over again by its own series.

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

    pub(super) fn to_yaml(&self) -> String {
        let tests = self.0.iter().map(|alert| test(alert));
        self.1.head() + &tests.collect::<String>()
    }
}

fn test(alert: &Alert) -> String {
    let labels: String = alert
        .labels
        .iter()
        .map(|(name, value)| format!(", {name}=\"{value}\""))
        .collect();
    let firing = format!(
        "count(ALERTS{{alertname=\"{}\", alertstate=\"firing\"{labels}}}) or vector(0)",
        alert.name
    );
    let trial = &alert.trial;
    let mut text = format!(
        "  - name: {} ({})\n    interval: 1m\n    input_series:\n",
        alert.name,
        alert.severity.word()
    );
    for (series, values) in &trial.series {
        text += &input(series, values);
    }
    text += "    promql_expr_test:\n";
    for (minute, count) in [(trial.before, 0), (trial.fires, 1), (trial.over, 0)] {
        text += &expects(&firing, minute, count);
    }
    text
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
