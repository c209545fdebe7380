//! The rate of one SMSC account, in segments, over all its binds.
//!
//! Permits are taken when a segment is handed to its session, and are spaced evenly (the generic cell rate algorithm). A
//! stall of the machine may be caught up with within [`SLACK`], but never so that a second sees more than the rate and a
//! little (at least one segment): what was given in the last second is remembered.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::config::Rate;

/// How far behind the pace may be and still catch up.
const SLACK: Duration = Duration::from_millis(300);

/// How far leases may run ahead of permits: longer than Redis makes anyone wait on an ordinary day, and short enough that a
/// campaign that is paused stops at once for people.
const LEAD: Duration = Duration::from_millis(200);

/// The parts of the lead that one lease may take: the next one is under way while this one is being handed over.
const LEASES_AHEAD: usize = 4;

/// More than the rate that a second may see, to catch up at all: 1 %. The stated burst has 1 % more, for the jitter of
/// the way to the socket.
const CATCH_UP: f64 = 1.01;

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
            most: (a_second * CATCH_UP).ceil() as usize,
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
}

/// The permits of one SMSC account. Cheap to clone; without a rate there are always enough.
#[derive(Clone, Debug)]
pub struct Meter {
    limit: Option<Arc<Limit>>,
    clock: Clock,
}

#[derive(Debug)]
struct Limit {
    pace: Mutex<Pace>,
    /// Segments that may be leased and not yet handed over.
    lead: Arc<Semaphore>,
    /// The most of it for one lease.
    lease_max: usize,
}

/// The right to lease so many segments; it ends when they are handed over.
#[derive(Debug)]
pub struct Lead {
    count: usize,
    /// Given back with the last of them.
    _held: Option<OwnedSemaphorePermit>,
}

impl Meter {
    /// A meter for that rate, or for none.
    pub fn new(rate: Option<Rate>, clock: Clock) -> Self {
        let limit = |rate: Rate| {
            let lead = ((rate.segments_per_second() * LEAD.as_secs_f64()) as usize).max(1);
            Arc::new(Limit {
                pace: Mutex::new(Pace::new(rate)),
                lead: Arc::new(Semaphore::new(lead)),
                lease_max: (lead / LEASES_AHEAD).max(1),
            })
        };
        Self {
            limit: rate.map(limit),
            clock,
        }
    }

    /// Waits until something may be leased, and says how much: 1 to `max`. `true`: it had to wait.
    pub async fn lead(&self, max: usize) -> (Lead, bool) {
        let free = Lead {
            count: max,
            _held: None,
        };
        let Some(limit) = &self.limit else {
            return (free, false);
        };
        let waits = limit.lead.available_permits() == 0;
        // The semaphore is never closed; if it were, the permits alone would keep the rate.
        let Ok(mut held) = limit.lead.clone().acquire_owned().await else {
            return (free, waits);
        };
        let more = max.min(limit.lease_max).min(limit.lead.available_permits() + 1) - 1;
        if let Ok(more) = limit.lead.clone().try_acquire_many_owned(more as u32) {
            held.merge(more);
        }
        let count = held.num_permits();
        (
            Lead {
                count,
                _held: Some(held),
            },
            waits,
        )
    }

    /// Waits until a segment may be sent, and says how many may be sent now: 1 to `max`.
    pub async fn take(&self, max: usize) -> usize {
        let Some(limit) = &self.limit else { return max };
        loop {
            let taken = limit
                .pace
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(max.max(1), self.clock.now());
            match taken {
                Ok(count) => return count,
                Err(due) => tokio::time::sleep_until(due.into()).await,
            }
        }
    }
}

impl Lead {
    /// How many.
    pub fn count(&self) -> usize {
        self.count
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
                worst <= (f64::from(rate) * CATCH_UP).ceil() as usize,
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

    #[tokio::test]
    async fn leases_run_ahead_of_the_rate_by_a_fifth_of_a_second() {
        let meter = Meter::new(Some(Rate::per_second(100)), Clock);
        let mut leads = Vec::new();
        for _ in 0..LEASES_AHEAD {
            let (lead, waited) = meter.lead(192).await;
            assert_eq!((lead.count(), waited), (5, false));
            leads.push(lead);
        }
        let next = meter.lead(192);
        tokio::pin!(next);
        assert!(futures_are_pending(&mut next).await);
        leads.pop();
        let (lead, _) = next.await;
        assert_eq!(lead.count(), 5);
    }

    async fn futures_are_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    #[tokio::test]
    async fn without_a_rate_there_is_always_enough() {
        let meter = Meter::new(None, Clock);
        assert_eq!(meter.lead(192).await.0.count(), 192);
        assert_eq!(meter.take(1_000).await, 1_000);
    }
}
