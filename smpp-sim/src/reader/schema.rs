use presets::Preset;
use serde_json::{Value, json};

use super::setup::setup;

/// The JSON schema (draft 2020-12) of scenario files, for editors: every key that the reader asks for.
pub fn schema() -> Value {
    let mut schema = kit::settings::schema(|table| drop(setup(table, None)));
    // Of several SMSCs, each may have one.
    let mut several = schema["properties"]["smsc"]["items"].take();
    allow_presets(&mut several);
    schema["properties"]["smsc"]["items"] = several;
    allow_presets(&mut schema);
    schema["title"] = json!("A scenario of smpp-sim");
    schema["$defs"]["delay"] = json!({ "anyOf": [
        { "$ref": "#/$defs/duration" },
        { "type": "object", "minProperties": 1, "description": "a distribution of durations" },
    ] });
    schema
}

/// Which presets there are. One may bring what accounts need not say then: that is required only without one.
fn allow_presets(smsc: &mut Value) {
    let names: Vec<_> = Preset::names().collect();
    smsc["properties"]["preset"] = json!({ "enum": names });
    if let Some(account) = smsc["properties"]["account"]["items"].as_object_mut() {
        let required = account.remove("required");
        smsc["if"] = json!({ "not": { "required": ["preset"] } });
        smsc["then"] = json!({ "properties": { "account": { "items": { "required": required } } } });
    }
}

#[cfg(test)]
mod tests {
    use super::super::builtin::BUILT_IN;
    use super::*;
    use crate::model::Setup;

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
            "[[smsc]]\nname = \"a\"\npreset = \"acme\"",
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
            "[[smsc]]\nname = \"a\"\npreset = \"ovh\"\n[[smsc.account]]\nwindow = 5",
        ];
        for text in taken {
            assert!(Setup::parse(text, "x.toml").is_ok(), "{text}");
            assert!(valid(text), "{text}");
        }
    }
}
