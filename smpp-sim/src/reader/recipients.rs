//! Which recipients get an outcome of their own: by number, by prefix, and by their place in a known population.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use kit::settings::Table;
use rustc_hash::FxHashMap;

use super::outcomes::{QUOTA_MAX, no_such_outcome, place};
use super::values::WEIGHT;
use crate::model::{Population, Prefix, PrefixOutcome, Rules, Scenario};
use crate::number::Numbers;

/// Recipients that `[recipients]` may name: exact numbers are for the few that a test is about.
const RECIPIENTS_MAX: usize = 1_000_000;

/// Prefixes that one scenario may name: every network of the world has fewer.
const PREFIXES_MAX: usize = 100_000;

/// Rows of a CSV file. Each takes 17 octets, so that the largest file takes about 300 MB.
const CSV_ROWS_MAX: usize = 10_000_000;

/// Faults of one CSV file that are listed: somebody who gave the wrong file has a fault in every row.
const CSV_FAULTS_MAX: usize = 20;

/// Digits of a prefix and of a population's first number: 18 fit an integer beside two flags.
const DIGITS_MAX: usize = 18;

/// What a prefix may be.
const DIGITS: &str = "1 to 18 digits, without a plus sign";

/// Reads `[recipients]`, `recipients_csv`, `[[prefix]]` and `[population]`. `folder`: where the CSV file is.
pub(super) fn rules(table: &Table<'_>, scenario: &mut Scenario, folder: Option<&Path>) {
    let mut rules = Rules {
        recipients: FxHashMap::default(),
        prefixes: prefixes(table, scenario),
        population: table.has("population").then(|| population(&table.table("population"))),
    };
    if let Some(file) = table.text("recipients_csv") {
        match folder {
            Some(folder) => from_csv(table, &folder.join(file), scenario, &mut rules.recipients),
            None => table.fault_of_value(
                "recipients_csv",
                "is not allowed: only a scenario that is read from a file may name another file",
            ),
        }
    }
    // The file as a whole, and then the exceptions from it.
    rules.recipients.extend(recipients(table, scenario));
    if rules.population.is_some() && scenario.quotas.iter().all(|&quota| quota == 0) {
        table.fault("population", "goes with outcomes that have a quota");
    }
    scenario.rules = Arc::new(rules);
}

fn recipients(table: &Table<'_>, scenario: &Scenario) -> FxHashMap<u64, u16> {
    let recipients = table.table("recipients");
    let mut numbers = Numbers::default();
    let mut fixed = FxHashMap::default();
    for (number, value) in recipients.entries().take(RECIPIENTS_MAX) {
        let outcome = value.text();
        if outcome.is_none() {
            recipients.refuse(number, value, "the name of an outcome");
        }
        if let Some(outcome) = place(&recipients, number, outcome, scenario) {
            fixed.insert(identity(&mut numbers, number), outcome as u16);
        }
    }
    fixed
}

fn identity(numbers: &mut Numbers, digits: &str) -> u64 {
    let number = numbers.number(digits.as_bytes());
    numbers.identity(number)
}

fn prefixes(table: &Table<'_>, scenario: &Scenario) -> Vec<Prefix> {
    let mut prefixes = Vec::new();
    for prefix in table.tables("prefix", PREFIXES_MAX) {
        let digits = prefix.parsed("starts_with", DIGITS, |value| {
            let digits = value.text()?;
            is_number(digits).then(|| digits.to_owned())
        });
        let name = prefix.text("outcome");
        prefix.required("starts_with", DIGITS);
        match (prefix.has("outcome"), prefix.has("weights")) {
            (true, true) if !prefix.is_probe() => {
                prefix.fault_of_value("outcome", "is not allowed: it stands beside weights; give one of them");
            }
            (false, false) => prefix.fault("", "needs outcome or weights"),
            (true, true | false) | (false, true) => {}
        }
        let outcome = if prefix.has("weights") {
            weights(&prefix, scenario)
        } else {
            place(&prefix, "outcome", name.as_deref(), scenario).map(PrefixOutcome::Always)
        };
        prefixes.extend(digits.zip(outcome).map(|(digits, outcome)| Prefix { digits, outcome }));
        prefix.finish();
    }
    prefixes.sort_by_key(|prefix| std::cmp::Reverse(prefix.digits.len()));
    prefixes
}

fn weights(prefix: &Table<'_>, scenario: &Scenario) -> Option<PrefixOutcome> {
    let table = &prefix.table("weights");
    let (mut sum, mut sums, mut outcomes) = (0.0, Vec::new(), Vec::new());
    for (name, value) in table.entries() {
        let weight = value.number().filter(|weight| (0.0..=1e9).contains(weight));
        if weight.is_none() {
            table.refuse(name, value, WEIGHT);
        }
        if let (Some(outcome), Some(weight)) = (place(table, name, Some(name), scenario), weight) {
            sum += weight;
            sums.push(sum);
            outcomes.push(outcome);
        }
    }
    if sum == 0.0 {
        if prefix.is_table("weights") {
            prefix.fault_of_value("weights", "is not allowed: one weight at least is over 0");
        }
        return None;
    }
    Some(PrefixOutcome::Weighted(sums, outcomes))
}

fn is_number(digits: &str) -> bool {
    (1..=DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_digit())
}

fn population(table: &Table<'_>) -> Population {
    let allowed = "1 to 18 digits, without a plus sign and without a leading zero";
    let first = table.parsed("from", allowed, |value| {
        let digits = value
            .text()
            .filter(|digits| is_number(digits) && !digits.starts_with('0'))?;
        digits.parse().ok()
    });
    let count = table.integer("count", 1..=QUOTA_MAX, 1) as u32;
    table.required("from", "its first number");
    table.required("count", "how many numbers it has");
    table.finish();
    Population {
        first: first.unwrap_or_default(),
        count,
    }
}

/// Reads `recipient,outcome` rows; every fault has the line of the CSV file.
fn from_csv(table: &Table<'_>, path: &Path, scenario: &Scenario, fixed: &mut FxHashMap<u64, u16>) {
    let mut reader = match File::open(path) {
        Ok(file) => csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(file),
        Err(error) => {
            let problem = format!("is not allowed: {} cannot be read: {error}", path.display());
            return table.fault_of_value("recipients_csv", problem);
        }
    };
    let file = path.display().to_string();
    let fault = |line: u64, key: &str, detail: String| table.fault_in(&file, line as usize, key, detail);
    let header = reader
        .headers()
        .map(|header| header.iter().collect::<Vec<_>>() == ["recipient", "outcome"]);
    if !matches!(header, Ok(true)) {
        return fault(1, "", "the first line must be recipient,outcome".to_owned());
    }
    let places: FxHashMap<&str, u16> = scenario
        .outcomes
        .iter()
        .enumerate()
        .map(|(place, outcome)| (outcome.name.as_str(), place as u16))
        .collect();
    let mut numbers = Numbers::default();
    let (mut record, mut faults) = (csv::StringRecord::new(), 0);
    loop {
        let read = reader.read_record(&mut record);
        // A record begins where the one before ended, so that empty lines before it count as its own; it ends where
        // the reader stands, which is on the next line.
        let begin = record.position().map_or(1, csv::Position::line);
        let line = begin.max(reader.position().line().saturating_sub(1));
        let wrong = match read {
            Ok(false) => return,
            Ok(true) => csv_row(&record, &places, scenario).map(|(recipient, outcome)| {
                fixed.insert(identity(&mut numbers, recipient), outcome);
            }),
            Err(error) => Err(("", error.to_string())),
        };
        if let Err((key, detail)) = wrong {
            faults += 1;
            fault(line, key, detail);
        }
        if faults >= CSV_FAULTS_MAX {
            return fault(
                line,
                "",
                format!("{CSV_FAULTS_MAX} faults: the rest of the file was not read"),
            );
        }
        if fixed.len() > CSV_ROWS_MAX {
            return fault(line, "", format!("more than {CSV_ROWS_MAX} recipients"));
        }
    }
}

/// Recipient and place of the outcome, or the column that is wrong and why.
fn csv_row<'a>(
    record: &'a csv::StringRecord,
    places: &FxHashMap<&str, u16>,
    scenario: &Scenario,
) -> Result<(&'a str, u16), (&'static str, String)> {
    let (recipient, name) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
    let digits = recipient.strip_prefix('+').unwrap_or(recipient);
    if !(1..=20).contains(&digits.len()) || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err((
            "recipient",
            format!("{recipient:?} is not allowed: 1 to 20 digits, with or without a plus sign"),
        ));
    }
    match places.get(name) {
        Some(&outcome) => Ok((recipient, outcome)),
        None => Err(("outcome", no_such_outcome(name, scenario))),
    }
}
