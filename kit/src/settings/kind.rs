//! What may be written for a key: in words for whoever wrote something else, and in JSON schema for editors.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Value, json};

/// Whole numbers up to this are exact in a double, which is how most editors keep them.
const EXACT_MAX: u64 = 1 << 53;

/// Behind an array's path, the path of the one table that stands for all of its tables.
pub(super) const ARRAY_ITEM: &str = "[0]";

/// A kind of value that the schema describes once, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Definition {
    /// Its name among the schema's `$defs`, which whoever publishes the schema adds to it.
    pub name: &'static str,
    /// What is allowed, in words.
    pub allowed: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Texts,
    Boolean,
    Integer(RangeInclusive<u64>),
    Number(RangeInclusive<f64>),
    Choice(Vec<String>),
    Choices(Vec<String>),
    Duration(RangeInclusive<Duration>),
    Defined(Definition),
    /// What the words describe, and nothing else does.
    Described(String),
    Table,
    Tables,
}

impl Kind {
    pub(super) fn choice<T>(words: &[(&str, T)]) -> Self {
        Self::Choice(words.iter().map(|(word, _)| (*word).to_owned()).collect())
    }

    pub(super) fn choices<T>(words: &[(&str, T)]) -> Self {
        Self::Choices(words.iter().map(|(word, _)| (*word).to_owned()).collect())
    }

    /// The schema of a value; `table` makes that of the table at the value's path with that ending.
    pub(super) fn schema(&self, table: impl Fn(&str) -> Value) -> Value {
        match self {
            Self::Text => json!({ "type": "string" }),
            Self::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Self::Boolean => json!({ "type": "boolean" }),
            Self::Integer(allowed) => {
                let mut integer = json!({ "type": "integer", "minimum": allowed.start() });
                if *allowed.end() < EXACT_MAX {
                    integer["maximum"] = json!(allowed.end());
                }
                integer
            }
            Self::Number(allowed) => json!({ "type": "number", "minimum": allowed.start(), "maximum": allowed.end() }),
            Self::Choice(words) => json!({ "enum": words }),
            Self::Choices(words) => json!({ "type": "array", "minItems": 1, "items": { "enum": words } }),
            Self::Duration(_) => json!({ "$ref": "#/$defs/duration" }),
            Self::Defined(definition) => json!({ "$ref": format!("#/$defs/{}", definition.name) }),
            Self::Described(allowed) => json!({ "description": allowed }),
            Self::Table => table(""),
            Self::Tables => json!({ "type": "array", "items": table(ARRAY_ITEM) }),
        }
    }
}

/// What is allowed, in words.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("a string"),
            Self::Texts => f.write_str("an array of strings"),
            Self::Boolean => f.write_str("true or false"),
            Self::Integer(allowed) => write!(f, "a whole number from {} to {}", allowed.start(), allowed.end()),
            Self::Number(allowed) => write!(f, "a number from {} to {}", allowed.start(), allowed.end()),
            Self::Choice(words) => write!(f, "one of {}", words.join(", ")),
            Self::Choices(words) => write!(f, "an array of {}", words.join(", ")),
            Self::Duration(allowed) => {
                let (least, most) = (*allowed.start(), humantime::format_duration(*allowed.end()));
                if least.is_zero() {
                    write!(f, "a duration up to {most}, such as \"250ms\" or \"1m 30s\"")
                } else {
                    let least = humantime::format_duration(least);
                    write!(f, "a duration from {least} to {most}, such as \"250ms\" or \"1m 30s\"")
                }
            }
            Self::Defined(definition) => f.write_str(definition.allowed),
            Self::Described(allowed) => f.write_str(allowed),
            Self::Table => f.write_str("a table"),
            Self::Tables => f.write_str("an array of tables"),
        }
    }
}
