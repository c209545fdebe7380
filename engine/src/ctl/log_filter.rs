//! `campanile log-filter`.

use clap::Args;
use serde_json::json;

use super::client::Where;
use super::failure::Failure;
use super::output::{cell, print, print_json};

/// What the log says, and what it is to say.
#[derive(Clone, Debug, Args)]
pub(crate) struct LogFilter {
    /// What it says from now on: a level (off, error, warn, info, debug, trace) or TARGET=LEVEL, several with commas between
    /// them. Without it: what it says now.
    #[arg(value_name = "DIRECTIVES")]
    directives: Option<String>,
    #[command(flatten)]
    at: Where,
}

impl LogFilter {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let answer = match &self.directives {
            Some(directives) => client.put("/v1/log-filter", &json!({ "filter": directives }))?,
            None => client.get("/v1/log-filter")?,
        };
        if self.at.json {
            print_json(&answer)?;
        } else {
            print(&format!("{}\n", cell(&answer["filter"])))?;
        }
        Ok(())
    }
}
