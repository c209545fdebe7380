//! Values that are wrong for most keys, given to each key of a reader in turn: for the tests of readers.

use serde_json::Value;
use toml::Table as Document;

use super::fault::Faults;

/// Values as TOML has them. The first is of no key's type.
const WRONG: [&str; 11] = [
    "2026-03-01",
    "-1",
    "99999999999",
    "1.5",
    "true",
    "\"\"",
    "\"no such thing\"",
    "\"900000h\"",
    "[]",
    "[7]",
    "[\"no such thing\"]",
];

/// What a fault says where it may not show the value.
const NOT_SHOWN: &str = "what was given (not shown here)";

/// A text in which one key has one of these values.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The key, with its tables: `smsc[0].window`.
    pub key: String,
    value: &'static str,
    /// What is to be read.
    pub text: String,
}

/// Every key of a [`schema`](super::schema) with every such value, in what is right otherwise.
pub fn trials(schema: &Value, right: &str) -> Vec<Trial> {
    let mut keys = Vec::new();
    list(schema, "", &mut keys);
    let of_key = |key: String| {
        WRONG.map(|value| Trial {
            text: with(right, &key, value),
            key: key.clone(),
            value,
        })
    };
    keys.into_iter().flat_map(of_key).collect()
}

impl Trial {
    /// What is amiss with how a reader answered: each fault of the key shows the value, unless it is secret, and says more, and a
    /// value of no key's type has one. That a key is unknown where others are missing is a right answer, too.
    ///
    /// # Errors
    /// A sentence that says which answer it was.
    pub fn judge(&self, answer: Option<&Faults>, secret: bool) -> Result<(), String> {
        let faults = answer.into_iter().flat_map(|faults| &faults.0);
        let own: Vec<_> = faults.filter(|fault| fault.key == self.key).collect();
        if own.is_empty() && self.value == WRONG[0] {
            return Err(format!("{} takes {}", self.key, self.value));
        }
        // Of a list, what is wrong in it.
        let list = self.value.strip_prefix('[');
        let item = list.and_then(|value| value.strip_suffix(']'));
        let shown: Vec<&str> = match secret {
            true => vec![NOT_SHOWN],
            false => [Some(self.value), item].into_iter().flatten().collect(),
        };
        for fault in own.iter().filter(|fault| !fault.problem.starts_with("unknown key")) {
            let rest = shown.iter().find_map(|shown| fault.problem.strip_prefix(shown));
            if rest.is_none_or(|rest| rest.len() <= " is".len()) {
                return Err(format!("{} = {} is answered by {fault}", self.key, self.value));
            }
        }
        Ok(())
    }
}

/// The paths of all keys, but for those of tables.
fn list(schema: &Value, path: &str, found: &mut Vec<String>) {
    let Some(properties) = schema["properties"].as_object() else {
        found.push(path.to_owned());
        return;
    };
    for (key, schema) in properties {
        let path = if path.is_empty() {
            key.clone()
        } else {
            format!("{path}.{key}")
        };
        match schema["items"]["properties"].is_object() {
            true => list(&schema["items"], &format!("{path}[0]"), found),
            false => list(schema, &path, found),
        }
    }
}

/// The text with that value for that key; its tables are made where they are not there.
fn with(right: &str, path: &str, value: &str) -> String {
    let [mut document, value] = [right, &format!("value = {value}")].map(parsed);
    let mut table = &mut document;
    let mut parts: Vec<&str> = path.split('.').collect();
    let key = parts.pop().unwrap_or_default();
    for part in parts {
        let next = match part.strip_suffix("[0]") {
            Some(array) => {
                let none = || toml::Value::Array(vec![Document::new().into()]);
                let array = table.entry(array).or_insert_with(none).as_array_mut();
                array.and_then(|array| array.first_mut()?.as_table_mut())
            }
            None => {
                let none = || Document::new().into();
                table.entry(part).or_insert_with(none).as_table_mut()
            }
        };
        table = next.unwrap_or_else(|| panic!("{part} of {path} is no table"));
    }
    table.insert(key.to_owned(), value["value"].clone());
    document.to_string()
}

fn parsed(text: &str) -> Document {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}
