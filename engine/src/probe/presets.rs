//! The presets, for people and for programs.

use std::fmt::Write;

use presets::{Fact, PRESETS, Preset};
use serde_json::{Value, json};

use crate::config::unknown_preset;

/// All of them, or one with each value and its source.
///
/// # Errors
/// What is said of a name that none has.
pub(super) fn shown(name: Option<&str>, as_json: bool) -> Result<String, String> {
    let Some(name) = name else {
        return Ok(if as_json { all_json() } else { all() });
    };
    let preset = Preset::named(name).ok_or_else(|| unknown_preset(name))?;
    let facts: Vec<Fact> = preset.facts();
    Ok(if as_json {
        format!("{}\n", one_json(preset, &facts))
    } else {
        one(preset, &facts)
    })
}

fn all() -> String {
    let line = |preset: &Preset| format!("{:<12} {}\n", preset.name, preset.about());
    PRESETS.iter().map(line).collect()
}

fn all_json() -> String {
    let preset = |preset: &Preset| json!({ "name": preset.name, "about": preset.about() });
    format!("{}\n", Value::from(PRESETS.iter().map(preset).collect::<Vec<_>>()))
}

/// What the engine takes over stands as it would in an `[[smsc]]`.
fn one(preset: &Preset, facts: &[Fact]) -> String {
    let mut text = format!("{}: {}\n", preset.name, preset.about());
    let parts = [
        (
            true,
            "What preset does in an [[smsc]]; whatever stands beside it goes before it:",
        ),
        (false, "What is known besides:"),
    ];
    for (of_smsc, title) in parts {
        text += &format!("\n{title}\n\n");
        for fact in facts.iter().filter(|fact| is_shown(fact, of_smsc)) {
            // Writing into a text does not fail.
            let _written = writeln!(text, "{} = {}\n    {}", key(fact), value(fact), fact.source);
        }
    }
    text
}

fn one_json(preset: &Preset, facts: &[Fact]) -> Value {
    let part = |of_smsc| {
        let shown = facts.iter().filter(|fact| is_shown(fact, of_smsc));
        let fact = |fact: &Fact| json!({ "key": key(fact), "value": fact.value, "source": fact.source });
        Value::from(shown.map(fact).collect::<Vec<_>>())
    };
    json!({ "name": preset.name, "about": preset.about(), "smsc": part(true), "known": part(false) })
}

/// How the simulator acts is the simulator's to show.
fn is_shown(fact: &Fact, of_smsc: bool) -> bool {
    let begins = |part: &str| fact.path.strip_prefix(part).is_some_and(|rest| rest.starts_with('.'));
    begins(presets::SMSC) == of_smsc && !begins(presets::SIMULATOR)
}

fn key(fact: &Fact) -> &str {
    let own = fact
        .path
        .strip_prefix(presets::SMSC)
        .and_then(|rest| rest.strip_prefix('.'));
    own.unwrap_or(&fact.path)
}

/// As it stands in a configuration; versions are known by their two digits.
fn value(fact: &Fact) -> String {
    match fact.value.as_integer() {
        Some(version) if key(fact) == "interface_version" => format!("0x{version:02x}"),
        _ => fact.value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_value_is_shown_with_its_source() {
        let ovh = shown(Some("ovh"), false).unwrap();
        assert!(
            ovh.contains("\nwindow = 10\n    OVHcloud, SMPP technical specifications, windowing\n"),
            "{ovh}"
        );
        assert!(ovh.contains("\nlong_messages.segments_max = 6\n"), "{ovh}");
        assert!(!ovh.contains("simulator"), "{ovh}");
        let json: Value = serde_json::from_str(&shown(Some("ovh"), true).unwrap()).unwrap();
        let window = json["smsc"]
            .as_array()
            .unwrap()
            .iter()
            .find(|fact| fact["key"] == "window")
            .unwrap();
        assert_eq!(window["value"], 10);
        let all: Value = serde_json::from_str(&shown(None, true).unwrap()).unwrap();
        assert_eq!(all.as_array().unwrap().len(), PRESETS.len());
        assert_eq!(shown(None, false).unwrap().lines().count(), PRESETS.len());
        assert!(
            shown(Some("vonnage"), false)
                .unwrap_err()
                .ends_with("did you mean \"vonage\"?")
        );
    }
}
