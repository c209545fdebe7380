use std::path::{Path, PathBuf};
use std::time::Duration;

use kit::settings::{Given, Table};

use super::accounts::accounts;
use super::fault_keys::misbehaviour;
use super::inbound;
use super::outcomes::outcomes;
use super::receipts::answer_and_receipt;
use super::recipients::rules;
use super::values::{DURATIONS, RATE, rate};
use crate::model::{Keep, Scenario, TIME_SCALE, Timers};

/// Texts are found by offsets of 39 bits: so much of them is surely within.
const TEXT_BYTES_MAX: u64 = 64_000_000_000;

/// The shortest timer: one of nothing would have run out before a peer could do anything.
const TIMER_MIN: Duration = Duration::from_millis(1);

/// One SMSC's scenario but for its phases, in whichever table it is; `folder` is where other files are that it names.
pub(super) fn without_phases(table: &Table<'_>, folder: Option<&Path>) -> Scenario {
    let healthy = Scenario::healthy();
    let faults = misbehaviour(table.table("faults"));
    table.has("preset"); // put in already
    let mut scenario = Scenario {
        name: table.text("name").unwrap_or_else(|| "unnamed".to_owned()),
        about: table.text("about").unwrap_or_default(),
        seed: table.integer("seed", 0..=u64::MAX, healthy.seed),
        time_scale: table.number("time_scale", TIME_SCALE, healthy.time_scale),
        accounts: accounts(table, &faults),
        max_tps: table.parsed("max_tps", RATE, rate),
        timers: timers(table.table("timers")),
        faults,
        outcomes: Vec::new(),
        ..healthy
    };
    scenario.inbound = inbound::rules(table, &scenario.accounts);
    answer_and_receipt(table, &mut scenario);
    ledger(table.table("ledger"), &mut scenario);
    outcomes(table, &mut scenario);
    rules(table, &mut scenario, folder);
    if table.boolean("magic", false) {
        scenario.add_magic();
    }
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
    scenario.ledger_file = table.parsed("file", LEDGER_FILE, ledger_file);
    table.finish();
}

const LEDGER_FILE: &str = "the path of a file, in a folder that is there";

fn ledger_file(value: Given<'_>) -> Option<PathBuf> {
    let path = Path::new(value.text().filter(|text| !text.is_empty())?);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let is_place = folder.is_none_or(Path::is_dir) && !path.is_dir();
    is_place.then(|| path.to_owned())
}

fn timers(table: Table<'_>) -> Timers {
    let default = Timers::default();
    let timer = |key, default| table.duration(key, TIMER_MIN..=*DURATIONS.end(), default);
    let timers = Timers {
        bind: timer("bind", default.bind),
        read: timer("read", default.read),
        write: timer("write", default.write),
        enquire_link: timer("enquire_link", default.enquire_link),
        enquire_link_answer: timer("enquire_link_answer", default.enquire_link_answer),
        unbind: timer("unbind", default.unbind),
    };
    table.finish();
    timers
}
