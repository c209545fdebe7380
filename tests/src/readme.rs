//! What readmes show: their blocks of code, to be run as they are written, and where that finds its programs.

use std::ffi::OsString;
use std::path::Path;

/// The blocks of that language in a file of this repository, in order.
///
/// Panics when the file cannot be read or a block does not end.
pub fn blocks(file: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.trim_start().strip_prefix("```") else {
            continue;
        };
        let indent = line.len() - line.trim_start().len();
        let inside: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "```").collect();
        if fence == language {
            // A block in a list is indented with its item.
            let own = |line: &&str| line.get(indent..).unwrap_or_default().to_owned();
            blocks.push(inside.iter().map(own).collect::<Vec<_>>().join("\n"));
        }
    }
    blocks
}

/// The folders that programs are looked for in, with that one in front.
///
/// Panics when it has a colon in its name.
pub fn path_with(directory: &Path) -> OsString {
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(directory.to_owned()).chain(std::env::split_paths(&usual));
    std::env::join_paths(all).expect("no directory has a colon in its name")
}
