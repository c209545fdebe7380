//! Whose messages the ids of late belong to: for receipts that do not say it.

use std::hash::{BuildHasher, BuildHasherDefault};

use rustc_hash::{FxHashMap, FxHasher};

use crate::domain::{Recipient, SmscId};

/// Ids in each of two generations: some 10 MiB each, a minute at some thousand messages a second.
const GENERATION: usize = 250_000;

/// The recipients of the last few hundred thousand messages, by the digest of the SMSC's id.
#[derive(Debug, Default)]
pub(crate) struct Whereabouts {
    young: FxHashMap<u64, Recipient>,
    old: FxHashMap<u64, Recipient>,
}

impl Whereabouts {
    /// Remembers whose an id is.
    pub(crate) fn note(&mut self, smsc: SmscId, id: &[u8], recipient: Recipient) {
        if id.is_empty() {
            return;
        }
        if self.young.len() >= GENERATION {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(digest(smsc, &normal(id)), recipient);
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
        forms.into_iter().flatten().find_map(|form| {
            let digest = digest(smsc, &form);
            self.young.get(&digest).or_else(|| self.old.get(&digest)).copied()
        })
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
        let mut whereabouts = Whereabouts::default();
        whereabouts.note(SmscId(1), b"00FF", Recipient(7));
        for id in [&b"ff"[..], b"FF", b"000ff", b"255"] {
            assert_eq!(whereabouts.of(SmscId(1), id), Some(Recipient(7)));
        }
        whereabouts.note(SmscId(1), b"1000", Recipient(8));
        assert_eq!(whereabouts.of(SmscId(1), b"3e8"), Some(Recipient(8)));
        assert_eq!(whereabouts.of(SmscId(2), b"ff"), None);
    }
}
