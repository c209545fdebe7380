//! What commands print: JSON, tables for people at a terminal, columns between tabs for programs.

use std::io::{self, IsTerminal, Write};

use kit::output::{self, complain};
use serde_json::Value;

use super::failure::Failure;
use crate::config::Console;

/// Rows under a head.
pub(super) struct Table {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Without rows.
    pub(super) fn new(head: &[&'static str]) -> Self {
        Self {
            head: head.to_vec(),
            rows: Vec::new(),
        }
    }

    /// One more row: a cell for each column.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Prints it: aligned at a terminal, between tabs elsewhere.
    pub(super) fn print(&self) -> Result<(), Failure> {
        print(&if std::io::stdout().is_terminal() {
            self.aligned(!Console::of_environment().plain)
        } else {
            self.tabbed()
        })?;
        Ok(())
    }

    fn tabbed(&self) -> String {
        let head = self.head.join("\t") + "\n";
        let rows = self.rows.iter().map(|row| {
            // A cell is one line of one column, whatever an SMSC has said.
            let cells: Vec<String> = row.iter().map(|cell| cell.replace(['\t', '\n', '\r'], " ")).collect();
            cells.join("\t") + "\n"
        });
        head + &rows.collect::<String>()
    }

    fn aligned(&self, coloured: bool) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
            longest.max(self.head[column].chars().count())
        };
        let widths: Vec<usize> = (0..self.head.len()).map(width).collect();
        let line = |cells: &[String]| {
            let padded = cells.iter().zip(&widths).map(|(cell, width)| {
                let shown = cell.replace(['\t', '\n', '\r'], " ");
                format!("{shown:<width$}")
            });
            padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        let head = line(&self.head.iter().map(|title| title.to_uppercase()).collect::<Vec<_>>());
        let head = if coloured {
            format!("\x1b[1m{head}\x1b[0m")
        } else {
            head
        };
        let rows: String = self.rows.iter().map(|row| line(row) + "\n").collect();
        format!("{head}\n{rows}")
    }
}

/// Prints a document as one line.
pub(super) fn print_json(document: &Value) -> Result<(), Failure> {
    print(&format!("{document}\n"))?;
    Ok(())
}

/// Prints a text. `false`: nobody reads any more.
pub(super) fn print(text: &str) -> Result<bool, Failure> {
    output::print(text).map_err(|error| Failure::Other(format!("the output cannot be written: {error}")))
}

/// One line on standard error that changes, for whoever looks on at a terminal; `last`: it stays.
pub(super) fn progress(text: &str, last: bool) {
    let mut error = io::stderr().lock();
    if error.is_terminal() {
        let end = if last { "\n" } else { "" };
        let written = write!(error, "\r\x1b[K{text}{end}");
        let _unread = written.and_then(|()| error.flush());
    }
}

/// A value as a cell has it: `-` for none.
pub(super) fn cell(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "-".to_owned(),
        Value::Array(list) => list.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number
            .as_f64()
            .filter(|_| number.is_f64())
            .map_or_else(|| number.to_string(), short),
        Value::Object(_) => value.to_string(),
    }
}

/// A number with as many digits as one reads.
fn short(number: f64) -> String {
    let text = format!("{number:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Rows of a list.
pub(super) fn rows(document: &Value) -> &[Value] {
    document["data"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Says how a list goes on.
pub(super) fn say_next(document: &Value) {
    if let Some(next) = document["next_cursor"].as_str() {
        complain(format_args!("There are more: --cursor {next}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_is_aligned_for_people_and_tabbed_for_programs() {
        let mut table = Table::new(&["name", "n"]);
        table.row(["north".to_owned(), "1".to_owned()]);
        table.row(["s\tx".to_owned(), "22".to_owned()]);
        assert_eq!(table.tabbed(), "name\tn\nnorth\t1\ns x\t22\n");
        assert_eq!(table.aligned(false), "NAME   N\nnorth  1\ns x    22\n");
        assert!(table.aligned(true).starts_with("\x1b[1mNAME   N\x1b[0m\n"));
    }

    #[test]
    fn cells_are_short() {
        let cells = json!([null, "", "a", true, 3, 1.5, 2.0, ["a", "b"], []]);
        let shown: Vec<String> = cells.as_array().unwrap().iter().map(cell).collect();
        assert_eq!(shown, ["-", "-", "a", "yes", "3", "1.5", "2", "a,b", "-"]);
    }
}
