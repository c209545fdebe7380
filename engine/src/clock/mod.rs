//! The one place that reads a clock, so that everything else can be given its time.
//!
//! Two times: [`Clock::now`] for durations, which never goes back; [`Clock::unix_us`] for what is stored and shown. The
//! second is no wall clock: it is the monotonic one, set once by the database server's TIME and kept near it by a
//! [`Watch`]. Somebody who sets the host's clock an hour back, or the server's three days forward, moves neither.

mod watch;

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use kit::clock::wall_us;

use crate::domain::UnixMicros;

pub(crate) use watch::{Reading, Report, Watch};

/// An engine's clocks. A value, handed down; copies share the setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    origin: Instant,
    /// µs since 1970 at `origin`. One word for an engine's whole life, so that a clock can be copied into every task.
    origin_unix_us: &'static AtomicI64,
}

#[allow(clippy::disallowed_methods, reason = "the one place that reads a clock")]
impl Clock {
    /// A new engine's clock, set by the host's until a server's time is known.
    pub(crate) fn new() -> Self {
        let clock = Self {
            origin: tokio::time::Instant::now().into_std(),
            origin_unix_us: Box::leak(Box::default()),
        };
        clock.set(UnixMicros(wall_us()));
        clock
    }

    /// For durations and timers: never goes back. Tokio's, so that tests pause it and move it on.
    pub(crate) fn now(self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    /// That long from now, for tokio's timers.
    pub(crate) fn deadline(self, after: Duration) -> tokio::time::Instant {
        tokio::time::Instant::now() + after
    }

    /// For what is stored and shown: microseconds since 1970.
    pub(crate) fn unix(self) -> UnixMicros {
        self.unix_at(self.now())
    }

    /// The same at that instant.
    pub(crate) fn unix_at(self, at: Instant) -> UnixMicros {
        let since = at.saturating_duration_since(self.origin).as_micros() as i64;
        let unix = self.origin_unix_us.load(Ordering::Relaxed).saturating_add(since);
        UnixMicros(u64::try_from(unix).unwrap_or(0))
    }

    /// Sets the time that is stored and shown.
    pub(crate) fn set(self, now: UnixMicros) {
        let since = (self.now() - self.origin).as_micros() as i64;
        self.origin_unix_us.store(now.0 as i64 - since, Ordering::Relaxed);
    }

    /// Moves it by that much, as a [`Report`] says.
    pub(crate) fn adjust(self, by_us: i64) {
        self.origin_unix_us.fetch_add(by_us, Ordering::Relaxed);
    }

    /// What a [`Watch`] is fed with: this instant's clocks, and the server's TIME with the round trip that brought it.
    pub(crate) fn reading(self, server: Option<(u64, Duration)>) -> Reading {
        let at = self.now();
        Reading {
            at,
            engine_us: self.unix_at(at).0,
            wall_us: wall_us(),
            server,
        }
    }
}

/// Does some work that may hang, and looks again and again until it is done: so that what is shown of it does not stand still.
pub(crate) async fn watched<T>(work: impl Future<Output = T>, every: Duration, mut look: impl FnMut()) -> T {
    tokio::pin!(work);
    loop {
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(every) => look(),
        }
    }
}

/// Moves every clock of this process on, and all of tokio's timers, without anybody waiting. For tests on one thread.
#[cfg(test)]
pub(crate) async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_the_setting_and_other_engines_do_not() {
        let (clock, other) = (Clock::new(), Clock::new());
        let copy = clock;
        let before = other.unix();
        clock.set(UnixMicros(1_000_000));
        assert!((1_000_000..60_000_000).contains(&copy.unix().0));
        clock.adjust(500_000_000);
        assert!((501_000_000..600_000_000).contains(&copy.unix().0));
        assert!(other.unix() >= before);
    }

    #[tokio::test]
    async fn both_times_go_by_tokios_clock() {
        let clock = Clock::new();
        let (now, unix) = (clock.now(), clock.unix());
        pass(Duration::from_secs(3_600)).await;
        assert!(clock.now() - now >= Duration::from_secs(3_600));
        assert!((3_600_000_000..3_601_000_000).contains(&(clock.unix().0 - unix.0)));
    }

    #[tokio::test(start_paused = true)]
    async fn what_hangs_is_looked_at_until_it_is_done() {
        let (clock, mut looks) = (Clock::new(), Vec::new());
        let begun = clock.now();
        let hangs = tokio::time::sleep(Duration::from_millis(3_500));
        watched(hangs, Duration::from_secs(1), || {
            looks.push((clock.now() - begun).as_secs())
        })
        .await;
        assert_eq!(looks, [1, 2, 3]);
    }

    #[test]
    fn a_time_before_1970_is_1970() {
        let clock = Clock::new();
        clock.set(UnixMicros(0));
        clock.adjust(-3_600_000_000);
        assert_eq!(clock.unix(), UnixMicros(0));
    }
}
