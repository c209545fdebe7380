//! A file has one idea.

use crate::source::rust_below;

/// Longer files are split, however good the reason for their length.
const LINES_MAX: usize = 600;

/// What is aimed at: longer files are listed in the test's output.
const LINES_AIM: usize = 300;

#[test]
fn no_file_is_too_long() {
    let mut faults = Vec::new();
    for file in rust_below("") {
        let lines = file.product_text().lines().count();
        if file.is_test() {
            continue;
        }
        if lines > LINES_AIM {
            println!("{}: {lines} lines, aim at {LINES_AIM}", file.path);
        }
        if lines > LINES_MAX {
            faults.push(format!(
                "{}: {lines} lines without its tests, at most {LINES_MAX}",
                file.path
            ));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
