//! What a reader asked for, and the JSON schema that comes of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::kind::Kind;

/// Which keys a reader asked for, and of which kind, by the path of their table.
#[derive(Debug, Default)]
pub(super) struct Notes {
    tables: BTreeMap<String, Keys>,
}

#[derive(Debug, Default)]
struct Keys {
    /// What may be written for each key: any of these, or anything when there are none.
    kinds: BTreeMap<String, Vec<Kind>>,
    /// Whether other keys are refused.
    closed: bool,
    /// Those without which the table is refused.
    required: BTreeSet<String>,
}

impl Notes {
    pub(super) fn note(&mut self, path: &str, key: &str, kind: Option<&Kind>) {
        let table = self.tables.entry(path.to_owned()).or_default();
        let kinds = table.kinds.entry(key.to_owned()).or_default();
        if let Some(kind) = kind.filter(|kind| !kinds.contains(kind)) {
            kinds.push(kind.clone());
        }
    }

    pub(super) fn close(&mut self, path: &str) {
        self.tables.entry(path.to_owned()).or_default().closed = true;
    }

    pub(super) fn require(&mut self, path: &str, key: &str) {
        let table = self.tables.entry(path.to_owned()).or_default();
        table.required.insert(key.to_owned());
    }

    /// The schema of the table at that path.
    pub(super) fn object(&self, path: &str) -> Value {
        let Some(table) = self.tables.get(path) else {
            // Keys are data there, telephone numbers for example.
            return json!({ "type": "object" });
        };
        let mut properties = Map::new();
        for (key, kinds) in &table.kinds {
            properties.insert(key.clone(), self.value(&join(path, key), kinds));
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

    fn value(&self, path: &str, kinds: &[Kind]) -> Value {
        let table = |ending: &str| self.object(&format!("{path}{ending}"));
        let mut schemas: Vec<_> = kinds.iter().map(|kind| kind.schema(table)).collect();
        match schemas.len() {
            0 => json!({}),
            1 => schemas.remove(0),
            _ => json!({ "anyOf": schemas }),
        }
    }
}

/// The full name of a key in a table.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}
