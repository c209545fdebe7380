//! What is known of carriers, to begin a scenario with.

use kit::settings::Source;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is known of one carrier.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// What `preset = "…"` takes.
    pub name: &'static str,
    /// Its file, as it is in `presets/`: the scenario's part is the table `simulator`, the rest is for clients, and
    /// the table `sources` says of every value where it comes from.
    pub text: &'static str,
}

macro_rules! presets {
    ($($name:literal),* $(,)?) => {
        &[$(Preset { name: $name, text: include_str!(concat!("../../presets/", $name, ".toml")) }),*]
    };
}

/// Every file in `presets/`.
pub const PRESETS: &[Preset] = presets!["infobip", "link", "ovh", "sinch", "vonage"];

impl Preset {
    /// Which carrier it is, in one line.
    pub fn about(&self) -> String {
        let (document, _) = DeTable::parse_recoverable(self.text);
        let about = document.get_ref().get("about").map(Spanned::get_ref);
        about.and_then(DeValue::as_str).unwrap_or_default().to_owned()
    }
}

/// Gives the scenario what its preset says and it does not say itself. Lines of faults stay those of the scenario: a
/// preset has none.
pub(super) fn apply<'a>(source: &Source<'_>, scenario: &mut DeTable<'a>) {
    let Some(named) = scenario.get("preset") else { return };
    let name = named.get_ref().as_str();
    let Some(preset) = PRESETS.iter().find(|preset| name == Some(preset.name)) else {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        let detail = format!("no such preset; there are {}", names.join(", "));
        return source.fault(named.span().start, "preset", detail);
    };
    let (mut document, _) = DeTable::parse_recoverable(preset.text);
    let simulator = document.get_mut().remove("simulator").map(Spanned::into_inner);
    if let Some(DeValue::Table(keys)) = simulator {
        merge(scenario, keys);
    }
}

/// Puts every key in that is missing; tables are gone through, and what the first table of an array says holds for all
/// of the scenario's own.
fn merge<'a>(scenario: &mut DeTable<'a>, preset: DeTable<'a>) {
    for (key, value) in preset {
        let Some(own) = scenario.get_mut(&**key.get_ref()) else {
            scenario.insert(key, value);
            continue;
        };
        match (own.get_mut(), value.into_inner()) {
            (DeValue::Table(own), DeValue::Table(table)) => merge(own, table),
            (DeValue::Array(own), DeValue::Array(array)) => {
                let first = array.into_iter().next().map(Spanned::into_inner);
                merge_all(own.iter_mut().map(Spanned::get_mut), first);
            }
            // What the scenario says itself.
            _ => {}
        }
    }
}

fn merge_all<'v, 'a: 'v>(own: impl Iterator<Item = &'v mut DeValue<'a>>, first: Option<DeValue<'a>>) {
    let Some(DeValue::Table(first)) = first else { return };
    for table in own {
        if let DeValue::Table(table) = table {
            merge(table, first.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Scenario;

    #[test]
    fn every_value_of_every_preset_says_where_it_comes_from() {
        for preset in PRESETS {
            let mut document: toml::Table = preset
                .text
                .parse()
                .unwrap_or_else(|error| panic!("{}: {error}", preset.name));
            let sources = document.remove("sources").unwrap();
            let sources = sources.as_table().unwrap();
            assert_eq!(document.remove("name").unwrap().as_str(), Some(preset.name));
            let about = document.remove("about").unwrap();
            assert_eq!(about.as_str(), Some(preset.about().as_str()));
            let mut used = Vec::new();
            for (key, value) in &document {
                leaves(key.clone(), value, &mut |path| {
                    let source = sources
                        .keys()
                        .find(|source| path == **source || path.starts_with(&format!("{source}.")));
                    used.push(source.unwrap_or_else(|| panic!("{}: {path} has no source", preset.name)));
                });
            }
            let unused: Vec<_> = sources.keys().filter(|source| !used.contains(source)).collect();
            assert!(unused.is_empty(), "{}: sources of nothing: {unused:?}", preset.name);
        }
    }

    fn leaves(path: String, value: &toml::Value, each: &mut impl FnMut(&str)) {
        let tables = value.as_array().filter(|array| array.iter().all(toml::Value::is_table));
        if let Some(table) = value.as_table() {
            for (key, value) in table {
                leaves(format!("{path}.{key}"), value, each);
            }
        } else if let Some(tables) = tables {
            tables.iter().for_each(|value| leaves(path.clone(), value, each));
        } else {
            each(&path);
        }
    }

    #[test]
    fn a_preset_is_what_the_scenario_does_not_say_itself() {
        for preset in PRESETS {
            let text = format!("preset = {:?}", preset.name);
            Scenario::parse(&text, "x").unwrap_or_else(|faults| panic!("{}: {faults}", preset.name));
        }
        let text = "preset = \"ovh\"\n[[account]]\nsystem_id = \"a\"\nwindow = 5\n[receipt]\nstat = \"EXPIRED\"";
        let scenario = Scenario::parse(text, "x").unwrap();
        let account = &scenario.accounts[0];
        assert_eq!(
            (account.window, account.sessions, account.rate_per_session),
            (5, 2, Some(20))
        );
        assert_eq!(account.system_id.as_deref(), Some("a"));
        assert_eq!(scenario.defaults.receipt.dialect.tlvs.len(), 3);
        let said = Scenario::parse("preset = \"acme\"", "x").unwrap_err().to_string();
        assert_eq!(
            said,
            "x:1: preset: no such preset; there are infobip, link, ovh, sinch, vonage"
        );
    }
}
