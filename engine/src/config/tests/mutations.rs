//! Configurations with characters changed, inserted and cut off: each is read, or refused with its faults.

use proptest::prelude::*;
use proptest::sample::Index;

use super::{CONTRACT, EVERY_KEY, parse};

/// What a hasty hand leaves behind.
const SLIPS: [&str; 10] = [
    "[",
    "]",
    "\"",
    "=",
    "\n",
    "-1",
    "99999999999999999999",
    "é",
    "{}",
    "[[smsc]]",
];

#[derive(Clone, Debug)]
enum Slip {
    Insert(Index, &'static str),
    Remove(Index),
    CutOff(Index),
}

fn slips() -> impl Strategy<Value = Vec<Slip>> {
    let slip = prop_oneof![
        4 => (any::<Index>(), prop::sample::select(&SLIPS[..])).prop_map(|(at, text)| Slip::Insert(at, text)),
        4 => any::<Index>().prop_map(Slip::Remove),
        1 => any::<Index>().prop_map(Slip::CutOff),
    ];
    proptest::collection::vec(slip, 1..6)
}

fn slipped(text: &str, slips: &[Slip]) -> String {
    let mut characters: Vec<char> = text.chars().collect();
    for slip in slips {
        let length = characters.len().max(1);
        match slip {
            Slip::Insert(at, text) => {
                let at = at.index(length).min(characters.len());
                characters.splice(at..at, text.chars());
            }
            Slip::Remove(at) if !characters.is_empty() => drop(characters.remove(at.index(length))),
            Slip::Remove(_) => {}
            Slip::CutOff(at) => characters.truncate(at.index(length)),
        }
    }
    characters.into_iter().collect()
}

proptest! {
    #![proptest_config(crate::test_cases(500))]

    #[test]
    fn changed_configurations_are_read_or_refused(every: bool, slips in slips()) {
        let text = slipped(if every { EVERY_KEY } else { CONTRACT }, &slips);
        if let Err(faults) = parse(&text) {
            prop_assert!(!faults.0.is_empty());
            for fault in &faults.0 {
                let shown = fault.to_string();
                prop_assert!(shown.starts_with("campanile.toml"), "{shown}");
                prop_assert!(shown.len() < 4_000, "{shown}");
            }
        }
    }
}
