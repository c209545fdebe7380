//! `campanile credits statement`.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use crate::ctl::client::quoted;
use crate::ctl::door::{Asked, output};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell, rows};

/// A month's statement, or every month.
#[derive(Clone, Debug, Args)]
pub(crate) struct StatementOf {
    /// Which month, such as 2026-10; without one, all are listed.
    month: Option<String>,
    /// By whose clocks months begin. Default: the tenant's.
    #[arg(long, value_name = "ZONE")]
    time_zone: Option<String>,
    /// Write it as CSV; - is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    at: Asked,
}

const COLUMNS: [&str; 7] = [
    "month",
    "opening",
    "granted",
    "withdrawn",
    "recredited",
    "debited",
    "closing",
];

impl StatementOf {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.at.open()?;
        let month = self.month.as_deref().map(|month| format!("/{}", quoted(month)));
        let path = format!("/v1/statements{}", month.unwrap_or_default());
        let (path, more) = match &self.time_zone {
            Some(zone) => (format!("{path}?time_zone={}", quoted(zone)), '&'),
            None => (path, '?'),
        };
        if let Some(file) = &self.csv {
            return client.download((&format!("{path}{more}format=csv"), None), &mut output(file)?);
        }
        let answer = client.search(&path)?;
        self.at.show(&answer, if self.month.is_some() { one } else { months })
    }
}

fn months(answer: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&COLUMNS);
    for month in rows(answer) {
        table.row(COLUMNS.map(|key| cell(&month[key])));
    }
    table.print()
}

fn one(statement: &Value) -> Result<(), Failure> {
    let mut table = Table::new(&["what", "lines", "credits"]);
    let balance = |name: &str| [name.to_owned(), "-".to_owned(), cell(&statement[name])];
    table.row(balance("opening"));
    for moved in statement["movements"].as_array().into_iter().flatten() {
        table.row(["type", "lines", "credits"].map(|key| cell(&moved[key])));
    }
    for name in ["closing", "held", "available"] {
        table.row(balance(name));
    }
    table.print()
}
