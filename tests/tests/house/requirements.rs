//! The table of requirements and the tests say the same.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{files_below, rust_below};

/// What the tests of a requirement begin with.
const PREFIX: &str = "req_";

#[test]
fn each_requirement_in_the_table_has_its_tests_and_each_such_test_its_row() {
    let files = files_below("docs");
    let page = files.iter().find(|file| file.path == "docs/requirements.md");
    let page = page.expect("docs/requirements.md");
    let rust = rust_below("");
    let declared: BTreeSet<&str> = rust.iter().flat_map(|file| tests(&file.text)).collect();
    let (mut rows, mut named) = (BTreeMap::new(), BTreeSet::new());
    let mut last = "";
    for row in page.text.lines().filter(|line| line.starts_with("| 0")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [number, _, shown_by] = cells[..] else {
            panic!("docs/requirements.md: not three cells: {row}")
        };
        assert!(last < number, "docs/requirements.md: {number} is behind {last}");
        last = number;
        let tests: Vec<&str> = shown_by.split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "docs/requirements.md: nothing shows {number}");
        for test in &tests {
            assert!(declared.contains(test), "docs/requirements.md: there is no test {test}");
        }
        named.extend(tests.iter().copied());
        rows.insert(number, tests);
    }
    assert!(rows.len() > 20, "the table was not found: {} rows", rows.len());
    for test in declared.iter().filter(|test| test.starts_with(PREFIX)) {
        let number = test[PREFIX.len()..].get(..6).unwrap_or_default().replace('_', "-");
        let row = rows.get(number.as_str());
        assert!(
            row.is_some_and(|tests| tests.contains(test)),
            "docs/requirements.md does not name {test} under {number}"
        );
    }
}

/// The names of a file's test functions, and of what they call.
pub(crate) fn tests(text: &str) -> impl Iterator<Item = &str> {
    let after = text.split("fn ").skip(1);
    after.filter_map(|rest| rest.split_once('(').map(|(name, _)| name))
}
