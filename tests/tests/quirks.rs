//! Every quirk of a carrier that the simulator has, against the engine: nothing lost, nothing doubled, the right status for each
//! message, and docs/quirks.md says so.

use campanile_tests::programs;
use campanile_tests::quirks::case::Known;
use campanile_tests::quirks::{Case, Outcome, Stage, Trial, table};

/// What the names of those begin with whose ids are odd.
const IDS: &[&str] = &["id-"];

/// Of those whose texts are.
const TEXTS: &[&str] = &[
    "binary-", "counts-", "date-", "err-", "keys-", "stat-", "text-", "utf16", "ucs2-",
];

#[test]
fn ids_are_matched_however_they_are_written() {
    hold("quirks-ids", |case| begins(case, IDS));
}

#[test]
fn texts_are_read_in_every_dialect() {
    hold("quirks-texts", |case| begins(case, TEXTS));
}

#[test]
fn receipts_settle_whatever_they_come_in_and_whenever() {
    hold("quirks-rest", |case| !begins(case, IDS) && !begins(case, TEXTS));
}

#[test]
fn an_id_alone_finds_its_message() {
    let mut cases = named();
    // Of two messages under way with one id nobody could tell then which a receipt is about.
    cases.retain(|case| case.name != "id-reused");
    right("quirks-alone", Trial::WithoutAddresses, cases);
}

#[test]
fn ids_tell_apart_what_one_person_gets() {
    right("quirks-two", Trial::TwoToEach, named());
}

/// What comes before its answer, or says little, from a sender that could be a recipient.
#[test]
fn a_receipt_finds_its_message_with_its_addresses_turned_round() {
    let chosen = [
        "aggregate",
        "data-sm",
        "id-empty-answer",
        "id-hex-answer-decimal-receipt",
        "id-missing",
        "late-answer",
        "out-of-order",
        "receipt-again",
        "receipt-first",
        "text-only",
        "tlvs-only",
    ];
    let cases = Case::all()
        .into_iter()
        .filter(|case| chosen.contains(&case.name.as_str()));
    right("quirks-turned", Trial::Turned, cases.collect());
}

/// An SMSC that reports on each segment it is asked about, under each value of `long_receipts`.
#[test]
fn long_messages_are_settled_as_their_smsc_reports_on_them() {
    let case = |how: &str| Case {
        name: how.to_owned(),
        about: String::new(),
        scenario: toml::Table::new(),
        known: Known {
            settings: vec![format!("long_receipts = {how:?}")],
            ..Known::default()
        },
    };
    let outcomes = right(
        "quirks-long",
        Trial::Usual,
        ["each", "first", "last", "one"].map(case).to_vec(),
    );
    let owed: Vec<u64> = outcomes.iter().map(|outcome| outcome.receipts).collect();
    // 19 of short messages; of the long ones 21 for three segments, and 7 for one.
    assert_eq!(owed, [40, 26, 26, 40]);
}

#[test]
fn the_table_has_each_scenario_once_in_order() {
    let lines = table::committed();
    let listed: Vec<&str> = lines.iter().map(|line| table::scenario_of(line)).collect();
    let cases = Case::all();
    let names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert_eq!(listed, names, "docs/quirks.md");
}

fn begins(case: &Case, beginnings: &[&str]) -> bool {
    beginnings.iter().any(|beginning| case.name.starts_with(beginning))
}

/// Those with ids in answers and receipts: without, nothing but the recipient tells whose a receipt is.
fn named() -> Vec<Case> {
    let nameless = ["id-missing", "id-empty-answer"];
    let named = |case: &Case| begins(case, IDS) && !nameless.contains(&case.name.as_str());
    Case::all().into_iter().filter(named).collect()
}

/// Runs those scenarios, and holds what comes of them to what is known and to the table.
fn hold(name: &str, chosen: impl Fn(&Case) -> bool) {
    let cases = Case::all().into_iter().filter(chosen).collect();
    let outcomes = right(name, Trial::Usual, cases);
    let committed = table::committed();
    let lines = outcomes.iter().map(table::line);
    let missing: Vec<String> = lines.filter(|line| !committed.contains(line)).collect();
    assert!(
        missing.is_empty(),
        "docs/quirks.md does not say what came of these; their lines are\n{}",
        missing.join("\n")
    );
}

/// Plays those scenarios; everything must be right.
fn right(name: &str, trial: Trial, cases: Vec<Case>) -> Vec<Outcome> {
    let stage = Stage::new(programs!(), name, trial, cases);
    let outcomes = stage.outcomes();
    let faults: Vec<String> = outcomes.iter().filter_map(fault).collect();
    assert!(faults.is_empty(), "{trial:?}:\n{}", faults.join("\n"));
    outcomes
}

/// What is wrong with it, in words.
fn fault(outcome: &Outcome) -> Option<String> {
    let Outcome {
        case,
        comparison,
        statuses,
        wrong,
        parked,
        receipts: _,
        answers: _,
    } = outcome;
    let agree = comparison.lost + comparison.doubled + comparison.wrong_status == 0;
    let right = agree && wrong.is_empty() && *parked == case.known.parked;
    (!right).then(|| {
        let name = &case.name;
        format!("{name}: {statuses:?}, {parked} receipts parked, {comparison:?}, {wrong:?}")
    })
}
