//! `[audit]`, `[message_log]`: files of lines, of which the older ones leave.

use std::path::PathBuf;

use kit::settings::Table;

use super::{PATH_ALLOWED, path, value};

/// Files that are kept beside the one that is written.
const KEPT_MAX: u32 = 1_000;

/// Where lines are kept, and how many. `[audit]` is of who has done what: without a file, acts stand in the log under the target
/// `audit`. `[message_log]` is of what happened to messages: without a file it is not written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineFile {
    /// `path`: the file. Default: none.
    pub(crate) path: Option<PathBuf>,
    /// `max_size`: from this many octets on a new file is begun. Default 256 MiB: some 600,000 messages, or 800,000 acts.
    pub(crate) max_size: u64,
    /// `keep`: how many older files are kept. Default 20.
    pub(crate) keep: u32,
}

impl Default for LineFile {
    fn default() -> Self {
        Self {
            path: None,
            max_size: 256 << 20,
            keep: 20,
        }
    }
}

impl LineFile {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Self::default();
        let file = Self {
            path: table.parsed("path", PATH_ALLOWED, path),
            max_size: value::size(table, "max_size", 4 << 10..=4 << 30, default.max_size),
            keep: table.integer("keep", 1..=KEPT_MAX, default.keep),
        };
        table.finish();
        file
    }
}
