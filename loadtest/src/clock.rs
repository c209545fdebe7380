//! The one place that reads this program's clocks.

use std::time::{Duration, Instant};

/// Now, on the monotonic clock: figures are differences of these.
#[allow(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for; it is read here and nowhere else"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The date and time of day in UTC as RFC 3339, to the second: for people, never for figures.
pub(crate) fn date_and_time() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// µs since 1970 by the wall clock: to be compared with another program's times on this machine.
pub(crate) fn unix_us() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_microsecond()).unwrap_or(0)
}

/// µs since the beginning of a run, on the monotonic clock. Copies share the beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RunClock(Instant);

impl RunClock {
    /// The run begins now.
    pub(crate) fn start() -> Self {
        Self(now())
    }

    /// µs since the beginning.
    pub(crate) fn now_us(self) -> u64 {
        micros(self.0.elapsed())
    }

    /// The instant that lies so many µs after the beginning.
    pub(crate) fn instant(self, at_us: u64) -> Instant {
        self.0 + Duration::from_micros(at_us)
    }
}

/// A duration in whole µs; what does not fit 64 bits (584,000 years) is the longest that does.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
