//! The JSON schema of [`Results`]: for editors, and for programs in other languages that read a run.

use schemars::generate::SchemaSettings;

use crate::results::Results;

/// The schema of the document that `--out` writes, as `loadtest/schema/results-1.json` has it.
pub fn schema() -> String {
    // What is written always has every field; what is read may come from an older version and lack some.
    let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
    format!("{:#}\n", generator.into_root_schema_for::<Results>().to_value())
}
