//! Reads a document, or an empty one to find out which keys the reader knows: its JSON schema is not written by hand, so
//! that the two cannot disagree.

use serde_json::{Value, json};
use toml::Spanned;
use toml::de::DeTable;

use super::fault::Faults;
use super::source::Source;
use super::table::Table;

impl Source<'_> {
    /// What `read` makes of the document.
    ///
    /// # Errors
    /// Every fault that it found, and every override that it did not ask for.
    pub fn read<T>(&self, document: &Spanned<DeTable<'_>>, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Faults> {
        let settings = read(&Table::root(self, Some(document.get_ref())));
        self.name_strangers();
        let faults = self.found();
        if faults.0.is_empty() { Ok(settings) } else { Err(faults) }
    }
}

/// The JSON schema (draft 2020-12) of what `read` reads, without a title, and without what a
/// [`Definition`](super::Definition) names.
pub fn schema(read: impl FnOnce(&Table<'_>)) -> Value {
    let source = Source::probe();
    read(&Table::root(&source, None));
    let mut schema = source.into_notes().object("");
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["$defs"] = json!({
        "duration": { "type": "string", "description": "like 250ms, 2s, 1m 30s", "pattern": "^[0-9].*[a-zA-Zµ]$" },
    });
    schema
}
