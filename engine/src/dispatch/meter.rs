//! The rate of one SMSC account, in segments, over all its binds.
//!
//! Permits are spaced evenly (the generic cell rate algorithm). A stall of the machine may be caught up with within
//! [`SLACK`], but never so that a second sees more than the rate and a two-hundredth of it (at least one segment): what was
//! given in the last second is remembered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use crate::clock::Clock;
use crate::config::Rate;

/// How far behind the pace may be and still catch up.
const SLACK: Duration = Duration::from_millis(300);

/// The second in which the rate holds, and a hair more for the jitter of the way to the socket.
const SECOND: Duration = Duration::from_millis(1_002);

/// When permits are due: pure.
#[derive(Clone, Debug)]
struct Pace {
    interval: Duration,
    /// Most permits in [`SECOND`]: the rate and the burst that is needed to catch up at all.
    most: usize,
    /// When the next permit is due.
    next: Option<Instant>,
    /// Permits given within the last [`SECOND`], oldest first, and their sum.
    given: VecDeque<(Instant, usize)>,
    sum: usize,
}

impl Pace {
    fn new(rate: Rate) -> Self {
        let a_second = rate.segments_per_second();
        Self {
            interval: Duration::from_secs_f64(1.0 / a_second),
            most: (a_second * 1.005).ceil() as usize,
            next: None,
            given: VecDeque::new(),
            sum: 0,
        }
    }

    /// Takes up to `max` permits that are due; or says when the next one is.
    fn take(&mut self, max: usize, now: Instant) -> Result<usize, Instant> {
        while let Some((_, count)) = self.given.pop_front_if(|(at, _)| *at + SECOND <= now) {
            self.sum -= count;
        }
        if let (Some((oldest, _)), true) = (self.given.front(), self.sum >= self.most) {
            return Err(*oldest + SECOND);
        }
        let earliest = now.checked_sub(SLACK).unwrap_or(now);
        let next = self.next.map_or(now, |next| next.max(earliest));
        if next > now {
            self.next = Some(next);
            return Err(next);
        }
        let due = (now - next).div_duration_f64(self.interval) as usize + 1;
        let taken = due.min(max).min(self.most - self.sum);
        self.next = Some(next + self.interval * taken as u32);
        self.given.push_back((now, taken));
        self.sum += taken;
        Ok(taken)
    }

    fn give_back(&mut self, count: usize) {
        self.next = self
            .next
            .and_then(|next| next.checked_sub(self.interval * count as u32));
        if let Some((_, last)) = self.given.back_mut() {
            let returned = count.min(*last);
            *last -= returned;
            self.sum -= returned;
        }
    }
}

/// The permits of one SMSC account. Cheap to clone; without a rate there are always enough.
#[derive(Clone, Debug)]
pub struct Meter {
    pace: Option<Arc<Mutex<Pace>>>,
    returned: Arc<Notify>,
    clock: Clock,
}

/// Some permits. Those that are not used are given back when this is dropped.
#[derive(Debug)]
pub struct Permits {
    meter: Meter,
    count: usize,
}

impl Meter {
    /// A meter for that rate, or for none.
    pub fn new(rate: Option<Rate>, clock: Clock) -> Self {
        let pace = rate.map(|rate| Arc::new(Mutex::new(Pace::new(rate))));
        Self {
            pace,
            returned: Arc::default(),
            clock,
        }
    }

    /// Waits for the first permit, and takes up to `max`, at least 1. `true`: it had to wait.
    pub async fn take(&self, max: usize) -> (Permits, bool) {
        let mut waited = false;
        loop {
            let attempt = match &self.pace {
                None => Ok(max),
                Some(pace) => pace
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .take(max.max(1), self.clock.now()),
            };
            match attempt {
                Ok(count) => {
                    return (
                        Permits {
                            meter: self.clone(),
                            count,
                        },
                        waited,
                    );
                }
                Err(due) => {
                    waited = true;
                    let returned = self.returned.notified();
                    tokio::select! {
                        () = tokio::time::sleep_until(due.into()) => {}
                        () = returned => {}
                    }
                }
            }
        }
    }
}

impl Permits {
    /// How many.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Uses some: they will not come back.
    pub fn spend(&mut self, count: usize) {
        self.count = self.count.saturating_sub(count);
    }
}

impl Drop for Permits {
    fn drop(&mut self) {
        if let (Some(pace), 1..) = (&self.meter.pace, self.count) {
            pace.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .give_back(self.count);
            self.meter.returned.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Permits taken in a run of ten seconds in which every call comes up to `jitter` late, as instants.
    fn run(rate: u32, jitter: Duration) -> Vec<Duration> {
        let start = Clock.now();
        let (mut pace, mut now, mut taken, mut step) = (Pace::new(Rate::per_second(rate)), start, Vec::new(), 0u32);
        while now - start < Duration::from_secs(10) {
            match pace.take(1_000, now) {
                Ok(count) => taken.extend(std::iter::repeat_n(now - start, count)),
                Err(due) => {
                    step += 1;
                    now = due + jitter * (step % 7) / 7;
                }
            }
        }
        taken
    }

    #[test]
    fn no_second_has_more_than_the_rate_and_the_mean_is_within_a_hundredth() {
        for (rate, jitter) in [(20, 3), (500, 3), (5_000, 3), (500, 15), (5_000, 15)] {
            let taken = run(rate, Duration::from_millis(jitter));
            let (mut worst, mut end) = (0, 0);
            for (from, at) in taken.iter().enumerate() {
                while end < taken.len() && taken[end] < *at + Duration::from_secs(1) {
                    end += 1;
                }
                worst = worst.max(end - from);
            }
            assert!(
                worst <= rate as usize + rate as usize / 200 + 1,
                "{rate}: {worst} in a second"
            );
            let mean = taken.len() as f64 / 10.0 / f64::from(rate);
            assert!((0.99..=1.01).contains(&mean), "{rate}, {jitter} ms: {mean}");
        }
    }

    #[test]
    fn a_pause_is_not_caught_up_with() {
        let start = Clock.now();
        let mut pace = Pace::new(Rate::per_second(1_000));
        assert_eq!(pace.take(10, start), Ok(1));
        let later = start + Duration::from_secs(60);
        assert!(pace.take(1_000, later).unwrap() <= 301);
    }

    #[test]
    fn what_is_given_back_is_there_again() {
        let start = Clock.now();
        let mut pace = Pace::new(Rate::per_second(10));
        assert_eq!(pace.take(1, start), Ok(1));
        assert!(pace.take(1, start).is_err());
        pace.give_back(1);
        assert_eq!(pace.take(1, start), Ok(1));
    }
}
