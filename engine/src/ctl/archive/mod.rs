//! `campanile backup` and `campanile restore`: what a Redis has, as one file, and back.
//!
//! `held` holds a server's append-only file as it was at one moment, `form` makes one file of them and reads it again.

mod backup;
mod form;
mod held;
mod restore;

use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Table, cell, print_json};
pub(crate) use backup::Backup;
use form::Contents;
pub(crate) use restore::Restore;

/// Says what an archive has, and where that is now.
fn show(contents: &Contents, places: &[(&'static str, String)], json: bool) -> Result<(), Failure> {
    let mut document = serde_json::to_value(contents).map_err(|error| Failure::Other(error.to_string()))?;
    for (what, place) in places {
        document[*what] = json!(place);
    }
    document["octets"] = json!(contents.octets());
    if json {
        return print_json(&document);
    }
    let mut table = Table::new(&["what", "value"]);
    let facts = ["created_at", "program", "database", "octets"];
    for what in places.iter().map(|(what, _)| *what).chain(facts) {
        table.row([what.to_owned(), cell(&document[what])]);
    }
    let files = document["files"].as_array().map_or(0, Vec::len);
    table.row(["files".to_owned(), cell(&Value::from(files))]);
    table.print()
}
