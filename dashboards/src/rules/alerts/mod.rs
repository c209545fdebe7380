//! The alerts, those that wake somebody first. A share of little traffic says little: where one is asked for, there is a least
//! rate beside it.

use super::alert::{Alert, Severity, Trial};
use super::recording::{DELIVERED_RECENTLY, DELIVERED_USUALLY, PACE, REFUSED};
use crate::boards::{OLDEST, WAITING};

mod backlog;
mod engine;
mod receipts;
mod sending;
mod smscs;
mod tenants;

/// Every alert but those of the objectives.
pub(super) fn all() -> Vec<Alert> {
    let groups = [
        smscs::all(),
        backlog::all(),
        sending::all(),
        receipts::all(),
        engine::all(),
        tenants::all(),
    ];
    groups.into_iter().flatten().collect()
}

/// Of one expression.
fn alert(name: &'static str, severity: Severity, (expr, hold): (String, &'static str), trial: Trial) -> Alert {
    Alert {
        name,
        severity,
        expr,
        hold,
        summary: "",
        description: "",
        board: "overview",
        trial,
        labels: Vec::new(),
    }
}

impl Alert {
    fn says(self, summary: &'static str, description: &'static str) -> Self {
        Self {
            summary,
            description,
            ..self
        }
    }

    fn on(self, board: &'static str) -> Self {
        Self { board, ..self }
    }
}

/// A series of the SMSC `north`, with more labels.
fn north(metric: &str, labels: &str) -> String {
    let labels = if labels.is_empty() {
        String::new()
    } else {
        format!(", {labels}")
    };
    format!("{metric}{{job=\"campanile\", instance=\"a\", smsc=\"north\"{labels}}}")
}

/// A series of the engine, with more labels.
fn one(metric: &str, labels: &str) -> String {
    let labels = if labels.is_empty() {
        String::new()
    } else {
        format!(", {labels}")
    };
    format!("{metric}{{job=\"campanile\", instance=\"a\"{labels}}}")
}

/// Five minutes of one value, as many of another as the alert has to hold and some more, and the first one again.
fn gauge(metric: String, usual: &str, bad: &str, hold: u32) -> Trial {
    let values = format!("{usual}x4 {bad}x{} {usual}x20", hold + 7);
    Trial::new(4, 5 + hold + 4, 5 + hold + 7 + 6).with(metric, &values)
}

/// A counter that stands still, rises by so much a minute until the alert has held, and stands still.
fn rising(metric: String, by: u32, hold: u32, window: u32) -> Trial {
    let rises = hold + window.min(10) + 5;
    let values = format!("0x4 0+{by}x{rises} {}x{}", by * rises, window + 15);
    Trial::new(4, 5 + rises - 1, 5 + rises + window + 5).with(metric, &values)
}
