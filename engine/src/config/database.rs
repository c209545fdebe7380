//! `[database]`: where people are kept: contacts, lists, consents.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use kit::settings::Table;

use super::url;
use super::value::Secret;
use super::{PATH_ALLOWED, path};

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Why a password needs a URL.
const WITHOUT_URL: &str = "stands without url: the embedded database is a file, and has no password";

/// The name of the embedded database's file.
const FILE_NAME: &str = "campanile.db";

/// `[database]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Database {
    /// `url`: a PostgreSQL server, with the password of `password_file`, if there is one. Absent: SQLite, embedded.
    pub(crate) url: Option<Secret>,
    /// `file`: where the embedded database is. Default `campanile.db` in `redis.data_dir`.
    pub(crate) file: PathBuf,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            file: Path::new("./data").join(FILE_NAME),
        }
    }
}

impl Database {
    /// Where files are kept for a while: beside the embedded database, since elsewhere may be read-only, or memory.
    pub(crate) fn spool(&self) -> PathBuf {
        if self.url.is_some() {
            return std::env::temp_dir();
        }
        let folder = self.file.parent().filter(|folder| !folder.as_os_str().is_empty());
        folder.unwrap_or(Path::new(".")).to_owned()
    }

    /// What tells the embedded database from another: all engines have one. Of servers nothing is said.
    pub(super) fn identity(&self) -> Option<(u64, u64, String)> {
        let file = self.file.metadata().ok().filter(|_| self.url.is_none())?;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Some((file.dev(), file.ino(), boot))
    }

    /// With its file in `data_dir` where the table says nothing.
    pub(super) fn read(table: &Table<'_>, data_dir: &Path) -> Self {
        let database = Self {
            url: url::read(table, &SCHEMES, WITHOUT_URL),
            file: table
                .parsed("file", PATH_ALLOWED, path)
                .unwrap_or_else(|| data_dir.join(FILE_NAME)),
        };
        if table.has("url") && table.has("file") {
            table.fault_of_value("file", "stands beside url: give one of them");
        }
        table.finish();
        database
    }
}
