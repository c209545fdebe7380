//! A directory of one test's own.

use std::fs;
use std::path::{Path, PathBuf};

/// A directory that is empty at the start; removed at the end, unless the test fails: then its logs are what one wants to read.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// `name` has to be unique among the tests: it names the directory under `parent`.
    pub fn new(parent: &Path, name: &str) -> Self {
        let path = parent.join(name);
        if path.exists() {
            fs::remove_dir_all(&path).expect("remove what an earlier run left");
        }
        fs::create_dir_all(&path).expect("create the test's directory");
        Self { path }
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file and returns where it is.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path.join(name);
        fs::write(&path, content).expect("write into the test's directory");
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("the programs' output is kept in {}", self.path.display());
        } else {
            drop(fs::remove_dir_all(&self.path));
        }
    }
}
