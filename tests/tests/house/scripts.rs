//! Each Lua script is one transition, with a contract at its head.

use crate::source::files_below;

/// What a header has to say, as the beginnings of its lines.
const CONTRACT: [&str; 3] = ["keys", "argv", "returns"];

/// How a header states its limits, anywhere in it.
const LIMITS: [&str; 3] = ["limit", "at most", "bounded"];

/// Shared functions, put in front of the others: no transition, so no contract of its own.
const PRELUDE: &str = "prelude.lua";

#[test]
fn every_script_has_its_contract() {
    let mut scripts = files_below("engine/src");
    scripts.retain(|file| file.path.ends_with(".lua") && !file.path.ends_with(PRELUDE));
    assert!(!scripts.is_empty(), "no script was found under engine/src");
    let mut faults = Vec::new();
    for script in &scripts {
        let comments = script.text.lines().map_while(|line| line.strip_prefix("--"));
        let header: Vec<String> = comments.map(|line| line.trim().to_lowercase()).collect();
        if header
            .first()
            .is_none_or(|line| line.len() < 10 || CONTRACT.iter().any(|word| line.starts_with(word)))
        {
            faults.push(format!("{}: its first line does not say what it does", script.path));
        }
        for word in CONTRACT {
            if !header.iter().any(|line| line.starts_with(word)) {
                faults.push(format!("{}: its header does not say its {word}", script.path));
            }
        }
        if !header.iter().any(|line| LIMITS.iter().any(|word| line.contains(word))) {
            faults.push(format!("{}: its header does not say its limits", script.path));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}
