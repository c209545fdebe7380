//! After how long a receipt counts as missing.

use super::*;

fn engine(lines: &str) -> String {
    format!("{CONTRACT}[engine]\n{lines}\n")
}

#[test]
fn it_is_a_day_and_an_hour_or_what_the_time_for_receipts_leaves() {
    for (lines, expected) in [
        ("", 25 * HOUR),
        ("receipt_timeout = \"4h\"", 3 * HOUR),
        ("receipt_overdue = \"49h\"", 49 * HOUR),
    ] {
        let config = parse(&engine(lines)).unwrap();
        assert_eq!(config.engine.receipt_overdue, expected, "{lines}");
    }
}

#[test]
fn it_is_shorter_than_the_time_for_receipts() {
    let found = faults(&engine("receipt_overdue = \"3days\""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].contains("engine.receipt_overdue: 3days is not allowed: shorter than engine.receipt_timeout, 3days,"),
        "{found:?}"
    );
}
