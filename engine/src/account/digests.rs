//! Which keys were seen lately, so that not every call asks the store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::key::hexadecimal;
use crate::domain::KeyBounds;
use crate::store::KeyOwner;

/// How long a key is remembered: one that another process revoked or bounded works here as before for this much longer.
const LIFE: Duration = Duration::from_secs(5);

/// The most keys that are remembered: under 1 MB. Unknown keys are not, so that guessing does not push out known ones.
const DIGESTS_MAX: usize = 10_000;

/// Whose key it is, and what bounds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) owner: KeyOwner,
    pub(crate) bounds: Arc<KeyBounds>,
}

/// Digests of keys, with what they open.
#[derive(Default)]
pub(super) struct Digests(Mutex<Table>);

#[derive(Default)]
struct Table {
    known: FxHashMap<[u8; 32], (Opened, Instant)>,
    /// How often one was forgotten.
    forgotten: u64,
}

/// When a look into the store began: what was forgotten since is not remembered by it.
#[derive(Clone, Copy)]
pub(super) struct Look(u64);

impl Digests {
    /// What the key opens, if it was asked for within [`LIFE`].
    pub(super) fn get(&self, digest: &[u8; 32], now: Instant) -> Option<Opened> {
        let table = self.table();
        let (opened, seen) = table.known.get(digest)?;
        (now.duration_since(*seen) < LIFE).then(|| opened.clone())
    }

    /// The store is about to be asked.
    pub(super) fn look(&self) -> Look {
        Look(self.table().forgotten)
    }

    /// Remembers what the store said.
    pub(super) fn add(&self, digest: [u8; 32], opened: Opened, (look, now): (Look, Instant)) {
        let mut table = self.table();
        if table.forgotten != look.0 {
            return;
        }
        if table.known.len() >= DIGESTS_MAX {
            table.known.retain(|_, (_, seen)| now.duration_since(*seen) < LIFE);
        }
        if table.known.len() >= DIGESTS_MAX {
            table.known.clear();
        }
        table.known.insert(digest, (opened, now));
    }

    /// Forgets the key of that digest, in hexadecimal.
    pub(super) fn forget(&self, digest: &str) {
        let mut table = self.table();
        table.forgotten += 1;
        table.known.retain(|other, _| hexadecimal(other) != digest);
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table().known.len()
    }

    #[cfg(test)]
    pub(super) const MAX: usize = DIGESTS_MAX;

    #[cfg(test)]
    pub(super) const LIFE: Duration = LIFE;
}
