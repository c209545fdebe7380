//! Receipts that were settled a short while ago: a second copy is told from an unknown one.

use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashSet, FxHasher};

/// Receipts in each of two generations: a minute at some thousand a second, in 2 MiB.
const GENERATION: usize = 100_000;

/// The last one or two hundred thousand receipts, as 64-bit digests.
#[derive(Debug, Default)]
pub struct Recent {
    young: FxHashSet<u64>,
    old: FxHashSet<u64>,
}

impl Recent {
    /// Remembers a receipt.
    pub fn add(&mut self, recipient: u64, id: &[u8]) {
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest(recipient, id));
    }

    /// Whether it was there before.
    pub fn has(&self, recipient: u64, id: &[u8]) -> bool {
        let digest = digest(recipient, id);
        self.young.contains(&digest) || self.old.contains(&digest)
    }
}

fn digest(recipient: u64, id: &[u8]) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one((recipient, id))
}
