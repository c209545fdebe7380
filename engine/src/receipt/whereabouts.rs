//! Whose messages the recent ids belong to: for receipts that do not say it, and so that the record need not be read for
//! those that do.

use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustc_hash::{FxHashMap, FxHasher};

use crate::domain::{Recipient, SmscId};

/// Ids in each of two generations: some 10 MiB each, a minute at some thousand messages a second.
const IDS: usize = 250_000;

/// Records in each of two generations: at most some 20 MiB each.
const RECORDS: usize = 100_000;

/// The recipients of the last few hundred thousand messages, by the digest of the SMSC's id. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whereabouts(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    recipients: Generations<Recipient>,
    /// Records as this process left them, until a receipt asks for them.
    records: Generations<(Recipient, Vec<u8>)>,
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
    fn insert(&mut self, digest: u64, value: T, most: usize) {
        if self.young.len() >= most {
            self.old = std::mem::take(&mut self.young);
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
    /// Remembers whose an id is, and that recipient's record as it is now; empty: that is not known.
    pub(crate) fn note(&self, smsc: SmscId, id: &[u8], recipient: Recipient, record: Vec<u8>) {
        if id.is_empty() {
            return;
        }
        let digest = digest(smsc, &normal(id));
        let mut known = self.lock();
        known.recipients.insert(digest, recipient, IDS);
        if !record.is_empty() {
            known.records.insert(digest, (recipient, record), RECORDS);
        }
    }

    /// The record of that recipient as this process left it when it noted the id; once.
    pub(crate) fn take_record(&self, smsc: SmscId, id: &[u8], recipient: Recipient) -> Option<Vec<u8>> {
        let digest = digest(smsc, &normal(id));
        let (of, record) = self.lock().records.remove(digest)?;
        (of == recipient).then_some(record)
    }

    /// Whose it is, under the equalities of ids: case, leading zeros, and hexadecimal for decimal.
    pub(crate) fn of(&self, smsc: SmscId, id: &[u8]) -> Option<Recipient> {
        let text = normal(id);
        let number = std::str::from_utf8(&text).unwrap_or_default();
        let as_hexadecimal = number
            .parse::<u128>()
            .ok()
            .map(|number| format!("{number:x}").into_bytes());
        let as_decimal = u128::from_str_radix(number, 16)
            .ok()
            .map(|number| number.to_string().into_bytes());
        let forms = [Some(text.clone()), as_hexadecimal, as_decimal];
        let known = self.lock();
        forms
            .into_iter()
            .flatten()
            .find_map(|form| known.recipients.get(digest(smsc, &form)).copied())
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lower case, without leading zeros.
fn normal(id: &[u8]) -> Vec<u8> {
    let id = id.trim_ascii();
    let zeros = id.iter().take_while(|octet| **octet == b'0').count();
    id[zeros.min(id.len().saturating_sub(1))..].to_ascii_lowercase()
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
        whereabouts.note(SmscId(1), b"00FF", Recipient(7), b"record".to_vec());
        assert_eq!(whereabouts.take_record(SmscId(1), b"ff", Recipient(8)), None);
        for id in [&b"ff"[..], b"FF", b"000ff", b"255"] {
            assert_eq!(whereabouts.of(SmscId(1), id), Some(Recipient(7)));
        }
        whereabouts.note(SmscId(1), b"1000", Recipient(8), b"record".to_vec());
        let record = whereabouts.take_record(SmscId(1), b"1000", Recipient(8));
        assert_eq!(record.as_deref(), Some(&b"record"[..]));
        assert_eq!(whereabouts.take_record(SmscId(1), b"1000", Recipient(8)), None, "once");
        assert_eq!(whereabouts.of(SmscId(1), b"3e8"), Some(Recipient(8)));
        assert_eq!(whereabouts.of(SmscId(2), b"ff"), None);
    }
}
