//! How many places of a session's window are used: fewer while its SMSC answers slowly. Pure.
//!
//! What is under way is what a lost connection puts in doubt, and an SMSC that is behind is not helped by more of it. So when
//! answers take several times as long as the quickest ones of late, and long by any measure, the window shrinks to what
//! brings that time back; when they come sooner, it grows again. An SMSC that is slow whatever the window becomes its own
//! measure within a minute.

use std::time::{Duration, Instant};

/// Answers that take so many times as long as the quickest ones are slow.
const SLOW: u32 = 4;

/// Sooner than this, none is slow: a window that is full on purpose makes answers wait, too.
const SLOW_MIN: Duration = Duration::from_secs(1);

/// The quickest answer counts for twice this at most.
const QUICKEST_FOR: Duration = Duration::from_secs(30);

/// At most so much of the window goes at once.
const SHRINK: f64 = 0.5;

/// How fast it grows from look to look, while answers come well before they are slow.
const GROW: f64 = 1.125;
const WELL: f64 = 0.75;

/// Answers since the last look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Took {
    count: u32,
    sum: Duration,
    quickest: Duration,
}

impl Took {
    /// An answer took so long.
    pub(super) fn add(&mut self, after: Duration) {
        self.quickest = if self.count == 0 {
            after
        } else {
            self.quickest.min(after)
        };
        self.count += 1;
        self.sum += after;
    }
}

#[derive(Clone, Debug)]
pub(super) struct Elastic {
    window: usize,
    least: usize,
    limit: f64,
    /// The quickest answers of this half minute and of the one before.
    quickest: [Option<Duration>; 2],
    since: Instant,
    /// What it shrank for last shows its effect after one more answer time.
    shrinks_after: Instant,
}

impl Elastic {
    /// All of `window`, and never fewer than `least` places.
    pub(super) fn new(window: usize, least: usize, now: Instant) -> Self {
        Self {
            window,
            least: least.min(window),
            limit: window as f64,
            quickest: [None; 2],
            since: now,
            shrinks_after: now,
        }
    }

    /// Places that may be used.
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Looks at what was answered meanwhile. Returns how many places may be used, if that has changed.
    pub(super) fn look(&mut self, took: Took, now: Instant) -> Option<usize> {
        if took.count == 0 {
            return None;
        }
        let before = self.limit();
        let slow = self.slow(took.quickest, now).as_secs_f64();
        let mean = took.sum / took.count;
        let time = mean.as_secs_f64();
        if time > slow && now >= self.shrinks_after {
            self.limit = (self.limit * (slow / time).max(SHRINK)).max(self.least as f64);
            self.shrinks_after = now + mean;
        } else if time <= WELL * slow {
            self.limit = (self.limit * GROW).max(self.limit + 1.0).min(self.window as f64);
        }
        let limit = self.limit();
        (limit != before).then_some(limit)
    }

    /// What is slow, as of an answer that took so long.
    fn slow(&mut self, quickest: Duration, now: Instant) -> Duration {
        if now.saturating_duration_since(self.since) >= QUICKEST_FOR {
            (self.quickest, self.since) = ([None, self.quickest[0]], now);
        }
        let known = self.quickest[0].map_or(quickest, |known| known.min(quickest));
        self.quickest[0] = Some(known);
        let quickest = self.quickest.iter().flatten().min().copied().unwrap_or(known);
        (SLOW * quickest).max(SLOW_MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const TICK: Duration = Duration::from_millis(250);

    fn took(after: Duration) -> Took {
        let mut took = Took::default();
        took.add(after);
        took.add(after);
        took
    }

    /// An SMSC that answers so many a second, each after so long at least, to a window that is always full.
    fn run(elastic: &mut Elastic, now: &mut Instant, seconds: u32, (rate, least): (f64, f64)) -> usize {
        for _ in 0..4 * seconds {
            *now += TICK;
            let after = (elastic.limit() as f64 / rate).max(least);
            elastic.look(took(Duration::from_secs_f64(after)), *now);
        }
        elastic.limit()
    }

    #[test]
    fn it_shrinks_to_what_an_smsc_that_is_behind_takes_in_time_and_grows_back() {
        let mut now = Clock::new().now();
        let mut elastic = Elastic::new(1_000, 125, now);
        assert_eq!(run(&mut elastic, &mut now, 10, (5_000.0, 0.05)), 1_000);
        let limit = run(&mut elastic, &mut now, 20, (200.0, 0.05));
        assert!((150..=260).contains(&limit), "{limit} places of 200 a second");
        assert_eq!(run(&mut elastic, &mut now, 20, (20.0, 0.05)), 125, "never fewer");
        assert_eq!(run(&mut elastic, &mut now, 10, (5_000.0, 0.05)), 1_000);
    }

    #[test]
    fn one_that_is_slow_whatever_the_window_has_it_back_within_a_minute_and_a_bit() {
        let mut now = Clock::new().now();
        let mut elastic = Elastic::new(100, 12, now);
        run(&mut elastic, &mut now, 10, (1e6, 0.02));
        assert_eq!(run(&mut elastic, &mut now, 30, (1e6, 8.0)), 12);
        assert_eq!(run(&mut elastic, &mut now, 60, (1e6, 8.0)), 100);
    }

    #[test]
    fn what_a_full_window_takes_within_a_second_is_not_slow() {
        let mut now = Clock::new().now();
        let mut elastic = Elastic::new(5_000, 625, now);
        run(&mut elastic, &mut now, 1, (1e6, 0.001));
        assert_eq!(run(&mut elastic, &mut now, 60, (1e6, 0.9)), 5_000);
        assert_eq!(elastic.look(Took::default(), now + TICK), None, "nothing was answered");
    }
}
