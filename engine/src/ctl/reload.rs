//! `campanile reload`.

use clap::Args;
use kit::output::complain;
use serde_json::{Value, json};

use super::client::Where;
use super::failure::Failure;
use super::output::{Table, cell, print_json};

/// The configuration is read again.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reload {
    #[command(flatten)]
    at: Where,
}

impl Reload {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let answer = self.at.open()?.post("/v1/reload", &json!({}))?;
        if self.at.json {
            return print_json(&answer);
        }
        let mut table = Table::new(&["change", "names"]);
        for (change, names) in answer.as_object().into_iter().flatten() {
            if names.as_array().is_some_and(|names| !names.is_empty()) {
                table.row([change.clone(), cell(names)]);
            }
        }
        let nothing = answer
            .as_object()
            .is_some_and(|changes| changes.values().all(|names| names == &Value::Array(Vec::new())));
        if nothing {
            complain("The configuration holds; nothing is another.");
        } else {
            table.print()?;
        }
        Ok(())
    }
}
