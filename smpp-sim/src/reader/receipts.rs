use std::sync::Arc;
use std::time::Duration;

use kit::settings::{Given, Table};
use smpp::command_status::CommandStatus;
use strum::VariantArray;

use super::delays::delay;
use super::dialect::dialect;
use super::ids::id_format;
use super::values::{DURATIONS, STATUS, WINDOW_MAX, names, status};
use crate::delay::Delay;
use crate::model::{COPIES_MAX, Defaults, Ids, ReceiptPlan, Redelivery, Scenario, Stat};

/// The longest err of any carrier's table.
const ERR_DIGITS_MAX: usize = 4;

/// The keys of a receipt that are called otherwise in an `[[outcome]]`.
struct KeyNames {
    delay: &'static str,
    form: &'static str,
    first: &'static str,
    late: &'static str,
    segments: &'static str,
    route: &'static str,
    unrequested: &'static str,
}

const IN_RECEIPT: KeyNames = KeyNames {
    delay: "delay",
    form: "form",
    first: "first",
    late: "late",
    segments: "segments",
    route: "route",
    unrequested: "unrequested",
};

const IN_OUTCOME: KeyNames = KeyNames {
    delay: "receipt_delay",
    form: "receipt_form",
    first: "receipt_first",
    late: "receipt_late",
    segments: "receipt_segments",
    route: "receipt_route",
    unrequested: "receipt_unrequested",
};

/// KeyNames of an `[[outcome]]` that mean nothing without a receipt.
const RECEIPT_KEYS: &[&str] = &[
    "stat",
    "err",
    "receipt_delay",
    "receipt_form",
    "receipt_first",
    "receipt_late",
    "receipt_segments",
    "receipt_route",
    "receipt_unrequested",
    "intermediate",
    "copies",
    "copies_delay",
    "release_every",
    "dialect",
];

/// Reads `[answer]` and `[receipt]`.
pub(super) fn answer_and_receipt(table: &Table<'_>, scenario: &mut Scenario) {
    let (answer, receipt) = (table.table("answer"), table.table("receipt"));
    let otherwise = &scenario.defaults;
    scenario.defaults = Defaults {
        answer_delay: delay(&answer, "delay").unwrap_or_else(|| otherwise.answer_delay.clone()),
        message_id: id_format(&answer, "message_id").unwrap_or_else(|| Arc::clone(&otherwise.message_id)),
        receipt: plan(&receipt, &IN_RECEIPT, &otherwise.receipt),
    };
    scenario.ids = answer
        .choice("ids", &[("seeded", Ids::Seeded), ("since_start", Ids::SinceStart)])
        .unwrap_or(scenario.ids);
    answer.finish();
    scenario.receipt_window = receipt.integer("window", 1..=WINDOW_MAX, scenario.receipt_window as u64) as usize;
    if receipt.has("redelivery") {
        scenario.redelivery = redelivery(&receipt.table("redelivery"));
    }
    receipt.finish();
}

/// The receipt of an outcome, if it has one.
pub(super) fn outcome_receipt(table: &Table<'_>, defaults: &Defaults, accepts: bool) -> Option<ReceiptPlan> {
    let mut receipt = plan(table, &IN_OUTCOME, &defaults.receipt);
    receipt.with_id = table
        .choice("receipt_id", &[("as_answer", true), ("missing", false)])
        .unwrap_or(true);
    let (wanted, orphan) = (table.boolean("receipt", true), table.boolean("orphan", false));
    if orphan && accepts {
        table.fault_of_value(
            "orphan",
            "is not allowed: it goes with an answer that refuses the message",
        );
    }
    if wanted && (accepts || orphan) {
        return Some(receipt);
    }
    let keys = RECEIPT_KEYS.iter().filter(|key| table.has(key));
    keys.for_each(|key| table.fault_of_value(key, "is not allowed: this outcome has no receipt"));
    None
}

fn plan(table: &Table<'_>, keys: &KeyNames, otherwise: &ReceiptPlan) -> ReceiptPlan {
    let otherwise = otherwise.clone();
    ReceiptPlan {
        stat: table.choice("stat", &names()).unwrap_or(otherwise.stat),
        err: table
            .parsed("err", "one to four digits like \"027\"", err)
            .unwrap_or(otherwise.err),
        delay: delay(table, keys.delay).unwrap_or(otherwise.delay),
        form: table.choice(keys.form, &names()).unwrap_or(otherwise.form),
        with_id: otherwise.with_id,
        first: table.boolean(keys.first, otherwise.first),
        intermediate: table
            .parsed("intermediate", "true, false, or a stat like \"ACCEPTD\"", intermediate)
            .unwrap_or(otherwise.intermediate),
        copies: table.integer("copies", 1..=u64::from(COPIES_MAX), u64::from(otherwise.copies)) as u8,
        copies_delay: delay(table, "copies_delay").unwrap_or(otherwise.copies_delay),
        late: late(table, keys.late).or(otherwise.late),
        release_every: release_every(table).or(otherwise.release_every),
        segments: table.choice(keys.segments, &names()).unwrap_or(otherwise.segments),
        route: table.choice(keys.route, &names()).unwrap_or(otherwise.route),
        unrequested: table.boolean(keys.unrequested, otherwise.unrequested),
        dialect: dialect(table, &otherwise.dialect),
    }
}

fn err(value: Given<'_>) -> Option<u16> {
    let digits = value
        .text()
        .filter(|digits| (1..=ERR_DIGITS_MAX).contains(&digits.len()))?;
    let plain = digits.bytes().all(|digit| digit.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

fn intermediate(value: Given<'_>) -> Option<Option<Stat>> {
    if let Some(enroute) = value.boolean() {
        return Some(enroute.then_some(Stat::Enroute));
    }
    let name = value.text()?;
    let found = Stat::VARIANTS.iter().copied().find(|stat| stat.name() == name);
    found.map(Some)
}

fn late(table: &Table<'_>, key: &'static str) -> Option<(f64, Delay)> {
    if !table.has(key) {
        return None;
    }
    let late = table.table(key);
    let given = late.has("share");
    let share = late.number("share", 0.0..=1.0, 0.0);
    let by = delay(&late, "by");
    late.required("share", "the share of receipts that are late, from 0 to 1");
    late.required("by", "how much later they are, a delay");
    late.finish();
    by.filter(|_| given).map(|by| (share, by))
}

fn release_every(table: &Table<'_>) -> Option<Duration> {
    let every = table.duration("release_every", DURATIONS, Duration::ZERO);
    (!every.is_zero()).then_some(every)
}

fn redelivery(table: &Table<'_>) -> Redelivery {
    let default = Redelivery::default();
    let statuses =
        |value: Given<'_>| -> Option<Vec<CommandStatus>> { value.items()?.into_iter().map(status).collect() };
    let redelivery = Redelivery {
        unanswered: table
            .has("after")
            .then(|| table.duration("after", DURATIONS, Duration::from_secs(60))),
        refused: table.duration("delay", DURATIONS, default.refused),
        times: table.integer("times", 1..=255, u64::from(default.times)) as u8,
        temporary: table
            .parsed("temporary", format!("an array; each {STATUS}"), statuses)
            .unwrap_or(default.temporary),
    };
    table.finish();
    redelivery
}
