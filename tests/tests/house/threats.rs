//! What the page of threats leans on is there: settings that are read, tests that are run.

use crate::source::{files_below, rust_below};

#[test]
fn what_the_page_of_threats_names_exists() {
    let files = files_below("docs");
    let page = files.iter().find(|file| file.path == "docs/threats.md");
    let page = page.expect("docs/threats.md");
    let rust = rust_below("");
    let settings: Vec<_> = rust
        .iter()
        .filter(|file| file.path.starts_with("engine/src/config"))
        .collect();
    let mut found = (0, 0);
    for named in page
        .text
        .lines()
        .filter(|line| line.starts_with('|'))
        .filter_map(held_by)
    {
        for name in named
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| !name.ends_with(".toml"))
        {
            if let Some((_, key)) = name.rsplit_once('.') {
                let read = format!("\"{key}\"");
                let is_read = settings.iter().any(|file| file.text.contains(&read));
                assert!(is_read, "docs/threats.md: nobody reads the setting {name}");
                found.0 += 1;
            } else {
                let declared = format!("fn {name}(");
                let is_there = rust.iter().any(|file| file.text.contains(&declared));
                assert!(is_there, "docs/threats.md: there is no test {name}");
                found.1 += 1;
            }
        }
    }
    assert!(
        found.0 > 15 && found.1 > 30,
        "the page's tables were not found: {found:?}"
    );
}

/// The last cell of a row of three.
fn held_by(row: &str) -> Option<&str> {
    let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
    (cells.len() == 3).then(|| cells[2])
}
