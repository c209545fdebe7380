//! `campanile campaigns report`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::view::path_of;
use crate::ctl::door::{Asked, output};
use crate::ctl::failure::Failure;
use crate::ctl::output::{Table, cell};

/// In which language labels are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LanguageOf {
    En,
    Fr,
}

/// A campaign whose report is wanted.
#[derive(Clone, Debug, Args)]
pub(crate) struct Report {
    /// Its id, cmp_….
    id: String,
    /// In which language the statuses are.
    #[arg(long, default_value = "en")]
    language: LanguageOf,
    /// Write the statuses as a table for a spreadsheet in that language; - is standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    csv: Option<PathBuf>,
    #[command(flatten)]
    at: Asked,
}

impl Report {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let language = match self.language {
            LanguageOf::En => "en",
            LanguageOf::Fr => "fr",
        };
        let client = self.at.open()?.in_language(language);
        let path = format!("{}/report", path_of(&self.id));
        if let Some(file) = &self.csv {
            return client.download((&format!("{path}?format=csv"), None), &mut output(file)?);
        }
        let answer = client.search(&path)?;
        self.at.show(&answer, table)
    }
}

/// The seven statuses, each message in one; then what it took and cost.
fn table(report: &Value) -> Result<(), Failure> {
    let mut statuses = Table::new(&["status", "label", "messages", "percent"]);
    for row in report["statuses"].as_array().into_iter().flatten() {
        let percent = format!("{:.1}", row["percent"].as_f64().unwrap_or_default());
        statuses.row([cell(&row["status"]), cell(&row["label"]), cell(&row["count"]), percent]);
    }
    let all = cell(&report["messages"]);
    statuses.row(["total".to_owned(), "-".to_owned(), all, "100.0".to_owned()]);
    statuses.print()?;
    let mut rest = Table::new(&["what", "value"]);
    for part in ["others", "excluded", "estimate", "actual"] {
        for (key, value) in report[part].as_object().into_iter().flatten() {
            rest.row([format!("{part} {key}"), cell(value)]);
        }
    }
    rest.print()
}
