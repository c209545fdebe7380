//! What no file may contain: paths of one machine, hosts of registries, postponed work, tests that do not test.

use crate::source::{SourceFile, files_below, rust_below};

/// Written in halves, so that this file does not contain them.
const MACHINE_PATHS: [(&str, &str); 4] = [("/wo", "rk/"), ("/ro", "ot/"), ("/ho", "me/"), ("/Us", "ers/")];
const HOSTS: [(&str, &str); 7] = [
    ("index.crates", ".io"),
    ("static.crates", ".io"),
    ("registry.npmjs", ".org"),
    ("pythonhosted", ".org"),
    ("pypi", ".org"),
    ("proxy.golang", ".org"),
    ("arti", "factory"),
];
const POSTPONED: [(&str, &str); 4] = [("TO", "DO"), ("FIX", "ME"), ("unimple", "mented!"), ("#[ign", "ore")];

/// Where the harness pauses between two looks at a condition, or while a fault lasts; nothing else in the tests sleeps.
const PAUSES: [&str; 1] = ["tests/src/wait.rs"];

/// Cargo writes its own index's address there.
const LOCK_FILE: &str = "Cargo.lock";

#[test]
fn no_file_knows_a_machine_or_a_registry() {
    let files = files_below("");
    let faults = [lines_with(&files, &MACHINE_PATHS), lines_with(&files, &HOSTS)].concat();
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn every_folder_says_what_it_is_for() {
    let mut files = rust_below("");
    files.retain(|file| {
        file.path.contains("/src/") && (file.path.ends_with("/mod.rs") || file.path.ends_with("/lib.rs"))
    });
    let silent: Vec<&str> = files
        .iter()
        .filter(|file| !file.text.starts_with("//!"))
        .map(|file| file.path.as_str())
        .collect();
    assert!(silent.is_empty(), "no //! at the head of {silent:#?}");
}

#[test]
fn nothing_is_postponed() {
    let faults = lines_with(&files_below(""), &POSTPONED);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn end_to_end_tests_wait_for_conditions() {
    let mut files = rust_below("tests");
    files.retain(|file| !PAUSES.contains(&file.path.as_str()));
    let faults = lines_with(&files, &[("sle", "ep(")]);
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn lines_with(files: &[SourceFile], halves: &[(&str, &str)]) -> Vec<String> {
    let words: Vec<String> = halves.iter().map(|(one, other)| format!("{one}{other}")).collect();
    let mut found = Vec::new();
    for file in files.iter().filter(|file| file.path != LOCK_FILE) {
        for (number, line) in file.text.lines().enumerate() {
            found.extend(
                words
                    .iter()
                    .filter(|word| line.contains(*word))
                    .map(|word| format!("{}:{}: {word}", file.path, number + 1)),
            );
        }
    }
    found
}
