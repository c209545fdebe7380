//! Each preset of a carrier from both sides: the engine with its part against the simulator with its own, and both ledgers agree.

use std::collections::BTreeMap;

use campanile_tests::programs;
use campanile_tests::quirks::case::Known;
use campanile_tests::quirks::{Case, Outcome, Stage, Trial};
use presets::Preset;

/// Last digits of numbers whose receipt means something else at a carrier than at most others.
fn meanings(preset: &str) -> BTreeMap<String, String> {
    let own: &[(&str, &str)] = match preset {
        // UNDELIV with err 001: an internal error.
        "ovh" => &[("906", "reception_error")],
        _ => &[],
    };
    own.iter()
        .map(|(digits, status)| ((*digits).to_owned(), (*status).to_owned()))
        .collect()
}

fn case(preset: &str) -> Case {
    let mut scenario = toml::Table::new();
    scenario.insert("preset".to_owned(), preset.into());
    Case {
        name: preset.to_owned(),
        about: String::new(),
        scenario,
        known: Known {
            preset: Some(preset.to_owned()),
            numbers: meanings(preset),
            ..Known::default()
        },
    }
}

#[test]
fn engine_and_simulator_agree_under_the_preset_of_each_carrier() {
    let cases: Vec<Case> = Preset::names().map(case).collect();
    let stage = Stage::new(programs!(), "presets", Trial::Usual, cases);
    for outcome in stage.outcomes() {
        let Outcome {
            case,
            comparison,
            wrong,
            parked,
            ..
        } = &outcome;
        assert!(wrong.is_empty(), "{}: {wrong:?}", case.name);
        let differences = comparison.lost + comparison.doubled + comparison.wrong_status;
        assert_eq!((differences, *parked), (0, 0), "{}: {comparison:?}", case.name);
        // Who keeps to what is known of a carrier is never told to be slower.
        let throttled: Vec<_> = ["ESME_RTHROTTLED", "ESME_RMSGQFUL"]
            .iter()
            .filter(|status| outcome.answers.contains_key(**status))
            .collect();
        assert!(throttled.is_empty(), "{}: {:?}", case.name, outcome.answers);
    }
}
