//! How long a message took to its handset: from the answer that took it to the receipt that it was delivered.

use std::time::Duration;

use super::UnixMicros;

/// The bounds that are told apart, in seconds. What took exactly as long is within.
const BOUNDS_S: [u64; 6] = [10, 30, 60, 180, 600, 3_600];

/// Three minutes: what clinics are told of.
const THREE_MINUTES_S: u64 = 180;

/// Between which bounds it was: how many of them it took longer than. `None` where nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ToHandset(Option<u8>);

impl ToHandset {
    /// All that there are, the last without a bound.
    pub(crate) const COUNT: usize = BOUNDS_S.len() + 1;

    pub(crate) const UNKNOWN: Self = Self(None);

    /// Of a message that was taken then, if that is known, and is delivered now.
    pub(super) fn of(taken_at: Option<UnixMicros>, now: UnixMicros) -> Self {
        let Some(taken_at) = taken_at.filter(|at| *at > UnixMicros::default()) else {
            return Self::UNKNOWN;
        };
        let took = now.since(taken_at);
        Self(Some(
            BOUNDS_S.partition_point(|bound| Duration::from_secs(*bound) < took) as u8,
        ))
    }

    /// Its place among [`ToHandset::COUNT`].
    pub(crate) fn place(self) -> Option<usize> {
        self.0.map(usize::from)
    }

    /// The bound of a place, in seconds; `None`: longer than all.
    pub(crate) fn bound(place: usize) -> Option<u64> {
        BOUNDS_S.get(place).copied()
    }

    pub(crate) fn is_within_3_minutes(self) -> bool {
        self.place()
            .and_then(Self::bound)
            .is_some_and(|bound| bound <= THREE_MINUTES_S)
    }

    /// In the upper half of an octet: 0 where nothing is known.
    pub(super) fn bits(self) -> u8 {
        self.0.map_or(0, |place| (place + 1) << 4)
    }

    pub(super) fn from_bits(octet: u8) -> Self {
        Self(
            (octet >> 4)
                .checked_sub(1)
                .filter(|place| usize::from(*place) < Self::COUNT),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::tests::leased;
    use crate::domain::{Event, GivesBack, Mark, Message, Status, Trace, Traces};

    fn took(us: u64) -> ToHandset {
        ToHandset::of(Some(UnixMicros(1)), UnixMicros(1 + us))
    }

    #[test]
    fn three_minutes_are_within_and_a_microsecond_more_is_not() {
        assert!(took(180_000_000).is_within_3_minutes());
        assert!(!took(180_000_001).is_within_3_minutes());
        assert!(took(0).is_within_3_minutes() && !took(u64::MAX / 2).is_within_3_minutes());
        assert!(!ToHandset::of(None, UnixMicros(5)).is_within_3_minutes());
        assert!(!ToHandset::of(Some(UnixMicros(0)), UnixMicros(5)).is_within_3_minutes());
    }

    #[test]
    fn three_minutes_from_the_answer_to_the_receipt_are_counted_to_the_microsecond() {
        let taken_at = UnixMicros(7_000_000);
        let traces = Traces {
            at: taken_at,
            segments: vec![Trace::new(Mark::Taken)],
        };
        let accepted = leased(1, 1).apply(Event::Accepted(traces), taken_at).unwrap();
        let (enroute, _) = Message::unpack(leased(1, 1).recipient, &accepted.replacement).unwrap();
        let is_swift = |status, us| {
            let event = Event::Receipt {
                segment: 0,
                status,
                code: 0,
                gives_back: GivesBack::NONE,
            };
            let end = enroute.apply(event, UnixMicros(taken_at.0 + us)).unwrap();
            end.result.unwrap().to_handset.is_within_3_minutes()
        };
        assert!(is_swift(Status::Delivered, 180_000_000));
        assert!(!is_swift(Status::Delivered, 180_000_001));
        assert!(!is_swift(Status::ReceptionError, 1));
    }

    #[test]
    fn what_is_stored_comes_back() {
        for us in [0, 10_000_000, 10_000_001, 60_000_000, 3_600_000_000, 3_600_000_001] {
            assert_eq!(ToHandset::from_bits(took(us).bits()), took(us), "{us}");
        }
        assert_eq!(ToHandset::from_bits(ToHandset::UNKNOWN.bits()), ToHandset::UNKNOWN);
        assert_eq!(ToHandset::from_bits(0xF0), ToHandset::UNKNOWN);
    }
}
