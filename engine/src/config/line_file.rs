//! `[audit]`, `[message_log]`: files of lines, of which the older ones leave.

use std::path::PathBuf;

use kit::settings::Table;

use super::{PATH_ALLOWED, path, value};

/// Files that are kept beside the one that is written.
const KEPT_MAX: u32 = 1_000;

/// Where lines are kept, and how many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LineFile {
    /// `path`: the file. Default: none.
    pub(crate) path: Option<PathBuf>,
    /// `max_size`: from this many octets on a new file is begun.
    pub(crate) max_size: u64,
    /// `keep`: how many older files are kept.
    pub(crate) keep: u32,
}

impl LineFile {
    /// `[audit]`: who has done what. Without a file, acts stand in the log under the target `audit`; 64 MiB are some 200,000 acts.
    pub(crate) const AUDIT: Self = Self {
        path: None,
        max_size: 64 << 20,
        keep: 10,
    };

    /// `[message_log]`: what happened to messages. Without a file nowhere; 256 MiB are some 600,000 messages.
    pub(crate) const MESSAGES: Self = Self {
        path: None,
        max_size: 256 << 20,
        keep: 40,
    };

    pub(super) fn read(table: &Table<'_>, default: &Self) -> Self {
        let file = Self {
            path: table.parsed("path", PATH_ALLOWED, path),
            max_size: value::size(table, "max_size", 4 << 10..=4 << 30, default.max_size),
            keep: table.integer("keep", 1..=KEPT_MAX, default.keep),
        };
        table.finish();
        file
    }
}
