//! What came of a message's submissions so far, where an SMSC refused one: since when, and who does not take it at all.
//!
//! Kept in the message's stored form as `since(4) count(1) smsc(2) …`; absent while nobody refused it.

use super::SmscId;
use super::time::UnixMicros;

/// SMSCs that are remembered to have refused one message: it has been everywhere after so many.
pub(crate) const REFUSED_MAX: usize = 8;

/// Octets before the SMSCs.
const FIXED: usize = 5;

/// A message's refusals, as they are stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tries<'a>(&'a [u8]);

impl<'a> Tries<'a> {
    /// No refusals.
    pub(crate) const NONE: Tries<'static> = Tries(&[]);

    /// Packed ones.
    pub(super) fn of(packed: &'a [u8]) -> Self {
        Self(packed)
    }

    /// Reads those at the front of `bytes`, which may have more behind them.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let count = usize::from(*bytes.get(FIXED - 1)?);
        bytes.get(..FIXED + 2 * count).map(Self)
    }

    /// Packed.
    pub(super) fn octets(self) -> &'a [u8] {
        self.0
    }

    /// When an SMSC refused the message first.
    pub(crate) fn since(self) -> Option<UnixMicros> {
        let seconds: &[u8; 4] = self.0.first_chunk()?;
        Some(UnixMicros(u64::from(u32::from_be_bytes(*seconds)) * 1_000_000))
    }

    /// Who does not take it, in the order in which they said so.
    pub(crate) fn refused_by(self) -> impl Iterator<Item = SmscId> + use<'a> {
        let list = self.0.get(FIXED..).unwrap_or_default();
        list.chunks_exact(2)
            .map(|smsc| SmscId(u16::from_be_bytes([smsc[0], smsc[1]])))
    }

    /// Whether somebody does not take it, so that it waits for another SMSC by name.
    pub(crate) fn is_turned_away(self) -> bool {
        self.0.len() > FIXED
    }

    /// With one more refusal, packed: for now, or for good by that SMSC.
    pub(super) fn with(self, now: UnixMicros, refused_by: Option<SmscId>) -> Vec<u8> {
        let since = self.since().unwrap_or(now).seconds() as u32;
        let mut known: Vec<SmscId> = self.refused_by().collect();
        known.extend(refused_by.filter(|smsc| !self.refused_by().any(|known| known == *smsc)));
        known.truncate(REFUSED_MAX);
        let mut packed = since.to_be_bytes().to_vec();
        packed.push(known.len() as u8);
        packed.extend(known.iter().flat_map(|smsc| smsc.0.to_be_bytes()));
        packed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_kept_in_their_order_from_the_first_on_and_never_more_than_fit() {
        let at = |seconds: u64| UnixMicros(seconds * 1_000_000);
        let first = Tries::NONE.with(at(7), None);
        assert_eq!(Tries::of(&first).since(), Some(at(7)));
        assert!(!Tries::of(&first).is_turned_away());
        let second = Tries::of(&first).with(at(9), Some(SmscId(300)));
        let mut packed = Tries::of(&second).with(at(10), Some(SmscId(300)));
        assert_eq!(packed, second, "twice by the same");
        for smsc in 1..=20 {
            packed = Tries::of(&packed).with(at(11), Some(SmscId(smsc)));
        }
        packed.push(99);
        let read = Tries::read(&packed).unwrap();
        assert_eq!(read.since(), Some(at(7)));
        let by: Vec<u16> = read.refused_by().map(|smsc| smsc.0).collect();
        assert_eq!(by, [300, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(Tries::read(&packed[..20]), None, "cut off");
    }
}
