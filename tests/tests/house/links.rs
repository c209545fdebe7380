//! Links of pages lead to files and headings that are there.

use std::collections::{HashMap, HashSet};

use regex::Regex;

use crate::source::{files_below, repository};

/// What is left of a page without its blocks and spans of code: an array of TOML with something in brackets behind it is no link.
fn prose(page: &str) -> String {
    let code = Regex::new(r"(?ms)^ *```.*?^ *```$|`[^`\n]*`").expect("a pattern");
    code.replace_all(page, "").into_owned()
}

/// As GitHub makes anchors of headings.
fn anchor(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn links_of_pages_lead_somewhere() {
    let top = repository();
    let mut pages = files_below("");
    pages.retain(|file| file.path.ends_with(".md"));
    let headings: HashMap<_, HashSet<String>> = pages
        .iter()
        .map(|page| {
            let text = Regex::new(r"(?ms)^ *```.*?^ *```$")
                .expect("a pattern")
                .replace_all(&page.text, "");
            let anchors = text.lines().filter(|line| line.starts_with('#')).map(anchor).collect();
            let path = top.join(&page.path).canonicalize().expect("a page");
            (path, anchors)
        })
        .collect();
    let link = Regex::new(r"\]\(([^)\s]+)\)").expect("a pattern");
    let (mut count, mut astray) = (0, Vec::new());
    for page in &pages {
        let text = prose(&page.text);
        for target in link.captures_iter(&text).filter_map(|found| found.get(1)) {
            let target = target.as_str();
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            count += 1;
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let own = top.join(&page.path);
            let path = if file.is_empty() { own } else { own.with_file_name(file) };
            let is_there = path.canonicalize().is_ok_and(|path| {
                heading.is_empty() || headings.get(&path).is_some_and(|known| known.contains(heading))
            });
            if !is_there {
                astray.push(format!("{}: {target}", page.path));
            }
        }
    }
    assert!(count > 100, "the links were not found: {count}");
    assert!(astray.is_empty(), "lead nowhere:\n{}", astray.join("\n"));
}
