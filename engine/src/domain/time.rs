//! The time that is stored and shown.

use std::time::Duration;

use jiff::Timestamp;
use kit::clock::micros;

const HOUR_US: u64 = 3_600_000_000;

/// A moment, in microseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct UnixMicros(pub(crate) u64);

impl UnixMicros {
    /// Whole seconds since 1970.
    pub(crate) const fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole minutes since 1970.
    pub(crate) const fn minute(self) -> u64 {
        self.seconds() / 60
    }

    /// Whole hours since 1970.
    pub(crate) const fn hour(self) -> u64 {
        self.0 / HOUR_US
    }

    /// The first moment of an hour.
    pub(crate) const fn of_hour(hour: u64) -> Self {
        Self(hour * HOUR_US)
    }

    /// How long before this moment that one was; zero when it was not.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }

    /// The same for calendars; `None` for what no calendar has.
    pub(crate) fn timestamp(self) -> Option<Timestamp> {
        Timestamp::from_microsecond(i64::try_from(self.0).ok()?).ok()
    }

    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(micros(time)))
    }

    pub(crate) fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(micros(time)))
    }
}

/// As the store has it.
impl std::str::FromStr for UnixMicros {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}
