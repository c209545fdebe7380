//! The tests of a package are one program: each that is linked apart takes seconds to build. A file that the program does not list
//! would never be built, and its tests never be played.

use crate::source::{SourceFile, rust_below};

/// The packages whose tests are one program, and its first file.
const PROGRAMS: [&str; 3] = [
    "tests/tests/end_to_end.rs",
    "smpp-sim/tests/simulator.rs",
    "loadtest/tests/load_tests.rs",
];

/// The program that has its own first file beside the others of its package.
const APART: &str = "tests/tests/house/";

/// The name by which a file that lies at the top of `folder`, or is the first of a folder there, is listed.
fn listed_name<'a>(folder: &str, file: &'a SourceFile) -> Option<&'a str> {
    let below = file.path.strip_prefix(folder)?.strip_suffix(".rs")?;
    match below.split_once('/') {
        None => Some(below),
        Some((name, "main" | "mod")) => Some(name),
        Some(_) => None,
    }
}

#[test]
fn every_file_of_tests_is_in_the_program_of_its_package() {
    let mut faults = Vec::new();
    for program in PROGRAMS {
        let (folder, _) = program.rsplit_once('/').expect("a file in a folder");
        let folder = format!("{folder}/");
        let files = rust_below(&folder);
        let list = files
            .iter()
            .find(|file| file.path == program)
            .unwrap_or_else(|| panic!("{program} is not there"));
        for file in &files {
            if file.path == program || file.path.starts_with(APART) {
                continue;
            }
            let Some(name) = listed_name(&folder, file) else {
                continue;
            };
            let item = format!("mod {name};");
            if !list.text.lines().any(|line| line == item) {
                faults.push(format!("{}: {program} has no `{item}`", file.path));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
