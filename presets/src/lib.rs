//! What is known of carriers: one file for each in `carriers/`, the same for who binds to one and for who acts like one.
//!
//! Its table `smsc` has the engine's keys, `simulator` those of a scenario; other tables are facts that neither has a key
//! for. `sources` says of every value where it is documented. A value that nobody documents is not there.

use toml::{Table, Value};

/// The engine's part of a file.
pub const SMSC: &str = "smsc";

/// The simulator's part.
pub const SIMULATOR: &str = "simulator";

/// Where each value is documented.
const SOURCES: &str = "sources";

/// What is known of one carrier.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What `preset = "…"` takes.
    pub name: &'static str,
    /// Its file.
    pub text: &'static str,
}

/// One value of a preset.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// The key with its tables: `smsc.window`.
    pub path: String,
    /// The value.
    pub value: Value,
    /// Where it is documented.
    pub source: String,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(Preset { name: $name, text: include_str!(concat!("../carriers/", $name, ".toml")) }),*]
    };
}

/// Every file in `carriers/`.
pub const PRESETS: &[Preset] = presets![
    "infobip",
    "kaleyra",
    "link",
    "ovh",
    "routemobile",
    "sinch",
    "telesign",
    "vonage",
];

impl Preset {
    /// The preset of that name.
    pub fn named(name: &str) -> Option<&'static Self> {
        PRESETS.iter().find(|preset| preset.name == name)
    }

    /// Every name.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PRESETS.iter().map(|preset| preset.name)
    }

    /// Which carrier it is, in one line.
    pub fn about(&self) -> String {
        let about = self.document().remove("about");
        about.as_ref().and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    /// Each of its values, with its source; the tables of an array have one path.
    pub fn facts(&self) -> Vec<Fact> {
        let mut document = self.document();
        let sources = document.remove(SOURCES);
        let sources = sources.as_ref().and_then(Value::as_table);
        let source = |path: &str| {
            let of = |(key, text): (&String, &Value)| {
                let about = path == key || path.strip_prefix(key).is_some_and(|rest| rest.starts_with('.'));
                about.then(|| text.as_str().map(str::to_owned))?
            };
            sources.into_iter().flatten().find_map(of).unwrap_or_default()
        };
        let mut facts = Vec::new();
        for (table, values) in &document {
            leaves(table, values, &mut |path, value| {
                facts.push(Fact {
                    path: path.to_owned(),
                    value: value.clone(),
                    source: source(path),
                });
            });
        }
        // Its name and what it is about are no values.
        facts.retain(|fact| fact.path.contains('.'));
        facts
    }

    fn document(&self) -> Table {
        // That each can be read is tested.
        self.text.parse().unwrap_or_default()
    }
}

fn leaves(path: &str, value: &Value, each: &mut impl FnMut(&str, &Value)) {
    let nested = |value: &Value| value.as_array().is_some_and(|array| array.iter().any(Value::is_table));
    if let Some(table) = value.as_table() {
        for (key, value) in table {
            leaves(&format!("{path}.{key}"), value, each);
        }
    } else if path.starts_with(SIMULATOR) && nested(value) {
        let tables = value.as_array().into_iter().flatten();
        tables.for_each(|value| leaves(path, value, each));
    } else {
        each(path, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_of_every_preset_says_where_it_comes_from() {
        for preset in PRESETS {
            let document: Table = preset
                .text
                .parse()
                .unwrap_or_else(|error| panic!("{}: {error}", preset.name));
            assert_eq!(document["name"].as_str(), Some(preset.name));
            assert!(!preset.about().is_empty(), "{}", preset.name);
            let facts = preset.facts();
            let unsourced: Vec<_> = facts.iter().filter(|fact| fact.source.is_empty()).collect();
            assert!(unsourced.is_empty(), "{}: {unsourced:?}", preset.name);
            for key in document[SOURCES].as_table().unwrap().keys() {
                let used = |fact: &Fact| fact.path == *key || fact.path.starts_with(&format!("{key}."));
                assert!(
                    facts.iter().any(used),
                    "{}: {key} is the source of nothing",
                    preset.name
                );
            }
            for part in [SMSC, SIMULATOR] {
                let begins = |fact: &Fact| fact.path.starts_with(&format!("{part}."));
                assert!(facts.iter().any(begins), "{}: nothing in {part}", preset.name);
            }
        }
    }

    #[test]
    fn a_value_is_found_with_its_source() {
        let ovh = Preset::named("ovh").unwrap();
        let facts = ovh.facts();
        let window = facts.iter().find(|fact| fact.path == "smsc.window").unwrap();
        assert_eq!(window.value, Value::Integer(10));
        assert!(window.source.starts_with("OVHcloud"), "{}", window.source);
        assert!(Preset::named("acme").is_none());
        assert!(Preset::names().eq(PRESETS.iter().map(|preset| preset.name)));
    }

    #[test]
    fn every_file_is_a_preset() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/carriers");
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = files
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let known: Vec<_> = Preset::names().map(|name| format!("{name}.toml")).collect();
        assert_eq!(names, known);
    }
}
