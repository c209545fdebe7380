//! To which numbers a tenant has sent messages one by one lately, as this engine knows it. Pure but for its lock.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use rustc_hash::FxHashMap;

use crate::domain::{Block, Recipient, TenantId};

/// Numbers that are looked at: of so many, as many as make a block unusual are as large a share as does.
const NUMBERS_MAX: usize = 200;

/// For so many hours: what a practice writes to its patients in a year is no traffic.
const HOURS: u64 = 24;

/// Tenants that are kept in mind. Beyond, those that have sent nothing for a day are forgotten, and then all.
const TENANTS_MAX: usize = 10_000;

/// Numbers with the hour at which they were written to first, each once.
type Window = VecDeque<(Recipient, u64)>;

#[derive(Default)]
pub(super) struct Windows(Mutex<FxHashMap<TenantId, Window>>);

/// How many numbers of a block were written to, and how many in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) block: u32,
    pub(super) all: u32,
}

impl Windows {
    /// A number is written to in that hour since 1970.
    pub(super) fn note(&self, tenant: TenantId, recipient: Recipient, hour: u64) -> Count {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = !windows.contains_key(&tenant);
        if is_new && windows.len() >= TENANTS_MAX {
            windows.retain(|_, window| window.back().is_some_and(|(_, noted)| noted + HOURS > hour));
        }
        if is_new && windows.len() >= TENANTS_MAX {
            windows.clear();
        }
        note(windows.entry(tenant).or_default(), recipient, hour)
    }
}

fn note(window: &mut Window, recipient: Recipient, hour: u64) -> Count {
    while window.front().is_some_and(|(_, noted)| noted + HOURS <= hour) {
        window.pop_front();
    }
    if window.iter().all(|(known, _)| *known != recipient) {
        if window.len() >= NUMBERS_MAX {
            window.pop_front();
        }
        window.push_back((recipient, hour));
    }
    let block = Block::of(recipient);
    let of_block = window.iter().filter(|(known, _)| Block::of(*known) == block);
    Count {
        block: of_block.count() as u32,
        all: window.len() as u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId(1);

    #[test]
    fn neighbours_are_counted_once_among_the_last_of_a_day() {
        let windows = Windows::default();
        let note = |number: u64, hour: u64| windows.note(TENANT, Recipient(number), hour);
        for at in 0..30 {
            let count = note(33_700_000_000 + at % 10, 5);
            assert_eq!(count.block as u64, (at + 1).min(10));
        }
        assert_eq!(note(33_600_000_000, 6), Count { block: 1, all: 11 });
        assert_eq!(note(33_700_000_500, 29), Count { block: 1, all: 2 }, "a day later");
        for at in 0..300 {
            note(33_600_000_000 + at * 1_000, 30);
        }
        assert_eq!(note(33_700_000_501, 30), Count { block: 1, all: 200 });
        let other = windows.note(TenantId(2), Recipient(33_700_000_501), 30);
        assert_eq!(other, Count { block: 1, all: 1 });
    }
}
