//! Follows the messages that are settled in Redis, and turns what was seen into a rate.
//!
//! The count comes from the engine's histogram of the time from submitted to settled: one scrape, however many
//! campaigns there are, and nothing asked of Redis. The engine counts a message there after Redis has confirmed it.

use std::time::{Duration, Instant};

use anyhow::Result;

use super::stage::Stage;
use crate::clock;

/// Before anything is settled: soon, since a small run may be over in no time.
const LOOK_FIRST: Duration = Duration::from_millis(30);

/// Between two looks: at most this, so that a stall is seen soon …
const LOOK_MAX: Duration = Duration::from_millis(200);

/// … and at least this, so that looking costs the engine next to nothing. It bounds the error on the end of a run.
const LOOK_MIN: Duration = Duration::from_millis(10);

/// Nothing settled for this long, beyond the longest receipt delay, means that the rest will not come.
const STALLED_AFTER: Duration = Duration::from_secs(15);

/// The settled messages over time.
pub(crate) struct Watch {
    started: Instant,
    /// (seconds since the start, messages settled since the start), rising in both.
    points: Vec<(f64, u64)>,
    stalled_after: Duration,
    last_moved: Instant,
}

impl Watch {
    /// Starts to count now, with nothing settled.
    pub(crate) fn start(receipt_delay_max: Duration) -> Self {
        let started = clock::now();
        let stalled_after = STALLED_AFTER + receipt_delay_max;
        Self {
            started,
            points: vec![(0.0, 0)],
            stalled_after,
            last_moved: started,
        }
    }

    /// Looks once, and gives the messages settled since the stage was set.
    pub(crate) fn look(&mut self, stage: &Stage) -> Result<u64> {
        let settled = stage.settled()?.count as u64;
        let now = clock::now();
        if settled > self.settled() {
            self.points
                .push((now.duration_since(self.started).as_secs_f64(), settled));
            self.last_moved = now;
        }
        Ok(settled)
    }

    /// Looks until `target` messages are settled or nothing moves any more; which of them, the caller's checks find.
    pub(crate) fn until(&mut self, target: u64, stage: &Stage) -> Result<()> {
        while self.look(stage)? < target && !self.stalled() {
            stage.check_open()?;
            std::thread::sleep(next_look(self.rate_so_far(), target.saturating_sub(self.settled())));
        }
        Ok(())
    }

    /// Whether the last progress lies so far back that no more is to be expected.
    pub(crate) fn stalled(&self) -> bool {
        clock::now().duration_since(self.last_moved) > self.stalled_after
    }

    /// Messages settled when last looked.
    pub(crate) fn settled(&self) -> u64 {
        self.points.last().map_or(0, |(_, settled)| *settled)
    }

    /// Seconds from the start to the last progress seen.
    pub(crate) fn seconds(&self) -> f64 {
        self.points.last().map_or(0.0, |(seconds, _)| *seconds)
    }

    /// Messages a second while the settled ones went from the share `from` to the share `to` of `total`.
    ///
    /// `None` if they never got that far.
    pub(crate) fn rate_between(&self, from: f64, to: f64, total: u64) -> Option<f64> {
        let at = |share: f64| time_of(&self.points, share * total as f64);
        let seconds = at(to)? - at(from)?;
        (seconds > 0.0).then(|| (to - from) * total as f64 / seconds)
    }

    fn rate_so_far(&self) -> f64 {
        if self.seconds() > 0.0 {
            self.settled() as f64 / self.seconds()
        } else {
            0.0
        }
    }
}

/// A quarter of the time that the rest seems to need, so that the looks get dense only towards the end.
fn next_look(rate: f64, rest: u64) -> Duration {
    if rate <= 0.0 {
        return LOOK_FIRST;
    }
    let rest_seconds = (rest as f64 / rate).min(3_600.0);
    Duration::from_secs_f64(rest_seconds / 4.0).clamp(LOOK_MIN, LOOK_MAX)
}

/// When `settled` messages were reached, on the straight line between the two looks around it.
fn time_of(points: &[(f64, u64)], settled: f64) -> Option<f64> {
    let after = points.iter().position(|(_, n)| *n as f64 >= settled)?;
    let (t1, n1) = points[after];
    let Some((t0, n0)) = after.checked_sub(1).map(|before| points[before]) else {
        return Some(t1);
    };
    let share = (settled - n0 as f64) / (n1 - n0) as f64;
    Some(t0 + (t1 - t0) * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(points: &[(f64, u64)]) -> Watch {
        let mut watch = Watch::start(Duration::ZERO);
        watch.points.extend_from_slice(points);
        watch
    }

    #[test]
    fn rates_are_taken_between_shares() {
        // Half a second of nothing, then 100 a second.
        let watch = watch(&[(0.5, 1), (1.5, 100), (2.5, 200)]);
        assert_eq!(watch.rate_between(0.5, 1.0, 200), Some(100.0));
        assert_eq!(watch.rate_between(0.75, 1.0, 200), Some(100.0));
        assert_eq!(watch.rate_between(0.5, 1.0, 400), None, "400 never were settled");
        assert_eq!(watch.seconds(), 2.5);
        assert_eq!(watch.settled(), 200);
    }

    #[test]
    fn an_empty_watch_has_no_rate() {
        assert_eq!(watch(&[]).rate_between(0.1, 0.9, 10), None);
        assert_eq!(watch(&[]).rate_so_far(), 0.0);
    }

    #[test]
    fn looks_get_denser_towards_the_end() {
        assert_eq!(next_look(0.0, 1_000), LOOK_FIRST);
        assert_eq!(next_look(1_000.0, 100_000), LOOK_MAX);
        assert_eq!(next_look(1_000.0, 200), Duration::from_millis(50));
        assert_eq!(next_look(1_000.0, 1), LOOK_MIN);
    }
}
