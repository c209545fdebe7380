//! What is known of carriers, to begin a scenario with.

use kit::settings::Source;
use presets::{Preset, SIMULATOR};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Gives the scenario, and each of several SMSCs, what its preset says and it does not say itself. Lines of faults stay
/// those of the scenario: a preset has none.
pub(super) fn apply<'a>(source: &Source<'_>, scenario: &mut DeTable<'a>) {
    apply_one(source, scenario, "preset");
    let Some(DeValue::Array(smscs)) = scenario.get_mut("smsc").map(Spanned::get_mut) else {
        return;
    };
    for (place, smsc) in smscs.iter_mut().enumerate() {
        if let DeValue::Table(smsc) = smsc.get_mut() {
            apply_one(source, smsc, &format!("smsc[{place}].preset"));
        }
    }
}

fn apply_one<'a>(source: &Source<'_>, scenario: &mut DeTable<'a>, path: &str) {
    let Some(named) = scenario.get("preset") else { return };
    let name = named.get_ref().as_str();
    let Some(preset) = name.and_then(Preset::named) else {
        let names: Vec<_> = Preset::names().collect();
        return source.refuse(named, path, format!("one of {}", names.join(", ")));
    };
    let (mut document, _) = DeTable::parse_recoverable(preset.text);
    let simulator = document.get_mut().remove(SIMULATOR).map(Spanned::into_inner);
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
    use presets::PRESETS;

    use crate::model::{Scenario, Setup};

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
            "x:1: preset: \"acme\" is not allowed: one of infobip, kaleyra, link, ovh, routemobile, sinch, telesign, vonage"
        );
    }

    #[test]
    fn each_of_several_smscs_has_a_preset_of_its_own() {
        let smsc = |name: &str, preset: &str| {
            format!("[[smsc]]\nname = {name:?}\nlisten = \"127.0.0.1:0\"\npreset = {preset:?}\n")
        };
        let setup = Setup::parse(&(smsc("a", "ovh") + &smsc("b", "link")), "x").unwrap();
        let windows: Vec<_> = setup
            .smscs
            .iter()
            .map(|smsc| smsc.scenario.accounts[0].window)
            .collect();
        assert_eq!(windows, [10, 20]);
        let said = Setup::parse(&(smsc("a", "ovh") + &smsc("b", "acme")), "x")
            .unwrap_err()
            .to_string();
        assert!(
            said.starts_with("x:8: smsc[1].preset: \"acme\" is not allowed: one of "),
            "{said}"
        );
    }
}
