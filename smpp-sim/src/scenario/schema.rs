use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use super::preset::PRESETS;
use super::setup::setup;
use super::table::{Source, Table};

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

    fn object(&self, path: &str) -> Value {
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

/// The JSON schema (draft 2020-12) of scenario files, for editors. It is not written by hand: the reader itself reads an
/// empty file, and every key that it asks for is written down, so that the two cannot disagree.
pub fn schema() -> Value {
    let source = Source::probe();
    setup(&Table::new(&source, String::new(), 0, None), None);
    let mut schema = source.into_notes().object("");
    let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
    schema["properties"]["preset"] = json!({ "enum": names });
    // A preset may bring what the accounts of the file then need not say: it is required only without one.
    if let Some(account) = schema["properties"]["account"]["items"].as_object_mut() {
        let required = account.remove("required");
        schema["if"] = json!({ "not": { "required": ["preset"] } });
        schema["then"] = json!({ "properties": { "account": { "items": { "required": required } } } });
    }
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("A scenario of smpp-sim");
    schema["$defs"] = json!({
        "duration": { "type": "string", "description": "like 250ms, 2s, 1m 30s", "pattern": "^[0-9].*[a-zA-Zµ]$" },
        "delay": { "anyOf": [
            { "$ref": "#/$defs/duration" },
            { "type": "object", "minProperties": 1, "description": "a distribution of durations" },
        ] },
    });
    schema
}

#[cfg(test)]
mod tests {
    use super::super::{BUILT_IN, Setup};
    use super::*;

    fn valid(text: &str) -> bool {
        let value: Value = toml::from_str(text).unwrap();
        jsonschema::is_valid(&schema(), &value)
    }

    #[test]
    fn every_built_in_scenario_is_valid() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for built_in in BUILT_IN {
            let value: Value = toml::from_str(built_in.text).unwrap();
            let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", built_in.name);
        }
    }

    #[test]
    fn what_the_reader_refuses_is_refused_and_what_it_takes_is_taken() {
        let refused = [
            "colour = \"red\"",
            "time_scale = \"fast\"",
            "[answer]\ndellay = \"1s\"",
            "[[account]]\nsystem_id = \"a\"\nbinds = [\"tranceiver\"]",
            "[[smsc]]\nname = \"a\"\n[[smsc.outcome]]\nname = \"x\"\nstat = \"DONE\"",
            "[tls]\nself_signed = { expirred = true }",
            "preset = \"acme\"",
            "[[account]]\nwindow = 5",
            "[[outcome]]\nstat = \"DELIVRD\"",
            "[[smsc]]\nname = \"a\"\n[[smsc.account]]\nwindow = 5",
            "[[outcome]]\nname = \"a\"\nquota = 5\n[population]\ncount = 5",
        ];
        for text in refused {
            assert!(Setup::parse(text, "x.toml").is_err(), "{text}");
            assert!(!valid(text), "{text}");
        }
        let taken = [
            "seed = 7\n[receipt]\ndelay = { uniform = [\"0s\", \"1s\"] }\n[recipients]\n",
            "[[smsc]]\nname = \"a\"\n[smsc.tls]\nlisten = \"127.0.0.1:0\"\nself_signed = { expired = true }",
            "[faults]\nclose = { after = 5, reset = true }",
            "preset = \"ovh\"\n[[account]]\nwindow = 5",
        ];
        for text in taken {
            assert!(Setup::parse(text, "x.toml").is_ok(), "{text}");
            assert!(valid(text), "{text}");
        }
    }
}
