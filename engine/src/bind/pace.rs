//! When segments may go: pure.
//!
//! Two things at once. Permits are spaced evenly (the generic cell rate algorithm): what is due at once after a stall is
//! [`AT_ONCE`] or the burst, and what is missing beyond it is caught up with at [`CATCH_UP`]. And the second holds, for
//! whoever counts on the wire: a permit is given only while what left within the last second, and what may leave at any
//! moment since it was handed over before, is less than the rate and the burst. So nothing that stands still between permit
//! and wire can bring more into a second.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// What may be due at once: timers and schedulers are late by so much on an ordinary day.
const AT_ONCE: Duration = Duration::from_millis(20);

/// What is due within so short a time goes together: a waking and a write cost as much as several messages.
const TOGETHER: Duration = Duration::from_millis(4);

/// How far behind the mean may be and still be caught up with.
const SLACK: Duration = Duration::from_millis(300);

/// The speed of catching up, as a multiple of the rate.
const CATCH_UP: f64 = 1.01;

/// The second in which the bound holds, and a hair more: instants on both sides are read from two clocks.
const SECOND: Duration = Duration::from_millis(1_001);

/// Why no permit is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Not before this instant.
    Until(Instant),
    /// Not before something that was handed over has left.
    Departure,
}

/// The most that any second may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound {
    /// Segments a second.
    pub(crate) rate: f64,
    /// And that many more.
    pub(crate) burst: u32,
}

impl Bound {
    fn most(self) -> usize {
        ((self.rate + f64::from(self.burst)) as usize).max(1)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pace {
    bound: Option<Bound>,
    spacing: Option<Spacing>,
    /// Handed over and not known to have left.
    outstanding: usize,
    /// What left within the last [`SECOND`], and its sum.
    left: VecDeque<(Instant, usize)>,
    sum: usize,
}

/// Even spacing at one rate.
#[derive(Clone, Copy, Debug)]
struct Spacing {
    rate: f64,
    at_once: Duration,
    /// When the next permit is due at the catching-up speed, and at the mean.
    prompt: Instant,
    mean: Instant,
    /// Somebody was told to wait for the next permit: if it is late, then it is not for want of segments.
    awaited: bool,
}

impl Pace {
    /// No second gets more than `bound`; permits come as fast as that, until [`Pace::set_rate`].
    pub(crate) fn new(bound: Option<Bound>, now: Instant) -> Self {
        let mut pace = Self {
            bound,
            spacing: None,
            outstanding: 0,
            left: VecDeque::new(),
            sum: 0,
        };
        pace.set_rate(None, now);
        pace
    }

    /// No second gets more than that from now on; permits come at `rate`, as in [`Pace::set_rate`].
    pub(crate) fn set_bound(&mut self, bound: Option<Bound>, rate: Option<f64>, now: Instant) {
        self.bound = bound;
        if bound.is_none() {
            (self.left, self.sum) = (VecDeque::new(), 0);
        }
        let at_once = self.at_once();
        if let Some(spacing) = &mut self.spacing {
            spacing.at_once = at_once;
        }
        self.set_rate(rate, now);
    }

    /// What may be due at once after a stall.
    fn at_once(&self) -> Duration {
        let burst = self
            .bound
            .map(|bound| every(bound.rate) * bound.burst.saturating_sub(1));
        AT_ONCE.max(burst.unwrap_or_default())
    }

    /// Permits come at that rate from now on; `None`: as fast as the bound allows.
    pub(crate) fn set_rate(&mut self, rate: Option<f64>, now: Instant) {
        let Some(rate) = rate.or(self.bound.map(|bound| bound.rate)) else {
            self.spacing = None;
            return;
        };
        let at_once = self.at_once();
        match &mut self.spacing {
            Some(spacing) if spacing.rate == rate => {}
            Some(spacing) => spacing.change(rate, now),
            None => {
                self.spacing = Some(Spacing {
                    rate,
                    at_once,
                    prompt: now,
                    mean: now,
                    awaited: false,
                });
            }
        }
    }

    /// Takes up to `max` permits that are due.
    pub(crate) fn take(&mut self, max: usize, now: Instant) -> Result<usize, Wait> {
        let room = self.room(now)?;
        let taken = match &mut self.spacing {
            Some(spacing) => spacing.take(max.min(room), now).map_err(Wait::Until)?,
            None => max.min(room),
        };
        self.outstanding += taken;
        Ok(taken)
    }

    /// So many of those that were handed over left, or never will.
    pub(crate) fn departed(&mut self, count: usize, at: Option<Instant>) {
        debug_assert!(self.outstanding >= count, "more left than was handed over");
        self.outstanding = self.outstanding.saturating_sub(count);
        if let Some(at) = at.filter(|_| self.bound.is_some()) {
            self.left.push_back((at, count));
            self.sum += count;
        }
    }

    fn room(&mut self, now: Instant) -> Result<usize, Wait> {
        let Some(bound) = self.bound else {
            return Ok(usize::MAX);
        };
        while let Some((_, count)) = self.left.pop_front_if(|(at, _)| *at + SECOND <= now) {
            self.sum -= count;
        }
        match bound.most().saturating_sub(self.sum + self.outstanding) {
            0 => Err(self
                .left
                .front()
                .map_or(Wait::Departure, |(oldest, _)| Wait::Until(*oldest + SECOND))),
            room => Ok(room),
        }
    }
}

impl Spacing {
    fn change(&mut self, rate: f64, now: Instant) {
        self.rate = rate;
        // What was far at a slow pace is near at a faster one.
        let soon = now + every(rate);
        self.prompt = self.prompt.min(soon);
        self.mean = self.mean.min(soon);
    }

    fn take(&mut self, max: usize, now: Instant) -> Result<usize, Instant> {
        let earliest = |slack| now.checked_sub(slack).unwrap_or(now);
        let prompt = self.prompt.max(earliest(self.at_once));
        let slack = if self.awaited { SLACK } else { self.at_once };
        let mean = self.mean.max(earliest(slack.max(self.at_once)));
        let (quick, regular) = (every(self.rate * CATCH_UP), every(self.rate));
        let due = |next: Instant, interval: Duration| match now.checked_duration_since(next) {
            Some(late) => late.div_duration_f64(interval) as usize + 1,
            None => 0,
        };
        let taken = due(prompt, quick).min(due(mean, regular)).min(max);
        self.awaited = taken == 0;
        if self.awaited {
            let together = (TOGETHER.div_duration_f64(regular) as usize).min(max);
            return Err(prompt.max(mean) + regular * together.saturating_sub(1) as u32);
        }
        self.prompt = prompt + quick * taken as u32;
        self.mean = mean + regular * taken as u32;
        Ok(taken)
    }
}

fn every(rate: f64) -> Duration {
    Duration::from_secs_f64(1.0 / rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// Takes permits for `length`; each call comes late by what `late` says of the step, and what was taken leaves after
    /// what `stands` says of the instant. Returns when each segment left.
    fn run(
        bound: Bound,
        length: Duration,
        late: impl Fn(u32) -> Duration,
        stands: impl Fn(Duration) -> Duration,
    ) -> Vec<Duration> {
        let start = Clock::new().now();
        let mut pace = Pace::new(Some(bound), start);
        let (mut now, mut step, mut left) = (start, 0u32, Vec::new());
        let mut pending: VecDeque<(Instant, usize)> = VecDeque::new();
        while now - start < length {
            while let Some((at, count)) = pending.pop_front_if(|(at, _)| *at <= now) {
                pace.departed(count, Some(at));
                left.extend(std::iter::repeat_n(at - start, count));
            }
            match pace.take(1_000, now) {
                Ok(count) => {
                    let at = now + stands(now - start);
                    let place = pending.partition_point(|(other, _)| *other <= at);
                    pending.insert(place, (at, count));
                }
                Err(wait) => {
                    step += 1;
                    let departure = pending.front().map(|(at, _)| *at);
                    now = match wait {
                        Wait::Until(due) => due.max(now) + late(step),
                        Wait::Departure => departure.expect("something is outstanding").max(now),
                    };
                }
            }
        }
        left
    }

    fn most_in_a_second(left: &[Duration]) -> usize {
        let (mut worst, mut end) = (0, 0);
        for (from, at) in left.iter().enumerate() {
            while end < left.len() && left[end] <= *at + Duration::from_secs(1) {
                end += 1;
            }
            worst = worst.max(end - from);
        }
        worst
    }

    fn bound(rate: u32) -> Bound {
        Bound {
            rate: f64::from(rate),
            burst: (rate / 100).max(1),
        }
    }

    #[test]
    fn the_mean_is_within_a_hundredth_of_the_rate() {
        for (rate, late) in [(1, 3), (20, 3), (500, 3), (5_000, 3), (500, 15), (5_000, 15)] {
            let jitter = |step: u32| Duration::from_millis(late) * (step % 7) / 7;
            let left = run(bound(rate), Duration::from_secs(10), jitter, |_| Duration::ZERO);
            let mean = left.len() as f64 / 10.0 / f64::from(rate);
            assert!((0.99..=1.01).contains(&mean), "{rate}/s, {late} ms: {mean}");
            let (worst, most) = (most_in_a_second(&left), bound(rate).most());
            assert!(worst <= most, "{rate}/s: {worst} in a second, {most} are allowed");
        }
    }

    #[test]
    fn no_second_has_more_than_the_rate_and_the_burst_wherever_time_is_lost() {
        for rate in [1, 20, 200, 500, 1_500, 5_000] {
            for stall in [30, 300, 1_000, 3_000].map(Duration::from_millis) {
                let most = bound(rate).most();
                // Between the permit and the wire: all that is taken in the stall leaves at its end.
                let (from, length) = (Duration::from_secs(3), Duration::from_secs(12));
                let stuck = |at: Duration| match at.checked_sub(from) {
                    Some(into) if into < stall => stall - into,
                    _ => Duration::from_micros(100),
                };
                let left = run(bound(rate), length, |_| MILLISECOND, stuck);
                let worst = most_in_a_second(&left);
                assert!(worst <= most, "{rate}/s, written {stall:?} late: {worst} of {most}");
                // Of the whole process, again and again.
                let stopped = |step: u32| if step.is_multiple_of(700) { stall } else { MILLISECOND };
                let left = run(bound(rate), length, stopped, |_| Duration::ZERO);
                let worst = most_in_a_second(&left);
                assert!(worst <= most, "{rate}/s, stopped for {stall:?}: {worst} of {most}");
            }
        }
    }

    #[test]
    fn what_is_due_within_a_moment_goes_together() {
        let start = Clock::new().now();
        for (rate, wanted, group) in [
            (100, 50, 1),
            (200, 50, 1),
            (500, 50, 2),
            (5_000, 50, 20),
            (5_000, 3, 3),
            (5_000, 1, 1),
        ] {
            let mut pace = Pace::new(Some(bound(rate)), start);
            while pace.take(wanted, start).is_ok() {}
            let Err(Wait::Until(due)) = pace.take(wanted, start) else {
                panic!("{rate}/s: something is due at once");
            };
            assert!(
                due - start <= TOGETHER.max(every(f64::from(rate))),
                "{rate}/s: {:?}",
                due - start
            );
            assert_eq!(pace.take(wanted, due), Ok(group), "{rate}/s, {wanted} wanted");
        }
    }

    #[test]
    fn a_pause_is_caught_up_with_evenly_and_only_a_little() {
        let start = Clock::new().now();
        let mut pace = Pace::new(Some(bound(1_000)), start);
        assert_eq!(pace.take(10, start), Ok(1));
        let later = start + Duration::from_secs(60);
        let at_once = pace.take(1_000, later).unwrap();
        assert!(at_once <= 21, "{at_once} at once");
        let then = pace.take(1_000, later + Duration::from_millis(100)).unwrap();
        assert!(at_once + then <= 122, "{} in a tenth of a second", at_once + then);
    }

    #[test]
    fn a_rate_that_changes_holds_from_then_on() {
        let start = Clock::new().now();
        let mut pace = Pace::new(None, start);
        assert_eq!(pace.take(10_000, start), Ok(10_000), "nothing limits it");
        pace.set_rate(Some(1.0), start);
        assert_eq!(pace.take(10, start), Ok(1));
        assert!(matches!(pace.take(10, start + MILLISECOND), Err(Wait::Until(_))));
        pace.set_rate(Some(100.0), start + MILLISECOND);
        assert_eq!(pace.take(10, start + 12 * MILLISECOND), Ok(1));
    }
}
