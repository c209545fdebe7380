//! `[history]`: what became of messages, in SQL.

use std::time::Duration;

use kit::settings::Table;

use super::{DAY, value};

/// Ten years, as they are written: no law asks for more of a bill.
const KEEP_MAX: Duration = Duration::from_secs(10 * 31_557_600);

/// `[history]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct History {
    /// `keep`: how long it is remembered what became of a message. Default 400 days.
    pub(crate) keep: Duration,
    /// `journal_max`: octets of Redis that may wait to be written down; beyond, nothing more is sent until they are. Default 256 MiB:
    /// some four million messages.
    pub(crate) journal_max: u64,
}

impl Default for History {
    fn default() -> Self {
        Self {
            keep: 400 * DAY,
            journal_max: 256 << 20,
        }
    }
}

impl History {
    pub(super) fn read(table: &Table<'_>) -> Self {
        let default = Self::default();
        let history = Self {
            keep: table.duration("keep", DAY..=KEEP_MAX, default.keep),
            journal_max: value::size(table, "journal_max", 1 << 20..=64 << 30, default.journal_max),
        };
        table.finish();
        history
    }
}
