use std::sync::Arc;

use kit::settings::Table;
use smpp::command_status::CommandStatus;

use super::delays::delay;
use super::ids::id_format;
use super::receipts::outcome_receipt;
use super::values::{NAME, name, status};
use crate::model::{Answer, Defaults, Outcome, Scenario};

/// Outcomes that one scenario may name: a place must fit 16 bits with the magic ones.
const OUTCOMES_MAX: usize = 10_000;

/// The longest exact deck; it is held in memory, two octets a card.
pub(super) const QUOTA_MAX: u64 = 10_000_000;

/// Reads every `[[outcome]]` with its weight and its quota.
pub(super) fn outcomes(table: &Table<'_>, scenario: &mut Scenario) {
    let tables = table.tables("outcome", OUTCOMES_MAX);
    let mut total = 0.0;
    for table in &tables {
        let outcome = outcome(table, &scenario.defaults);
        if scenario.outcomes.iter().any(|other| other.name == outcome.name) {
            table.fault_of_value("name", "is not allowed: another outcome is called so");
        }
        scenario.outcomes.push(outcome);
        total += table.number("weight", 0.0..=1e9, 0.0);
        scenario.weights.push(total);
        scenario.quotas.push(table.integer("quota", 0..=QUOTA_MAX, 0) as u32);
    }
    let quotas: u64 = scenario.quotas.iter().map(|&quota| u64::from(quota)).sum();
    if quotas > QUOTA_MAX {
        table.fault(
            "outcome",
            format!("the quotas add up to {quotas}: at most {QUOTA_MAX} are allowed"),
        );
    }
    if total == 0.0 {
        scenario.weights.clear();
    }
    for (at, table) in tables.iter().enumerate() {
        let attempts = table.integer("first_attempts", 1..=1000u16, 1);
        let then = place(table, "then", table.text("then").as_deref(), scenario);
        if table.has("first_attempts") && !table.has("then") {
            table.fault_of_value(
                "first_attempts",
                "is not allowed: it goes with then, the outcome afterwards",
            );
        }
        scenario.outcomes[at].then = then.map(|then| (attempts, then));
        table.finish();
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
            if value.text() == Some("silence") {
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
                table.fault_of_value("accepted", "is not allowed: it goes with answer = \"silence\" only");
            }
            Answer::Status(status)
        }
    };
    table.required("name", NAME);
    let mut outcome = Outcome {
        name: table.parsed("name", NAME, name).unwrap_or_default(),
        answer,
        answer_delay: delay(table, "answer_delay").unwrap_or_else(|| defaults.answer_delay.clone()),
        message_id: id_format(table, "message_id").unwrap_or_else(|| Arc::clone(&defaults.message_id)),
        receipt: None,
        then: None,
    };
    outcome.receipt = outcome_receipt(table, defaults, outcome.accepts());
    outcome
}

/// The place of a named outcome; a fault when no outcome has that name.
pub(super) fn place(table: &Table<'_>, key: &str, name: Option<&str>, scenario: &Scenario) -> Option<usize> {
    let name = name?;
    let found = scenario.outcomes.iter().position(|outcome| outcome.name == name);
    if found.is_none() {
        table.fault(key, no_such_outcome(name, scenario));
    }
    found
}

/// What a name that no outcome has is answered with.
pub(super) fn no_such_outcome(name: &str, scenario: &Scenario) -> String {
    let names: Vec<_> = scenario.outcomes.iter().map(|outcome| outcome.name.as_str()).collect();
    format!(
        "{name:?} is not allowed: an outcome that is there, which are {}",
        names.join(", ")
    )
}
