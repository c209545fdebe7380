//! `[encryption]`: what the texts of tenants are encrypted with where they are kept.

use std::path::{Path, PathBuf};

use kit::settings::Table;

use super::{Database, PATH_ALLOWED, path};

/// The name of the key file that the first start makes.
const FILE_NAME: &str = "campanile.key";

/// `[encryption]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encryption {
    /// `key_file`: the file of the master key, made at the first start. Default `campanile.key` beside the embedded database, or in
    /// `redis.data_dir`.
    pub(crate) key_file: PathBuf,
}

impl Default for Encryption {
    fn default() -> Self {
        Self {
            key_file: Path::new("./data").join(FILE_NAME),
        }
    }
}

impl Encryption {
    pub(super) fn read(table: &Table<'_>, database: &Database, data_dir: &Path) -> Self {
        let folder = match database.url {
            Some(_) => data_dir,
            None => database.file.parent().unwrap_or(data_dir),
        };
        let encryption = Self {
            key_file: table
                .parsed("key_file", PATH_ALLOWED, path)
                .unwrap_or_else(|| folder.join(FILE_NAME)),
        };
        table.finish();
        encryption
    }
}
