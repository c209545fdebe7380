//! Files of the repository, other people's tools, and documents in YAML under a schema.

use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;

/// The repository's root.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the tests are a folder of the repository")
}

/// A file of the repository.
pub(crate) fn read(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Runs it, and gives what it said; it has to succeed.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        said.concat()
    );
    said.concat()
}

/// Whether somebody else's program is installed here. Where it is not, what only it can tell is not tested, and that is said.
pub(crate) fn has(tool: &str) -> bool {
    let mut look = Command::new("sh");
    let found = look.args(["-c", "command -v \"$0\" >&2", tool]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        println!("{tool} is not installed here: what it alone can tell is not tested");
    }
    found
}

/// Every document of a text in YAML; a key that stands twice is a fault.
#[track_caller]
pub(crate) fn documents(text: &str) -> Vec<Value> {
    let documents = serde_norway::Deserializer::from_str(text).map(|document| {
        let mut value = serde_norway::Value::deserialize(document).expect("YAML");
        value.apply_merge().expect("merges of tables");
        serde_json::to_value(value).expect("keys that are texts")
    });
    documents.collect()
}

/// Fails with every fault of `document`, which is called `name`.
#[track_caller]
pub(crate) fn assert_valid(schema: &Value, document: &Value, name: &str) {
    let validator = jsonschema::validator_for(schema).expect("a schema");
    let faults = validator.iter_errors(document);
    let faults: Vec<String> = faults
        .map(|fault| format!("{name}: {}: {fault}", fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// The text at a JSON pointer.
#[track_caller]
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let text = value.pointer(pointer).and_then(Value::as_str);
    text.unwrap_or_else(|| panic!("no text at {pointer} of {value}"))
}

/// The list at a JSON pointer; none is an empty one.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// The folder in which an engine of that configuration keeps files aside: beside its database, or in /tmp if that is elsewhere.
#[track_caller]
pub(crate) fn spool_of(configuration: &str) -> String {
    let table: toml::Table = configuration.parse().expect("TOML");
    let database = table.get("database").expect("a [database]");
    if database.get("url").is_some() {
        return "/tmp".to_owned();
    }
    let file = database.get("file").and_then(toml::Value::as_str).expect("a file");
    let folder = Path::new(file).parent().expect("a folder");
    folder.display().to_string()
}
