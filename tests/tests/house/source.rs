//! Reading the repository's own files.

use std::fs;
use std::path::{Path, PathBuf};

/// What is not the project's: built, fetched or made at run time.
const FOREIGN: [&str; 6] = ["target", ".git", ".tools", "data", "node_modules", "corpus"];

/// A file of the repository.
pub(crate) struct SourceFile {
    /// Relative to the repository, with slashes.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// The repository's top directory.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the package lies in the repository")
        .to_owned()
}

/// Every text file below `directory` (relative to the repository; empty: all of it), in order of path.
pub(crate) fn files_below(directory: &str) -> Vec<SourceFile> {
    let top = repository();
    let mut found = Vec::new();
    let mut pending = vec![top.join(directory)];
    while let Some(directory) = pending.pop() {
        for entry in fs::read_dir(&directory)
            .expect("list a directory of the repository")
            .flatten()
        {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                // `data/` beside the workspace is where the engine keeps its Redis; the one in `src` is ours.
                let ours = directory != top && name == "data";
                if ours || !FOREIGN.iter().any(|foreign| name == *foreign) {
                    pending.push(path);
                }
            } else if let Ok(text) = fs::read_to_string(&path) {
                let path = path
                    .strip_prefix(&top)
                    .expect("below the repository")
                    .display()
                    .to_string();
                found.push(SourceFile { path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Every Rust file below `directory`.
pub(crate) fn rust_below(directory: &str) -> Vec<SourceFile> {
    let mut files = files_below(directory);
    files.retain(|file| file.path.ends_with(".rs"));
    files
}

impl SourceFile {
    /// Whether the whole file is test code.
    pub(crate) fn is_test(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.any(|part| part == "tests" || part == "benches") || self.path.ends_with("tests.rs")
    }

    /// The text without its test module, which stands at the end.
    pub(crate) fn product_text(&self) -> &str {
        let mut from = 0;
        while let Some(at) = self.text[from..].find("#[cfg(test)]") {
            let after = &self.text[from + at..];
            let opens_module = after
                .lines()
                .skip(1)
                .find(|line| !line.starts_with("#["))
                .is_some_and(|line| line.starts_with("mod ") && line.ends_with('{'));
            if opens_module {
                return &self.text[..from + at];
            }
            from += at + 1;
        }
        &self.text
    }
}
