//! `campanile campaigns export`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde_json::Value;

use super::view::path_of;
use crate::ctl::client::quoted;
use crate::ctl::door::{Door, output};
use crate::ctl::failure::Failure;
use crate::ctl::output::{cell, progress, rows};
use crate::domain::{Cleanse, State, Status};

/// The most rows of a page.
const PAGE: usize = 500;

/// The columns of a file.
const COLUMNS: [&str; 7] = ["to", "id", "status", "reason", "code", "at", "cleanse"];

/// What a file is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// Commas, and a row of names first.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// A campaign whose recipients are wanted.
#[derive(Clone, Debug, Args)]
pub(crate) struct Export {
    /// Its id, cmp_….
    id: String,
    /// Only those with that status, such as unknown_number; more of them by repeating it.
    #[arg(long = "status", value_name = "STATUS", value_parser = PossibleValuesParser::new(statuses()))]
    statuses: Vec<String>,
    /// Only those of whose numbers it says that: hard, nobody has it; soft, it could not be reached for now; none.
    #[arg(long, value_name = "WHICH", value_parser = PossibleValuesParser::new(Cleanse::CODES))]
    cleanse: Option<String>,
    /// What the file is like.
    #[arg(long, default_value = "csv")]
    form: Form,
    /// The file; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    output: PathBuf,
    #[command(flatten)]
    door: Door,
}

impl Export {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let client = self.door.open()?;
        let path = format!("{}/recipients?limit={PAGE}", path_of(&self.id));
        // Asked before the file is made: a refusal leaves what was there.
        let mut page = client.search(&path)?;
        let mut file = output(&self.output)?;
        let head = COLUMNS.join(",") + "\n";
        let mut text = if self.form == Form::Csv { head } else { String::new() };
        let mut read = 0;
        loop {
            let wanted = rows(&page).iter().filter(|row| self.is_wanted(row));
            text.extend(wanted.map(|row| self.line(row)));
            let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
            written.map_err(|error| Failure::Other(format!("{} is not whole: {error}", self.output.display())))?;
            text.clear();
            read += rows(&page).len();
            let next = page["next_cursor"].as_str().map(quoted);
            if self.output != Path::new("-") {
                progress(&format!("{read} recipients"), next.is_none());
            }
            let Some(next) = next else { return Ok(()) };
            page = client.search(&format!("{path}&cursor={next}"))?;
        }
    }

    fn is_wanted(&self, row: &Value) -> bool {
        let is = |status: &String| row["status"] == status.as_str();
        let says = |cleanse: &String| row["cleanse"] == cleanse.as_str();
        (self.statuses.is_empty() || self.statuses.iter().any(is)) && self.cleanse.as_ref().is_none_or(says)
    }

    /// Numbers, ids, words and times: no cell needs quotes.
    fn line(&self, row: &Value) -> String {
        match self.form {
            Form::Jsonl => format!("{row}\n"),
            Form::Csv => {
                let cells = COLUMNS.map(|column| {
                    Some(&row[column])
                        .filter(|value| !value.is_null())
                        .map(cell)
                        .unwrap_or_default()
                });
                cells.join(",") + "\n"
            }
        }
    }
}

/// How far a message may be, as the API says it.
fn statuses() -> impl Iterator<Item = &'static str> {
    let others = [
        State::Queued,
        State::Deferred,
        State::Leased,
        State::InDoubt,
        State::Canceled,
        State::Skipped,
    ];
    let seven = Status::ALL.iter().copied().map(Status::code);
    seven.chain(others.into_iter().map(State::word))
}
