use rustc_hash::FxHashMap;
use toml::de::DeTable;

use super::accounts::{RATE, accounts, open_account, rate};
use super::fault_keys::misbehaviour;
use super::inbound;
use super::phase::phases;
use super::sections::{outcomes, timers};
use super::table::{Source, Table};
use super::{Faults, Ids, Keep, LedgerLimits, Misbehaviour, Scenario, Timers};
use crate::number::Numbers;
use crate::outcome::{Defaults, Form, IdFormat, Outcome};

/// The longest recipient list: exact numbers are for the few that a test is about.
const RECIPIENTS_MAX: usize = 1_000_000;

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
        prefixes: Vec::new(),
        recipients: FxHashMap::default(),
        magic_from: None,
    }
}

/// Reads a whole file; every fault is found before any is returned.
pub(super) fn whole<T>(text: &str, file: &str, read: impl FnOnce(&Table<'_>) -> T) -> Result<T, Faults> {
    let source = Source::new(text, file);
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        source.fault(at, String::new(), error.message().to_owned());
    }
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

/// One SMSC's scenario, in whichever table it stands.
pub(super) fn top(table: &Table<'_>) -> Scenario {
    let blank = blank();
    let faults = misbehaviour(table.table("faults"));
    let mut scenario = Scenario {
        name: table.string("name").unwrap_or_else(|| "unnamed".to_owned()),
        about: table.string("about").unwrap_or_default(),
        seed: table.integer("seed", 0..=u64::MAX, blank.seed),
        time_scale: table.number("time_scale", 0.001..=1_000_000.0, blank.time_scale),
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
    prefixes(table, &mut scenario);
    recipients(table, &mut scenario);
    if table.boolean("magic", false) {
        scenario.add_magic();
    }
    phases(table, &mut scenario);
    table.unknown_keys();
    scenario
}

fn answer_and_receipt(table: &Table<'_>, scenario: &mut Scenario) {
    let (answer, receipt) = (table.table("answer"), table.table("receipt"));
    let otherwise = scenario.defaults;
    scenario.defaults = Defaults {
        answer_delay: answer.delay("delay").unwrap_or(otherwise.answer_delay),
        message_id: answer
            .choice("message_id", IdFormat::NAMES)
            .unwrap_or(otherwise.message_id),
        receipt_delay: receipt.delay("delay").unwrap_or(otherwise.receipt_delay),
        receipt_form: receipt.choice("form", Form::NAMES).unwrap_or(otherwise.receipt_form),
    };
    scenario.ids = answer
        .choice("ids", &[("seeded", Ids::Seeded), ("since_start", Ids::SinceStart)])
        .unwrap_or(scenario.ids);
    answer.unknown_keys();
    scenario.receipt_window = receipt.integer("window", 1..=WINDOW_MAX, 1000) as usize;
    receipt.unknown_keys();
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

fn prefixes(table: &Table<'_>, scenario: &mut Scenario) {
    for prefix in table.tables("prefix") {
        let digits = prefix.parsed("starts_with", "1 to 18 digits, without a plus sign", |value| {
            let digits = value.as_str()?;
            let plain = (1..=18).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit());
            plain.then(|| digits.to_owned())
        });
        let name = prefix.string("outcome");
        if !prefix.has("starts_with") || !prefix.has("outcome") {
            prefix.fault("", "a prefix needs starts_with and outcome".to_owned());
        }
        if let (Some(digits), Some(outcome)) = (digits, place(&prefix, "outcome", name.as_deref(), scenario)) {
            scenario.prefixes.push((digits, outcome));
        }
        prefix.unknown_keys();
    }
    // The longest first: the first that fits is the one that counts.
    scenario
        .prefixes
        .sort_by_key(|(digits, _)| std::cmp::Reverse(digits.len()));
}

fn recipients(table: &Table<'_>, scenario: &mut Scenario) {
    let recipients = table.table("recipients");
    let mut numbers = Numbers::default();
    let mut fixed = FxHashMap::default();
    for (number, value) in recipients.entries().take(RECIPIENTS_MAX) {
        let outcome = value.get_ref().as_str();
        if outcome.is_none() {
            recipients.fault(number, "the value must be the name of an outcome".to_owned());
        }
        if let Some(outcome) = place(&recipients, number, outcome, scenario) {
            let number = numbers.number(number.as_bytes());
            fixed.insert(numbers.identity(number), outcome);
        }
    }
    scenario.recipients = fixed;
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
