//! The committed table, one line a scenario: what came of it, held to what comes of it.

use super::case::{beside, read};
use super::stage::Outcome;

/// Where it is.
const FILE: &str = "../docs/quirks.md";

/// The lines of the committed table, without its head.
pub fn committed() -> Vec<String> {
    let text = read(&beside(FILE));
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines.map(str::to_owned).collect()
}

/// The scenario that a line is about.
pub fn scenario_of(line: &str) -> &str {
    line.split('`').nth(1).unwrap_or_default()
}

/// What a scenario's line has to say.
pub fn line(outcome: &Outcome) -> String {
    let known = &outcome.case.known;
    let messages: u64 = outcome.statuses.values().sum();
    let right = messages - outcome.wrong.len() as u64;
    let bind = known.bind.iter().map(|bind| format!("`bind = \"{bind}\"`"));
    let lines = known.settings.iter().map(|line| format!("`{line}`"));
    let mut settings: Vec<String> = bind.chain(lines).collect();
    if !known.why.is_empty() {
        settings.push(known.why.clone());
    }
    format!(
        "| `{}` | {} | {} | {} | {} | {} | {right} of {messages} |",
        outcome.case.name,
        outcome.case.about,
        known.carriers,
        settings.join("; "),
        outcome.comparison.lost,
        outcome.comparison.doubled,
    )
}
