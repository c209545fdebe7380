//! What the page of the law leans on is there: each of its tests, for each duty.

use std::collections::BTreeSet;

use crate::requirements::tests;
use crate::source::{files_below, rust_below};

const PAGE: &str = "docs/compliance.md";

/// Fewer are on a page whose tables were not found.
const DUTIES_MIN: usize = 20;

#[test]
fn req_001_22_every_duty_of_the_law_names_tests_that_exist() {
    let files = files_below("docs");
    let page = files.iter().find(|file| file.path == PAGE).expect(PAGE);
    let rust = rust_below("");
    let declared: BTreeSet<&str> = rust.iter().flat_map(|file| tests(&file.text)).collect();
    let mut duties = 0;
    for row in page.text.lines().filter(|line| line.starts_with('|')) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [duty, by, _, held_by] = cells[..] else { continue };
        if duty == "what is asked" || duty.starts_with("---") {
            continue;
        }
        assert!(!by.is_empty(), "{PAGE}: who asks for {duty:?}?");
        let named: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        assert!(!named.is_empty(), "{PAGE}: nothing shows {duty:?}");
        for test in named {
            assert!(declared.contains(test), "{PAGE}: there is no test {test}");
        }
        duties += 1;
    }
    assert!(duties >= DUTIES_MIN, "{PAGE}: the tables were not found: {duties} rows");
    for text in [
        "loi n° 78-17 du 6 janvier 1978",
        "loi n° 2004-575 du 21 juin 2004",
        "L. 34-5",
        "2016/679",
        "L. 1111-8",
    ] {
        assert!(page.text.contains(text), "{PAGE} does not name {text:?}");
    }
}
