//! Whose messages the recent ids belong to: for receipts that do not say it, and so that the record need not be read for
//! those that do.

use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};
use smpp::receipt::index_form;

use super::forms;
use crate::domain::{Recipient, SmscId};

/// Ids in each of two generations: some 10 MiB each, a minute at some thousand messages a second.
const IDS: usize = 250_000;

/// Records in each of two generations: at most some 20 MiB each.
const RECORDS: usize = 100_000;

/// Ids in each of two generations that receipts named and no answer: some 3 MiB each.
const EXPECTED: usize = 100_000;

/// The recipients of the last few hundred thousand messages, by the digest of the SMSC's id. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whereabouts(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    recipients: Generations<Recipient>,
    /// Records as this process left them, until a receipt asks for them.
    records: Generations<(Recipient, Vec<u8>)>,
    /// Ids of receipts that were parked although no answer had named them, and under which key.
    expected: Generations<Recipient>,
}

/// The recent ones; the oldest half goes when there are too many.
#[derive(Debug)]
struct Generations<T> {
    young: FxHashMap<u64, T>,
    old: FxHashMap<u64, T>,
}

impl<T> Default for Generations<T> {
    fn default() -> Self {
        Self {
            young: FxHashMap::default(),
            old: FxHashMap::default(),
        }
    }
}

impl<T> Generations<T> {
    fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    fn insert(&mut self, digest: u64, value: T, most: usize) {
        if self.young.len() >= most {
            std::mem::swap(&mut self.old, &mut self.young);
            // Its room stays: it will be as many again.
            self.young.clear();
        }
        self.young.insert(digest, value);
    }

    fn get(&self, digest: u64) -> Option<&T> {
        self.young.get(&digest).or_else(|| self.old.get(&digest))
    }

    fn remove(&mut self, digest: u64) -> Option<T> {
        self.young.remove(&digest).or_else(|| self.old.remove(&digest))
    }
}

impl Whereabouts {
    /// Remembers whose an id is, and that recipient's record as it is now; empty: that is not known. Returns the key under which
    /// receipts of that id are parked, if some were expected to be.
    pub(crate) fn note(&self, smsc: SmscId, id: &[u8], recipient: Recipient, record: Vec<u8>) -> Option<Recipient> {
        if id.is_empty() {
            return None;
        }
        let digest = digest(smsc, &index_form(id));
        let mut known = self.lock();
        known.recipients.insert(digest, recipient, IDS);
        if !record.is_empty() {
            known.records.insert(digest, (recipient, record), RECORDS);
        }
        if known.expected.is_empty() {
            return None;
        }
        forms(id)
            .iter()
            .find_map(|form| known.expected.remove(self::digest(smsc, form)))
    }

    /// A receipt of that id, whose message nobody knows yet, is about to be parked under that key. Whoever parks it asks once more
    /// afterwards: an id that is noted before that does not find it.
    pub(crate) fn expect(&self, smsc: SmscId, id: &[u8], key: Recipient) {
        self.lock()
            .expected
            .insert(digest(smsc, &index_form(id)), key, EXPECTED);
    }

    /// The record of that recipient as this process left it when it noted the id; once.
    pub(crate) fn take_record(&self, smsc: SmscId, id: &[u8], recipient: Recipient) -> Option<Vec<u8>> {
        let digest = digest(smsc, &index_form(id));
        let (of, record) = self.lock().records.remove(digest)?;
        (of == recipient).then_some(record)
    }

    /// Whose it is, under the equalities of ids (`receipt::forms`).
    pub(crate) fn of(&self, smsc: SmscId, id: &[u8]) -> Option<Recipient> {
        let known = self.lock();
        forms(id)
            .iter()
            .find_map(|form| known.recipients.get(digest(smsc, form)).copied())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn digest(smsc: SmscId, id: &[u8]) -> u64 {
    BuildHasherDefault::<FxHasher>::default().hash_one((smsc.0, id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_however_it_is_written() {
        let whereabouts = Whereabouts::default();
        let (decimal, hexadecimal) = (b"1795363200", b"6b031180");
        whereabouts.note(SmscId(1), b"006B031180", Recipient(7), b"record".to_vec());
        assert_eq!(whereabouts.take_record(SmscId(1), hexadecimal, Recipient(8)), None);
        for id in [&hexadecimal[..], b"6B031180", b"0006b031180", decimal] {
            assert_eq!(whereabouts.of(SmscId(1), id), Some(Recipient(7)));
        }
        whereabouts.note(SmscId(1), b"1000000000", Recipient(8), b"record".to_vec());
        let record = whereabouts.take_record(SmscId(1), b"1000000000", Recipient(8));
        assert_eq!(record.as_deref(), Some(&b"record"[..]));
        let again = whereabouts.take_record(SmscId(1), b"1000000000", Recipient(8));
        assert_eq!(again, None, "once");
        assert_eq!(whereabouts.of(SmscId(1), b"3b9aca00"), Some(Recipient(8)));
        assert_eq!(whereabouts.of(SmscId(2), hexadecimal), None);
        whereabouts.note(SmscId(1), b"0000000A", Recipient(9), Vec::new());
        assert_eq!(whereabouts.of(SmscId(1), b"a"), Some(Recipient(9)));
        assert_eq!(
            whereabouts.of(SmscId(1), b"00000010"),
            None,
            "A and 10 are two messages"
        );
    }

    #[test]
    fn an_answer_is_told_of_the_receipts_that_came_before_it() {
        let whereabouts = Whereabouts::default();
        whereabouts.expect(SmscId(1), b"1795363200", Recipient(77));
        let note = |smsc, id: &[u8]| whereabouts.note(SmscId(smsc), id, Recipient(7), Vec::new());
        assert_eq!((note(2, b"6B031180"), note(1, b"6B031181")), (None, None));
        assert_eq!(note(1, b"006B031180"), Some(Recipient(77)));
        assert_eq!(note(1, b"6B031180"), None, "once");
    }
}
