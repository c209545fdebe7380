//! A campaign: its place, and how it is shown.

use serde_json::Value;

use crate::ctl::client::quoted;
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell};

/// A campaign's place.
pub(super) fn path_of(id: &str) -> String {
    format!("/v1/campaigns/{}", quoted(id))
}

/// A campaign line by line.
pub(super) fn account(campaign: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&["what", "value"]);
    for key in [
        "id",
        "name",
        "state",
        "purpose",
        "sender",
        "created_at",
        "scheduled_at",
        "rate",
        "launched_at",
        "refused",
    ] {
        table.row([key.to_owned(), cell(&campaign[key])]);
    }
    table.row(["waiting".to_owned(), cell(&campaign["waiting"]["detail"])]);
    for part in ["estimate", "late_joiners", "progress", "statuses", "credits"] {
        for (key, value) in campaign[part].as_object().into_iter().flatten() {
            let title = match part {
                "estimate" | "credits" | "late_joiners" => format!("{part} {key}"),
                _ => key.clone(),
            };
            table.row([title, cell(value)]);
        }
    }
    table.print()
}
