use std::sync::Arc;

use smpp::command_status::CommandStatus;
use smpp::frame::BindKind;
use toml::de::DeValue;

use super::fault_keys::misbehaviour;
use super::ids::id_format;
use super::read::{WINDOW_MAX, open_account, place};
use super::receipts::outcome_receipt;
use super::table::{Table, whole};
use super::{Account, BeyondWindow, Misbehaviour, Scenario, Timers};
use crate::outcome::{Answer, Defaults, Outcome};

/// Accounts that one scenario may name: far more than any aggregator gives one customer.
const ACCOUNTS_MAX: usize = 1000;

/// Outcomes that one scenario may name: a place must fit 16 bits with the magic ones.
const OUTCOMES_MAX: usize = 10_000;

/// The longest exact deck; it is held in memory, two octets a card.
pub(super) const QUOTA_MAX: u64 = 10_000_000;

/// The highest rate that can be counted exactly: one time stamp for every submit of a second.
const RATE_MAX: u64 = 1_000_000;

const BINDS: &[(&str, BindKind)] = &[
    ("transceiver", BindKind::Transceiver),
    ("transmitter", BindKind::Transmitter),
    ("receiver", BindKind::Receiver),
];

const BEYOND_WINDOW: &[(&str, BeyondWindow)] = &[
    ("throttled", BeyondWindow::Throttled),
    ("queue_full", BeyondWindow::QueueFull),
    ("close", BeyondWindow::Close),
];

pub(super) fn accounts(table: &Table<'_>, faults: &Misbehaviour) -> Vec<Account> {
    let tables = table.tables("account");
    if tables.is_empty() {
        return vec![open_account(faults.clone())];
    }
    if tables.len() > ACCOUNTS_MAX {
        table.fault(
            "account",
            format!("{} accounts are too many: at most {ACCOUNTS_MAX}", tables.len()),
        );
    }
    let mut accounts: Vec<Account> = Vec::new();
    for table in &tables {
        let account = account(table, faults);
        if accounts.iter().any(|other| other.system_id == account.system_id) {
            table.fault("system_id", "two accounts have the same system_id".to_owned());
        }
        accounts.push(account);
    }
    accounts
}

fn account(table: &Table<'_>, faults: &Misbehaviour) -> Account {
    let any = |value: String| (value != "*").then_some(value);
    let open = open_account(Misbehaviour::default());
    let rate = table.parsed("rate", RATE, rate);
    let own = table.table("faults");
    let account = Account {
        system_id: table.string("system_id").and_then(any),
        password: table.string("password").and_then(any),
        binds: table.choices("binds", BINDS).unwrap_or(open.binds),
        sessions: table.integer("sessions", 1..=1000, open.sessions as u64) as usize,
        window: table.integer("window", 1..=WINDOW_MAX, u64::from(open.window)) as u32,
        beyond_window: table
            .choice("beyond_window", BEYOND_WINDOW)
            .unwrap_or(open.beyond_window),
        rate,
        burst: table.integer("burst", 0..=RATE_MAX, u64::from(rate.map_or(0, usual_burst))) as u32,
        faults: if table.has("faults") {
            misbehaviour(own)
        } else {
            faults.clone()
        },
    };
    if !table.has("system_id") {
        table.fault("", "an account needs a system_id (\"*\" for any)".to_owned());
    }
    table.unknown_keys();
    account
}

/// A tenth of the rate, at least 1.
pub(super) fn usual_burst(rate: u32) -> u32 {
    (rate / 10).max(1)
}

pub(super) const RATE: &str = "segments a second like \"500/s\", 1/s to 1000000/s";

pub(super) fn rate(value: &DeValue<'_>) -> Option<u32> {
    let number = value.as_str()?.strip_suffix("/s")?.trim().parse::<u64>().ok()?;
    (1..=RATE_MAX).contains(&number).then_some(number as u32)
}

pub(super) fn timers(table: Table<'_>) -> Timers {
    let default = Timers::default();
    let timers = Timers {
        bind: table.duration("bind", default.bind),
        read: table.duration("read", default.read),
        write: table.duration("write", default.write),
        enquire_link: table.duration("enquire_link", default.enquire_link),
        enquire_link_answer: table.duration("enquire_link_answer", default.enquire_link_answer),
        unbind: table.duration("unbind", default.unbind),
    };
    table.unknown_keys();
    timers
}

pub(super) const STATUS: &str = "a command_status: a name like \"ESME_RTHROTTLED\" or a number like \"0x00000058\"";

pub(super) fn status(value: &DeValue<'_>) -> Option<CommandStatus> {
    if let Some(integer) = value.as_integer() {
        return whole(integer)
            .and_then(|number| u32::try_from(number).ok())
            .map(CommandStatus);
    }
    value.as_str().and_then(CommandStatus::parse)
}

/// Reads every `[[outcome]]` with its weight and its quota.
pub(super) fn outcomes(table: &Table<'_>, scenario: &mut Scenario) {
    let tables = table.tables("outcome");
    if tables.len() > OUTCOMES_MAX {
        table.fault(
            "outcome",
            format!("{} outcomes are too many: at most {OUTCOMES_MAX}", tables.len()),
        );
    }
    let mut total = 0.0;
    for table in &tables {
        let outcome = outcome(table, &scenario.defaults);
        if scenario.outcomes.iter().any(|other| other.name == outcome.name) {
            table.fault("name", format!("two outcomes are called {:?}", outcome.name));
        }
        scenario.outcomes.push(outcome);
        total += table.number("weight", 0.0..=1e9, 0.0);
        scenario.weights.push(total);
        scenario.quotas.push(table.integer("quota", 0..=QUOTA_MAX, 0) as u32);
    }
    if scenario.quotas.iter().map(|&quota| u64::from(quota)).sum::<u64>() > QUOTA_MAX {
        table.fault("outcome", format!("the quotas add up to more than {QUOTA_MAX}"));
    }
    if total == 0.0 {
        scenario.weights.clear();
    }
    for (at, table) in tables.iter().enumerate() {
        let attempts = table.integer("first_attempts", 1..=1000, 1) as u16;
        let then = place(table, "then", table.string("then").as_deref(), scenario);
        if table.has("first_attempts") && !table.has("then") {
            table.fault("first_attempts", "goes with then, the outcome afterwards".to_owned());
        }
        scenario.outcomes[at].then = then.map(|then| (attempts, then));
        table.unknown_keys();
    }
    if scenario.outcomes.is_empty() {
        scenario.outcomes.push(Outcome::delivered(&scenario.defaults));
    }
}

fn outcome(table: &Table<'_>, defaults: &Defaults) -> Outcome {
    let answer = table.parsed(
        "answer",
        "\"silence\", or a command_status by name or number",
        |value| {
            if value.as_str() == Some("silence") {
                return Some(Answer::Silence { accepted: true });
            }
            status(value).map(Answer::Status)
        },
    );
    let accepted = table.boolean("accepted", true);
    let answer = match answer.unwrap_or(Answer::Status(CommandStatus::ESME_ROK)) {
        Answer::Silence { .. } => Answer::Silence { accepted },
        Answer::Status(status) => {
            if table.has("accepted") {
                table.fault("accepted", "goes with answer = \"silence\" only".to_owned());
            }
            Answer::Status(status)
        }
    };
    if !table.has("name") {
        table.fault("", "an outcome needs a name".to_owned());
    }
    let mut outcome = Outcome {
        name: table
            .parsed("name", "1 to 64 of a-z, 0-9, _ and -", name)
            .unwrap_or_default(),
        answer,
        answer_delay: table
            .delay("answer_delay")
            .unwrap_or_else(|| defaults.answer_delay.clone()),
        message_id: id_format(table, "message_id").unwrap_or_else(|| Arc::clone(&defaults.message_id)),
        receipt: None,
        then: None,
    };
    outcome.receipt = outcome_receipt(table, defaults, outcome.accepts());
    outcome
}

/// Names become labels of metrics.
fn name(value: &DeValue<'_>) -> Option<String> {
    let name = value.as_str()?;
    let plain = name
        .bytes()
        .all(|octet| octet.is_ascii_lowercase() || octet.is_ascii_digit() || b"_-".contains(&octet));
    ((1..=64).contains(&name.len()) && plain).then(|| name.to_owned())
}
