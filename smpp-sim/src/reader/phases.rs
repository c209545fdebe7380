use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use kit::settings::Table;

use super::outcomes;
use super::scenario::without_phases;
use super::values::{DURATIONS, RATE, WEIGHT, rate, usual_burst};
use crate::model::{Lasts, Phase, Scenario};

/// Phases that one scenario may have: a day in quarters of an hour.
const PHASES_MAX: usize = 100;

/// Outcomes of all phases together: every phase brings its own along, and a row of the ledger names one in 16 bits.
const OUTCOMES_MAX: usize = 60_000;

/// Keys of a scenario that its phases neither inherit nor have.
const NOT_INHERITED: &[&str] = &[
    "for",
    "submits",
    "phase",
    "repeat",
    "weights",
    "rate",
    "inbound",
    "recipients",
    "recipients_csv",
    "prefix",
    "population",
    "listen",
    "tls",
];

/// One SMSC's scenario, in whichever table it is; `folder` is where other files are that it names.
pub(super) fn scenario(table: &Table<'_>, folder: Option<&Path>) -> Scenario {
    let mut scenario = without_phases(table, folder);
    phases(table, &mut scenario);
    table.finish();
    scenario
}

/// Reads every `[[phase]]`: what it says of the answer, the receipt and the faults is laid over what the scenario says.
fn phases(table: &Table<'_>, scenario: &mut Scenario) {
    scenario.repeat = table.boolean("repeat", false);
    let tables = table.tables("phase", PHASES_MAX);
    if table.has("repeat") && tables.is_empty() {
        table.fault_of_value("repeat", "is not allowed: it goes with [[phase]]");
    }
    if tables.len() * scenario.outcomes.len() > OUTCOMES_MAX {
        let (phases, outcomes) = (tables.len(), scenario.outcomes.len());
        let detail = format!("{phases} phases of {outcomes} outcomes are too many: at most {OUTCOMES_MAX} together");
        table.fault("phase", detail);
        return;
    }
    let last = tables.len().saturating_sub(1);
    for (place, own) in tables.iter().enumerate() {
        let lasts = lasts(own, (place == last, scenario.repeat));
        let merged = own.over(table, NOT_INHERITED);
        // Its own table says which keys it has; what is unknown beside them is told there.
        let mut changed = without_phases(&merged, None);
        changed.rules = Arc::clone(&scenario.rules);
        weights(own, &mut changed);
        if let Some(rate) = own.parsed("rate", RATE, rate) {
            for account in &mut changed.accounts {
                (account.rate, account.burst) = (Some(rate), usual_burst(rate));
            }
        }
        let name = own.text("name").unwrap_or_default();
        own.required("name", "what it is called");
        if own.has("name") && name.is_empty() || scenario.phases.iter().any(|other| other.name == name) {
            own.fault_of_value("name", "is not allowed: a phase has a name of its own");
        }
        for section in ["answer", "receipt", "faults"] {
            own.table(section);
        }
        own.finish();
        scenario.phases.push(Phase {
            name,
            lasts,
            scenario: Arc::new(changed),
        });
    }
}

fn lasts(table: &Table<'_>, (is_last, repeats): (bool, bool)) -> Lasts {
    let time = table
        .has("for")
        .then(|| table.duration("for", DURATIONS, Duration::ZERO));
    let submits = table.has("submits").then(|| table.integer("submits", 1..=u64::MAX, 1));
    match (time, submits) {
        (Some(time), None) if time > Duration::ZERO => Lasts::Time(time),
        (None, Some(submits)) => Lasts::Submits(submits),
        (None, None) if is_last && !repeats => Lasts::Ever,
        (Some(_), None) => {
            table.fault_of_value("for", "is not allowed: longer than 0s");
            Lasts::Ever
        }
        (Some(_), Some(_)) => {
            table.fault_of_value("submits", "stands beside for: a phase ends by one of them");
            Lasts::Ever
        }
        (None, None) => {
            let problem = match is_last {
                true => {
                    "needs for or submits: with repeat = true the last phase ends as well, and the first comes again"
                }
                false => "needs for or submits: only the last phase may have neither, without repeat = true",
            };
            table.fault("", problem);
            Lasts::Ever
        }
    }
}

/// `weights = { name = share }`: instead of the outcomes' own.
fn weights(table: &Table<'_>, scenario: &mut Scenario) {
    if !table.has("weights") {
        return;
    }
    let own = table.table("weights");
    let mut shares = vec![0.0; scenario.outcomes.len()];
    for (name, value) in own.entries() {
        let place = outcomes::place(&own, name, Some(name), scenario);
        let share = value.number().filter(|share| (0.0..=1e9).contains(share));
        if share.is_none() {
            own.refuse(name, value, WEIGHT);
        }
        if let (Some(place), Some(share)) = (place, share) {
            shares[place] = share;
        }
    }
    if shares.iter().sum::<f64>() == 0.0 && table.is_table("weights") {
        table.fault_of_value("weights", "is not allowed: one weight at least is over 0");
    }
    let mut total = 0.0;
    scenario.weights = shares
        .into_iter()
        .map(|share| {
            total += share;
            total
        })
        .collect();
}
