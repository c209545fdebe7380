use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::*;
use crate::model::{MAGIC_NUMBERS, Scenario};
use crate::number::Numbers;

struct Table {
    numbers: Numbers,
    dealer: Dealer,
    scenario: Arc<Scenario>,
}

impl Table {
    fn new(scenario: Scenario) -> Self {
        let scenario = Arc::new(scenario);
        Self {
            numbers: Numbers::default(),
            dealer: Dealer::new(Arc::clone(&scenario)),
            scenario,
        }
    }

    fn deal(&mut self, recipient: &str, concatenation: Option<Concatenation>) -> (String, u16) {
        let pair = (
            self.numbers.number(b"CLINIQUE"),
            self.numbers.number(recipient.as_bytes()),
        );
        let dealt = self.dealer.deal(&self.numbers, pair, concatenation);
        (self.scenario.outcomes[dealt.outcome].name.clone(), dealt.attempt)
    }
}

fn parse(text: &str) -> Scenario {
    Scenario::parse(text, "test.toml").unwrap_or_else(|faults| panic!("{faults}"))
}

#[test]
fn quotas_are_exact_whatever_the_order() {
    for order in [1u64, 7, 4378] {
        let mut table = Table::new(Scenario::named("fr-4379").unwrap());
        let mut counts: FxHashMap<String, u32> = FxHashMap::default();
        for place in 0..4379u64 {
            let recipient = (33_600_000_000 + place * order % 4379).to_string();
            *counts.entry(table.deal(&recipient, None).0).or_default() += 1;
        }
        let expected = [
            ("delivered", 3969),
            ("transmission_failed", 8),
            ("reception_error", 18),
            ("unknown_number_refused", 60),
            ("unknown_number_receipt", 52),
            ("not_routed", 4),
            ("transmitted", 267),
            ("recredited", 1),
        ];
        for (name, count) in expected {
            assert_eq!(counts[name], count, "{name} in order {order}");
        }
        let again = table.deal("33600000000", None);
        assert_eq!(again.1, 2);
        assert_eq!(
            table.deal("33699999999", None).0,
            "delivered",
            "beyond the quotas: by weight"
        );
    }
}

#[test]
fn a_recipient_keeps_its_card() {
    let mut table = Table::new(Scenario::named("fr-4379").unwrap());
    let first: Vec<_> = (0..4379u64)
        .map(|place| table.deal(&(33_600_000_000 + place).to_string(), None).0)
        .collect();
    let second: Vec<_> = (0..4379u64)
        .map(|place| table.deal(&(33_600_000_000 + place).to_string(), None).0)
        .collect();
    assert_eq!(first, second);
}

#[test]
fn weights_depend_on_seed_recipient_and_attempt_only() {
    let ways = |order: u64| {
        let mut table = Table::new(Scenario::named("unreliable").unwrap());
        let mut dealt: Vec<_> = (0..2003u64)
            .map(|place| (33_600_000_000 + place * order % 2003).to_string())
            .map(|recipient| (table.deal(&recipient, None).0, recipient))
            .collect();
        dealt.sort_by(|left, right| left.1.cmp(&right.1));
        dealt
    };
    let (forward, mixed) = (ways(1), ways(1000));
    assert_eq!(forward, mixed);
    let delivered = forward.iter().filter(|dealt| dealt.0 == "delivered").count();
    assert!(
        (1750..1860).contains(&delivered),
        "{delivered} of 2003 at a weight of 90 %"
    );
}

#[test]
fn a_known_population_is_dealt_exactly_and_in_any_order() {
    let text = r#"
[population]
from = "33600000000"
count = 1000
[[outcome]]
name = "delivered"
weight = 1
[[outcome]]
name = "failed"
quota = 300
[[outcome]]
name = "lost"
quota = 7
"#;
    let ways = |order: u64| {
        let mut table = Table::new(parse(text));
        let mut dealt: Vec<_> = (0..1000u64)
            .map(|place| (33_600_000_000 + place * order % 1000).to_string())
            .map(|recipient| (recipient.clone(), table.deal(&recipient, None).0))
            .collect();
        dealt.sort();
        dealt
    };
    let (forward, mixed) = (ways(1), ways(333));
    assert_eq!(forward, mixed);
    let count = |name| forward.iter().filter(|dealt| dealt.1 == name).count();
    assert_eq!((count("failed"), count("lost"), count("delivered")), (300, 7, 693));
}

#[test]
fn strangers_to_the_population_draw_what_is_left() {
    let mut table = Table::new(Scenario::named("fr-4379").unwrap());
    let mut counts: FxHashMap<String, u32> = FxHashMap::default();
    // Half of them strangers, who come first.
    for place in (0..4379u64).rev() {
        let recipient = (33_600_002_000 + place).to_string();
        *counts.entry(table.deal(&recipient, None).0).or_default() += 1;
    }
    let counts = ["delivered", "transmitted", "recredited", "not_routed"].map(|name| counts[name]);
    assert_eq!(counts, [3969, 267, 1, 4]);
}

#[test]
fn a_prefix_may_have_weights_of_its_own() {
    let text = r#"
[[outcome]]
name = "ok"
[[outcome]]
name = "bad"
[[prefix]]
starts_with = "336999"
weights = { ok = 3, bad = 1 }
"#;
    let mut table = Table::new(parse(text));
    let mut bad = |from: u64| {
        (from..from + 2000)
            .filter(|number| table.deal(&number.to_string(), None).0 == "bad")
            .count()
    };
    let share = bad(33_699_900_000);
    assert!((450..550).contains(&share), "{share} of 2000 at a weight of 1 in 4");
    assert_eq!(bad(33_600_000_000), 0);
}

#[test]
fn precedence_is_magic_then_number_then_prefix() {
    let text = r#"
magic = true
[[outcome]]
name = "ok"
[[outcome]]
name = "one"
[[outcome]]
name = "long"
[[outcome]]
name = "short"
[[prefix]]
starts_with = "336"
outcome = "short"
[[prefix]]
starts_with = "336999"
outcome = "long"
[recipients]
"+33699900001" = "one"
"33699900901" = "one"
"#;
    let mut table = Table::new(parse(text));
    let expected = [
        ("33699900901", "magic_901_invalid_destination"),
        ("33699900001", "one"),
        ("33699900002", "long"),
        ("+33612345678", "short"),
        ("33712345678", "ok"),
        ("33712345990", "ok"),
    ];
    for (recipient, outcome) in expected {
        assert_eq!(table.deal(recipient, None).0, outcome, "{recipient}");
    }
}

#[test]
fn what_holds_for_first_attempts_ends_after_them() {
    let mut table = Table::new(Scenario::named("magic").unwrap());
    let names: Vec<_> = (0..5).map(|_| table.deal("33612345922", None).0).collect();
    assert_eq!(names[2], "magic_922_throttled_thrice");
    assert_eq!(names[3], "magic_delivered");
    assert_eq!(
        table.deal("33612345903", None),
        ("magic_903_throttled_once".to_owned(), 1)
    );
    assert_eq!(table.deal("33612345903", None), ("magic_delivered".to_owned(), 2));
}

#[test]
fn the_segments_of_a_message_share_an_attempt_and_a_repetition_is_a_new_one() {
    let mut table = Table::new(Scenario::named("magic").unwrap());
    let part = |part| {
        Some(Concatenation {
            reference: 9,
            total: 3,
            part,
        })
    };
    let attempts: Vec<_> = [1, 2, 3].map(|n| table.deal("33612345903", part(n)).1).to_vec();
    assert_eq!(attempts, [1, 1, 1]);
    let attempts: Vec<_> = [2, 1, 1, 3].map(|n| table.deal("33612345903", part(n)).1).to_vec();
    assert_eq!(attempts, [2, 2, 3, 3]);
    assert_eq!(table.dealer.messages(), 3);
    assert_eq!(table.dealer.recipients(), 1);
}

#[test]
fn the_magic_table_is_in_order_and_says_what_it_does() {
    assert!(MAGIC_NUMBERS.windows(2).all(|pair| pair[0].digits < pair[1].digits));
    for number in MAGIC_NUMBERS {
        assert!(number.name.starts_with(&format!("magic_{}_", number.digits)));
    }
    let readme = include_str!("../../README.md");
    for number in MAGIC_NUMBERS {
        assert!(
            readme.contains(&format!("| {} |", number.digits)),
            "{} stands in the README",
            number.digits
        );
    }
}
