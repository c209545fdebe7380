//! An alert: when it fires, how bad that is, where to look, and series by which it fires and is over again.

use super::quoted;
use crate::addresses::Addresses;

/// How bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Somebody is woken.
    Critical,
    /// Somebody looks today.
    Warning,
    /// It is good to know.
    Info,
}

impl Severity {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// An alert.
#[derive(Clone, Debug)]
pub(super) struct Alert {
    pub(super) name: &'static str,
    pub(super) severity: Severity,
    pub(super) expr: String,
    /// For how long it has to hold.
    pub(super) hold: &'static str,
    pub(super) summary: &'static str,
    pub(super) description: &'static str,
    /// The dashboard to look at.
    pub(super) board: &'static str,
    pub(super) trial: Trial,
    /// Tells apart alerts of one name.
    pub(super) labels: Vec<(&'static str, String)>,
}

/// Series by which an alert fires and is over again, a value a minute in promtool's notation.
#[derive(Clone, Debug, Default)]
pub(super) struct Trial {
    pub(super) series: Vec<(String, String)>,
    /// Minute in which it does not fire yet, in which it fires, and in which it does so no more.
    pub(super) before: u32,
    pub(super) fires: u32,
    pub(super) over: u32,
    /// Further minutes, and how many of it fire then.
    pub(super) later: Vec<(u32, u32)>,
}

impl Trial {
    /// Quiet at first, firing and over at these minutes.
    pub(super) fn new(before: u32, fires: u32, over: u32) -> Self {
        Self {
            series: Vec::new(),
            before,
            fires,
            over,
            later: Vec::new(),
        }
    }

    /// So many of it fire in a later minute.
    pub(super) fn then(mut self, minute: u32, count: u32) -> Self {
        self.later.push((minute, count));
        self
    }

    /// With a series.
    pub(super) fn with(mut self, series: impl Into<String>, values: &str) -> Self {
        self.series.push((series.into(), values.to_owned()));
        self
    }
}

impl Alert {
    /// As Prometheus reads it.
    pub(super) fn to_yaml(&self, addresses: &Addresses) -> String {
        let runbook = format!("{}/{}.md", addresses.of_runbooks(), self.name);
        let dashboard = format!("{}/d/campanile-{}", addresses.of_dashboards(), self.board);
        let mut text = format!(
            "      - alert: {}\n        expr: {}\n        for: {}\n        labels:\n          severity: {}\n",
            self.name,
            quoted(&self.expr),
            self.hold,
            self.severity.word()
        );
        for (name, value) in &self.labels {
            text += &format!("          {name}: {}\n", quoted(value));
        }
        text += "        annotations:\n";
        let annotations = [
            ("summary", self.summary),
            ("description", self.description),
            ("runbook_url", &runbook),
            ("dashboard_url", &dashboard),
        ];
        for (name, value) in annotations {
            text += &format!("          {name}: {}\n", quoted(value));
        }
        text
    }
}
