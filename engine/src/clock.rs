//! The one place that reads a clock, so that everything else can be given its time.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The machine's clocks. A value, handed down, so that a test may hand down another.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock;

#[allow(clippy::disallowed_methods, reason = "the one place that reads a clock")]
impl Clock {
    /// For durations and timers: never goes back.
    pub fn now(self) -> Instant {
        Instant::now()
    }

    /// For what is stored and shown: microseconds since 1970.
    pub fn unix_us(self) -> u64 {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_micros() as u64)
    }
}
