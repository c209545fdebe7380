//! Time in µs that nobody can set back: read once from the wall, and then counted by the monotonic clock. Both the time
//! and the timers that are set by it are tokio's, so that a test that pauses tokio's time has this clock in hand, too.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A clock that counts µs since its origin. Copies share the origin.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    started: Instant,
    /// What the clock showed at `started`.
    started_us: u64,
}

#[allow(clippy::disallowed_methods, reason = "the place that others get their time from")]
impl Clock {
    /// A clock that shows µs since 1970. A later step of the host's clock does not move it.
    pub fn unix() -> Self {
        Self {
            started: Instant::now(),
            started_us: wall_us(),
        }
    }

    /// A clock that shows µs since now.
    pub fn from_zero() -> Self {
        Self {
            started: Instant::now(),
            started_us: 0,
        }
    }

    /// What it shows now, in µs.
    pub fn now_us(self) -> u64 {
        self.started_us + micros(self.started.elapsed())
    }

    /// The instant at which it shows that many µs, for timers; its start for what is earlier.
    pub fn instant(self, at_us: u64) -> Instant {
        self.started + Duration::from_micros(at_us.saturating_sub(self.started_us))
    }
}

/// µs since 1970 as the host's clock shows them, which anybody may set: only to be compared, or to begin with.
#[allow(clippy::disallowed_methods, reason = "the place that others get their time from")]
pub fn wall_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, micros)
}

/// A duration in whole µs; what does not fit 64 bits (584,000 years) is the longest that does.
pub fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tokios_paused_time_moves_the_clock() {
        let (unix, run) = (Clock::unix(), Clock::from_zero());
        let begun = unix.now_us();
        assert_eq!(run.now_us(), 0);
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!((unix.now_us() - begun, run.now_us()), (1_500_000, 1_500_000));
    }

    #[tokio::test(start_paused = true)]
    async fn an_instant_is_when_the_clock_shows_that_time() {
        let clock = Clock::unix();
        let at_us = clock.now_us() + 60_000_000;
        tokio::time::sleep_until(clock.instant(at_us)).await;
        assert!(
            (at_us..at_us + 2_000).contains(&clock.now_us()),
            "tokio's timers count in ms"
        );
        assert_eq!(clock.instant(0), clock.started);
    }

    #[test]
    fn the_longest_duration_fits() {
        assert_eq!(micros(Duration::MAX), u64::MAX);
        assert_eq!(micros(Duration::from_nanos(1_999)), 1);
    }
}
