//! Whose keys were seen lately, so that not every call asks the store.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::key::hexadecimal;
use crate::store::KeyOwner;

/// How long an owner is remembered: a key that another process revoked works here for this much longer.
const LIFE: Duration = Duration::from_secs(5);

/// The most keys that are remembered: under 1 MB. Unknown keys are not, so that guessing does not push out known ones.
const DIGESTS_MAX: usize = 10_000;

/// Digests of keys, with their owners.
#[derive(Default)]
pub(super) struct Digests(Mutex<FxHashMap<[u8; 32], (KeyOwner, Instant)>>);

impl Digests {
    /// The owner, if it was asked for within [`LIFE`].
    pub(super) fn get(&self, digest: &[u8; 32], now: Instant) -> Option<KeyOwner> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .get(digest)
            .filter(|(_, seen)| now.duration_since(*seen) < LIFE)
            .map(|(owner, _)| *owner)
    }

    /// Remembers an owner.
    pub(super) fn add(&self, digest: [u8; 32], owner: KeyOwner, now: Instant) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= DIGESTS_MAX {
            known.retain(|_, (_, seen)| now.duration_since(*seen) < LIFE);
        }
        if known.len() >= DIGESTS_MAX {
            known.clear();
        }
        known.insert(digest, (owner, now));
    }

    /// Forgets the key of that digest, in hexadecimal.
    pub(super) fn forget(&self, digest: &str) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|other, _| hexadecimal(other) != digest);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    #[cfg(test)]
    pub(super) const MAX: usize = DIGESTS_MAX;

    #[cfg(test)]
    pub(super) const LIFE: Duration = LIFE;
}
