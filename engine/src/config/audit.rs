//! `[audit]`: where it is kept who has done what.

use std::path::PathBuf;

use kit::settings::Table;

use super::{PATH_ALLOWED, path, value};

/// Files that are kept beside the one that is written.
const KEPT_MAX: u32 = 1_000;

/// `[audit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Audit {
    /// `path`: the file. Default: none, and acts stand in the log under the target `audit`.
    pub(crate) path: Option<PathBuf>,
    /// `max_size`: from this many octets on a new file is begun. Default 64 MiB, some 200,000 acts.
    pub(crate) max_size: u64,
    /// `keep`: how many older files are kept. Default 10.
    pub(crate) keep: u32,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            path: None,
            max_size: 64 << 20,
            keep: 10,
        }
    }
}

pub(super) fn read(table: &Table<'_>) -> Audit {
    let default = Audit::default();
    let audit = Audit {
        path: table.parsed("path", PATH_ALLOWED, path),
        max_size: value::size(table, "max_size", 4 << 10..=4 << 30, default.max_size),
        keep: table.integer("keep", 1..=KEPT_MAX, default.keep),
    };
    table.finish();
    audit
}
