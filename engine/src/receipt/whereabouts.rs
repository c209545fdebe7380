//! Whose messages the ids of late belong to: for receipts that do not say it, and so that the record need not be read for
//! those that do.

use std::hash::{BuildHasher, BuildHasherDefault};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use rustc_hash::{FxHashMap, FxHasher};

use crate::domain::{Recipient, SmscId};

/// Ids in each of two generations: at most some 40 MiB each, a minute at some thousand messages a second.
const GENERATION: usize = 250_000;

/// The recipients of the last few hundred thousand messages, by the digest of the SMSC's id. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Whereabouts(Arc<Mutex<Generations>>);

#[derive(Debug, Default)]
struct Generations {
    young: FxHashMap<u64, Known>,
    old: FxHashMap<u64, Known>,
}

/// What is known of an id.
#[derive(Clone, Debug)]
struct Known {
    recipient: Recipient,
    /// The recipient's record as this process left it, until a receipt has asked for it.
    record: Bytes,
}

impl Whereabouts {
    /// Remembers whose an id is, and that recipient's record as it is now.
    pub(crate) fn note(&self, smsc: SmscId, id: &[u8], recipient: Recipient, record: Bytes) {
        if id.is_empty() {
            return;
        }
        let mut known = self.lock();
        if known.young.len() >= GENERATION {
            known.old = std::mem::take(&mut known.young);
        }
        let digest = digest(smsc, &normal(id));
        known.young.insert(digest, Known { recipient, record });
    }

    /// The record of that recipient as this process left it when it noted the id; once.
    pub(crate) fn take_record(&self, smsc: SmscId, id: &[u8], recipient: Recipient) -> Option<Bytes> {
        let digest = digest(smsc, &normal(id));
        let mut generations = self.lock();
        let generations = &mut *generations;
        let known = generations.young.get_mut(&digest);
        let known = known.or_else(|| generations.old.get_mut(&digest))?;
        let record = std::mem::take(&mut known.record);
        (known.recipient == recipient && !record.is_empty()).then_some(record)
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
        forms.into_iter().flatten().find_map(|form| {
            let digest = digest(smsc, &form);
            let found = known.young.get(&digest).or_else(|| known.old.get(&digest));
            found.map(|known| known.recipient)
        })
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
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
        whereabouts.note(SmscId(1), b"00FF", Recipient(7), Bytes::from_static(b"record"));
        assert_eq!(whereabouts.take_record(SmscId(1), b"ff", Recipient(8)), None);
        for id in [&b"ff"[..], b"FF", b"000ff", b"255"] {
            assert_eq!(whereabouts.of(SmscId(1), id), Some(Recipient(7)));
        }
        whereabouts.note(SmscId(1), b"1000", Recipient(8), Bytes::from_static(b"record"));
        let record = whereabouts.take_record(SmscId(1), b"1000", Recipient(8));
        assert_eq!(record.as_deref(), Some(&b"record"[..]));
        assert_eq!(whereabouts.take_record(SmscId(1), b"1000", Recipient(8)), None, "once");
        assert_eq!(whereabouts.of(SmscId(1), b"3e8"), Some(Recipient(8)));
        assert_eq!(whereabouts.of(SmscId(2), b"ff"), None);
    }
}
