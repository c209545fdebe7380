//! Accepted messages that wait for their receipts: found by the id of the answer, however the receipt writes it.
//!
//! Ids are kept as 64-bit hashes: 32 bytes a message, whatever an SMSC's ids look like. That two of ten million ids share
//! a hash happens once in 400,000 runs.

use std::borrow::Cow;
use std::collections::hash_map::Entry;

use kit::random::mix;
use rustc_hash::{FxHashMap, FxHashSet};
use smpp::receipt::{index_form, index_forms, trim};

/// Receipts that came before the answer to their message, kept until it comes: as many as fit all windows there can be.
const EARLY_MAX: usize = 100_000;

/// A second copy of a receipt is told from a stranger as long as the first is among the last million or two.
const FINISHED_MAX: usize = 1_000_000;

/// What is known of a message when its receipt comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// When it was due, in µs from the beginning.
    pub(crate) due_us: u64,
    /// From due to written in µs; 71 minutes at most.
    pub(crate) queued_us: u32,
    /// From written to answered in µs; 71 minutes at most.
    pub(crate) answered_us: u32,
    /// Whether it counts.
    pub(crate) measured: bool,
}

/// Whose receipt it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// Of a message that waited for it, which waits no more.
    Message(Waiting),
    /// Of a message that has had its receipt.
    Second,
    /// Of no message that this run knows.
    Stranger,
}

#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    waiting: FxHashMap<u64, Waiting>,
    /// Where an id's folded form is not the id itself: folded → exact.
    folded: FxHashMap<u64, u64>,
    /// Early receipts: what the caller kept of them, by exact id.
    early: FxHashMap<u64, u64>,
    /// The last ones that are done, in two generations.
    finished: FxHashSet<u64>,
    finished_before: FxHashSet<u64>,
}

/// What came of noting an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    /// It waits.
    Waits,
    /// Its receipt has come already; what was kept of it.
    Early(u64),
    /// The SMSC has given this id to another message that still waits: receipts cannot be told apart.
    Repeated,
}

impl Outstanding {
    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// An answer came with this id.
    pub(crate) fn answered(&mut self, id: &[u8], waiting: Waiting) -> Noted {
        let exact = hash(id);
        if !self.early.is_empty()
            && let Some(kept) = self.take_early(id, exact)
        {
            self.finish(exact);
            return Noted::Early(kept);
        }
        match self.waiting.entry(exact) {
            Entry::Occupied(_) => return Noted::Repeated,
            Entry::Vacant(place) => {
                place.insert(waiting);
            }
        }
        if let Cow::Owned(form) = index_form(id) {
            self.folded.insert(hash(&form), exact);
        }
        Noted::Waits
    }

    /// A final receipt came with this id.
    pub(crate) fn receipted(&mut self, id: &[u8]) -> Owner {
        let exact = hash(id);
        if let Some(waiting) = self.take(exact) {
            return Owner::Message(waiting);
        }
        if self.is_finished(exact) {
            return Owner::Second;
        }
        self.receipted_otherwise(id)
    }

    /// The receipt writes the id differently: in another case, without its zeros, in another base.
    fn receipted_otherwise(&mut self, id: &[u8]) -> Owner {
        let hashes: Vec<u64> = index_forms(id).iter().map(|form| hash(form)).collect();
        for &form in &hashes {
            let exact = self.folded.get(&form).copied().unwrap_or(form);
            if let Some(waiting) = self.take(exact) {
                self.finish(form);
                return Owner::Message(waiting);
            }
        }
        if hashes.iter().any(|&form| self.is_finished(form)) {
            return Owner::Second;
        }
        Owner::Stranger
    }

    /// Keeps a receipt whose message may be answered later; false when there are too many.
    pub(crate) fn keep_early(&mut self, id: &[u8], kept: u64) -> bool {
        if self.early.len() >= EARLY_MAX {
            return false;
        }
        self.early.insert(hash(id), kept).is_none()
    }

    /// Early receipts whose messages were never answered.
    pub(crate) fn early(&self) -> usize {
        self.early.len()
    }

    /// What still waits, at the end.
    pub(crate) fn rest(&self) -> impl Iterator<Item = &Waiting> {
        self.waiting.values()
    }

    fn take(&mut self, exact: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&exact)?;
        self.finish(exact);
        Some(waiting)
    }

    fn take_early(&mut self, id: &[u8], exact: u64) -> Option<u64> {
        if let Some(kept) = self.early.remove(&exact) {
            return Some(kept);
        }
        let forms = index_forms(id);
        forms.iter().find_map(|form| self.early.remove(&hash(form)))
    }

    fn finish(&mut self, exact: u64) {
        if self.finished.len() >= FINISHED_MAX {
            self.finished_before = std::mem::take(&mut self.finished);
        }
        self.finished.insert(exact);
    }

    fn is_finished(&self, exact: u64) -> bool {
        self.finished.contains(&exact) || self.finished_before.contains(&exact)
    }
}

/// 64 well mixed bits of an id, padding left out.
fn hash(id: &[u8]) -> u64 {
    let id = trim(id);
    id.chunks(8).fold(id.len() as u64, |hash, chunk| {
        let mut octets = [0; 8];
        octets[..chunk.len()].copy_from_slice(chunk);
        mix(hash ^ u64::from_le_bytes(octets))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_differ_where_ids_do() {
        let mut hashes: Vec<u64> = (0..200_000u64)
            .map(|n| hash((1_795_363_200_000_000_000 + n).to_string().as_bytes()))
            .collect();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), 200_000);
        assert_eq!(hash(b"12 \0\0"), hash(b"12"));
    }

    const WAITING: Waiting = Waiting {
        due_us: 1,
        queued_us: 2,
        answered_us: 3,
        measured: true,
    };

    #[test]
    fn receipts_are_found_however_the_id_is_written() {
        for (answer, receipt) in [
            ("1795363200000000000", "1795363200000000000"),
            ("00AB12", "ab12"),
            ("ab12", "000000AB12"),
            (
                "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
                "6BA7B8109DAD11D180B400C04FD430C8",
            ),
            ("18EAE1D6C3A9F000", "1795363200000000000"),
            ("1795363200000000000", "18EA6C5B58430000"),
            ("255", "ff"),
            ("FF", "255"),
        ] {
            let mut outstanding = Outstanding::default();
            outstanding.answered(answer.as_bytes(), WAITING);
            let same = smpp::receipt::same_id(answer.as_bytes(), receipt.as_bytes());
            let found = outstanding.receipted(receipt.as_bytes()) == Owner::Message(WAITING);
            assert_eq!(found, same, "{answer} {receipt}");
            if found {
                assert_eq!(outstanding.receipted(receipt.as_bytes()), Owner::Second, "{receipt}");
            }
        }
    }

    #[test]
    fn a_stranger_is_a_stranger_and_an_early_one_is_kept() {
        let mut outstanding = Outstanding::default();
        assert_eq!(outstanding.receipted(b"77"), Owner::Stranger);
        assert!(outstanding.keep_early(b"77", 5));
        assert_eq!(outstanding.answered(b"77", WAITING), Noted::Early(5));
        assert_eq!(outstanding.receipted(b"77"), Owner::Second);
        assert_eq!((outstanding.len(), outstanding.early()), (0, 0));
    }

    #[test]
    fn an_id_given_twice_is_noticed() {
        let mut outstanding = Outstanding::default();
        assert_eq!(outstanding.answered(b"1", WAITING), Noted::Waits);
        assert_eq!(outstanding.answered(b"1", WAITING), Noted::Repeated);
    }

    #[test]
    fn what_is_finished_is_remembered_for_a_million_more() {
        let mut outstanding = Outstanding::default();
        for n in 0..=FINISHED_MAX {
            let id = n.to_string();
            outstanding.answered(id.as_bytes(), WAITING);
            outstanding.receipted(id.as_bytes());
        }
        assert_eq!(outstanding.receipted(b"0"), Owner::Second);
        assert!(outstanding.finished.len() + outstanding.finished_before.len() <= 2 * FINISHED_MAX);
    }
}
