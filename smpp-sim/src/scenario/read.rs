use std::path::Path;
use std::sync::Arc;

use toml::de::DeTable;

use super::accounts::{RATE, accounts, open_account, rate};
use super::fault_keys::misbehaviour;
use super::inbound;
use super::phase::phases;
use super::preset;
use super::receipts::answer_and_receipt;
use super::recipients::rules;
use super::sections::{outcomes, timers};
use super::table::{Source, Table};
use super::{Faults, Ids, Keep, LedgerLimits, Misbehaviour, Scenario, TIME_SCALE, Timers};
use crate::outcome::{Defaults, Outcome, Redelivery};

/// Texts are found by offsets of 39 bits: so much of them is surely within.
const TEXT_BYTES_MAX: u64 = 64_000_000_000;

/// Room for every unanswered submit or deliver_sm that a peer may reasonably have.
pub(super) const WINDOW_MAX: u64 = 100_000;

/// Accepts anybody, without limits, and delivers everything at once.
pub(super) fn blank() -> Scenario {
    Scenario {
        name: "healthy".to_owned(),
        about: String::new(),
        seed: 1,
        time_scale: 1.0,
        accounts: vec![open_account(Misbehaviour::default())],
        defaults: Defaults::default(),
        max_tps: None,
        inbound: Vec::new(),
        receipt_window: 1000,
        redelivery: Redelivery::default(),
        timers: Timers::default(),
        ledger: LedgerLimits::default(),
        ledger_file: None,
        ids: Ids::Seeded,
        faults: Misbehaviour::default(),
        phases: Vec::new(),
        repeat: false,
        outcomes: vec![Outcome::delivered(&Defaults::default())],
        weights: Vec::new(),
        quotas: Vec::new(),
        rules: Arc::default(),
        magic_from: None,
    }
}

/// Reads a whole file; every fault is found before any is returned.
pub(super) fn whole<T>(text: &str, file: &str, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Faults> {
    let source = Source::new(text, file);
    let (mut document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        source.fault(at, String::new(), error.message().to_owned());
    }
    preset::apply(&source, document.get_mut());
    // A file that is no TOML has no keys to speak of: what is left of them would only be noise.
    let scenario = errors
        .is_empty()
        .then(|| read(&Table::new(&source, String::new(), 0, Some(document.get_ref()))));
    let faults = source.into_faults();
    match scenario {
        Some(scenario) if faults.is_empty() => Ok(scenario),
        Some(_) | None => Err(Faults(faults)),
    }
}

/// One SMSC's scenario, in whichever table it stands; `folder` is where other files are that it names.
pub(super) fn top(table: &Table<'_>, folder: Option<&Path>) -> Scenario {
    let blank = blank();
    let faults = misbehaviour(table.table("faults"));
    table.has("preset"); // put in already
    let mut scenario = Scenario {
        name: table.string("name").unwrap_or_else(|| "unnamed".to_owned()),
        about: table.string("about").unwrap_or_default(),
        seed: table.integer("seed", 0..=u64::MAX, blank.seed),
        time_scale: table.number("time_scale", TIME_SCALE, blank.time_scale),
        accounts: accounts(table, &faults),
        max_tps: table.parsed("max_tps", RATE, rate),
        inbound: inbound::rules(table),
        timers: timers(table.table("timers")),
        faults,
        outcomes: Vec::new(),
        ..blank
    };
    answer_and_receipt(table, &mut scenario);
    ledger(table.table("ledger"), &mut scenario);
    outcomes(table, &mut scenario);
    rules(table, &mut scenario, folder);
    if table.boolean("magic", false) {
        scenario.add_magic();
    }
    phases(table, &mut scenario);
    table.unknown_keys();
    scenario
}

fn ledger(table: Table<'_>, scenario: &mut Scenario) {
    let limits = &mut scenario.ledger;
    // Rows are named by 32 bits.
    limits.rows_max = table.integer("rows_max", 1..=1_000_000_000, limits.rows_max as u64) as usize;
    limits.keep = table
        .choice("keep", &[("ring", Keep::Ring), ("all", Keep::All)])
        .unwrap_or(limits.keep);
    limits.pending_max = table.integer("pending_max", 1..=1_000_000_000, limits.pending_max as u64) as usize;
    limits.text_bytes_max = table.integer("text_bytes_max", 0..=TEXT_BYTES_MAX, limits.text_bytes_max as u64) as usize;
    let recipients = table.integer("recipients_max", 1..=1_000_000_000, limits.recipients_max as u64);
    limits.recipients_max = recipients as usize;
    scenario.ledger_file = table.string("file").map(Into::into);
    table.unknown_keys();
}

/// The place of a named outcome; a fault when there is none of that name.
pub(super) fn place(table: &Table<'_>, key: &str, name: Option<&str>, scenario: &Scenario) -> Option<usize> {
    let name = name?;
    let found = scenario.outcomes.iter().position(|outcome| outcome.name == name);
    if found.is_none() {
        let names: Vec<_> = scenario.outcomes.iter().map(|outcome| outcome.name.as_str()).collect();
        table.fault(
            key,
            format!("no outcome is called {name:?}; there are {}", names.join(", ")),
        );
    }
    found
}
