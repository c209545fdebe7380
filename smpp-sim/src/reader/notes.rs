use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

/// What may be written for a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Asked for, without a word about what it is.
    Seen,
    Text,
    Texts,
    Boolean,
    Integer(RangeInclusive<u64>),
    Number(RangeInclusive<f64>),
    Choice(Vec<String>),
    Choices(Vec<String>),
    Duration,
    Delay,
    /// Anything that the words describe.
    Any(String),
    Table,
    Tables,
}

/// Which keys a reader asked for, and of which kind, by the path of their table.
#[derive(Debug, Default)]
pub(super) struct Notes {
    tables: BTreeMap<String, Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    kinds: BTreeMap<String, Kind>,
    /// Whether other keys are refused.
    closed: bool,
    /// Those without which the table is refused.
    required: BTreeSet<&'static str>,
}

impl Notes {
    pub(super) fn note(&mut self, path: &str, key: &str, kind: Kind) {
        let table = self.tables.entry(path.to_owned()).or_default();
        // Asked for twice, as a word and as a table: both are allowed.
        match table.kinds.get(key) {
            // What it is was said already, or will be.
            Some(Kind::Seen) => {
                table.kinds.insert(key.to_owned(), kind);
            }
            Some(known) if kind != Kind::Seen && *known != kind => {
                let either = Kind::Any("see docs/scenario-keys.md".to_owned());
                table.kinds.insert(key.to_owned(), either);
            }
            Some(_) => {}
            None => {
                table.kinds.insert(key.to_owned(), kind);
            }
        }
    }

    pub(super) fn close(&mut self, path: &str) {
        self.tables.entry(path.to_owned()).or_default().closed = true;
    }

    pub(super) fn require(&mut self, path: &str, keys: &[&'static str]) {
        self.tables.entry(path.to_owned()).or_default().required.extend(keys);
    }

    pub(super) fn object(&self, path: &str) -> Value {
        let Some(table) = self.tables.get(path) else {
            // Keys are data there, telephone numbers for example.
            return json!({ "type": "object" });
        };
        let below = |key: &str| {
            if path.is_empty() {
                key.to_owned()
            } else {
                format!("{path}.{key}")
            }
        };
        let mut properties = Map::new();
        for (key, kind) in &table.kinds {
            let value = self.value(&below(key), kind);
            properties.insert(key.clone(), value);
        }
        let mut object = json!({ "type": "object", "properties": properties });
        if table.closed {
            object["additionalProperties"] = Value::Bool(false);
        }
        if !table.required.is_empty() {
            object["required"] = json!(table.required);
        }
        object
    }

    fn value(&self, path: &str, kind: &Kind) -> Value {
        match kind {
            Kind::Text => json!({ "type": "string" }),
            Kind::Texts => json!({ "type": "array", "items": { "type": "string" } }),
            Kind::Boolean => json!({ "type": "boolean" }),
            Kind::Integer(allowed) => {
                // An upper limit beyond what a double holds exactly would be rounded by most editors.
                let mut integer = json!({ "type": "integer", "minimum": allowed.start() });
                if *allowed.end() < 1 << 53 {
                    integer["maximum"] = json!(allowed.end());
                }
                integer
            }
            Kind::Number(allowed) => json!({ "type": "number", "minimum": allowed.start(), "maximum": allowed.end() }),
            Kind::Choice(words) => json!({ "enum": words }),
            Kind::Choices(words) => json!({ "type": "array", "minItems": 1, "items": { "enum": words } }),
            Kind::Duration => json!({ "$ref": "#/$defs/duration" }),
            Kind::Delay => json!({ "$ref": "#/$defs/delay" }),
            Kind::Any(allowed) => json!({ "description": allowed }),
            Kind::Seen => json!({}),
            Kind::Table => self.object(path),
            Kind::Tables => json!({ "type": "array", "items": self.object(&format!("{path}[0]")) }),
        }
    }
}
