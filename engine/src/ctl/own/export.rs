//! `campanile campaigns export`.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde_json::Value;

use super::campaigns::path_of;
use crate::ctl::client::quoted;
use crate::ctl::door::{Door, output};
use crate::ctl::failure::Failure;
use crate::ctl::output::{cell, progress, rows};

/// The most rows of a page.
const PAGE: usize = 500;

/// The columns of a file.
const COLUMNS: [&str; 6] = ["to", "id", "status", "reason", "code", "at"];

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
    #[arg(long = "status", value_name = "STATUS")]
    statuses: Vec<String>,
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
        let mut file = output(&self.output)?;
        let mut cursor = String::new();
        let (mut read, mut head) = (0, (self.form == Form::Csv).then(|| COLUMNS.join(",") + "\n"));
        loop {
            let page = client.get(&format!("{}/recipients?limit={PAGE}{cursor}", path_of(&self.id)))?;
            let wanted = rows(&page).iter().filter(|row| self.is_wanted(row));
            // Its head goes with the first page: a refusal leaves nothing of a file.
            let text = head.take().unwrap_or_default() + &wanted.map(|row| self.line(row)).collect::<String>();
            let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
            written.map_err(|error| Failure::Other(format!("{} is not whole: {error}", self.output.display())))?;
            read += rows(&page).len();
            let next = page["next_cursor"].as_str();
            if self.output != Path::new("-") {
                progress(&format!("{read} recipients"), next.is_none());
            }
            match next {
                Some(next) => cursor = format!("&cursor={}", quoted(next)),
                None => return Ok(()),
            }
        }
    }

    fn is_wanted(&self, row: &Value) -> bool {
        let is = |status: &String| row["status"] == status.as_str();
        self.statuses.is_empty() || self.statuses.iter().any(is)
    }

    /// Numbers, ids, words and times: no cell needs quotes.
    fn line(&self, row: &Value) -> String {
        match self.form {
            Form::Jsonl => format!("{row}\n"),
            Form::Csv => {
                let cells = COLUMNS.map(|column| match &row[column] {
                    Value::Null => String::new(),
                    value => cell(value),
                });
                cells.join(",") + "\n"
            }
        }
    }
}
