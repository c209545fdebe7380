use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The only clock of the simulator: µs since 1970, taken once from the wall and then counted monotonically, so that a
/// step of the wall clock makes no receipt early and no rate wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    started: Instant,
    started_us: u64,
}

impl Clock {
    /// A clock that begins now.
    #[allow(clippy::disallowed_methods, reason = "the place that others get their time from")]
    pub(crate) fn start() -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        Self {
            started: Instant::now(),
            started_us: micros(since_1970),
        }
    }

    /// µs since 1970.
    pub(crate) fn now_us(&self) -> u64 {
        self.started_us + micros(self.started.elapsed())
    }

    /// The instant of a time in µs since 1970, for tokio's timers.
    pub(crate) fn instant(&self, at_us: u64) -> tokio::time::Instant {
        (self.started + Duration::from_micros(at_us.saturating_sub(self.started_us))).into()
    }
}

/// A duration in whole µs; what does not fit 64 bits (584,000 years) is the longest that does.
pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
