//! `campanile queue`.

use clap::Args;
use serde_json::Value;

use super::client::Where;
use super::failure::Failure;
use super::output::{Table, cell, print_json, rows};

/// What waits.
#[derive(Clone, Debug, Args)]
pub(crate) struct QueueOf {
    #[command(flatten)]
    at: Where,
}

impl QueueOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.get("/v1/queue")?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&["route", "smsc", "lane", "gate", "queued", "deferred"]);
        for line in rows(&answer) {
            let gone = |value: &Value, is_asked: bool| match value.as_str() {
                None if is_asked => "(removed)".to_owned(),
                Some(_) | None => cell(value),
            };
            let pinned = line["pinned"] == true;
            table.row([
                gone(&line["route"], !pinned),
                gone(&line["smsc"], pinned),
                cell(&line["lane"]),
                cell(&line["gate"]),
                cell(&line["queued"]),
                cell(&line["deferred"]),
            ]);
        }
        table.print()
    }
}
