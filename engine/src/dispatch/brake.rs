//! How an SMSC that says that it is busy (`congestion_state`, SMPP 5.0, 4.8.4.17) is given less: pure.
//!
//! From [`BUSY`] on it is given half of what it took; from [`FULL`] on nothing for a second, and half then. When it says so no
//! more, it is given a quarter more with every second.

use std::time::{Duration, Instant};

/// 80 and more: it is congested.
const BUSY: u8 = 80;

/// 99 and more: all that it has is in use.
const FULL: u8 = 99;

/// What it is given then, of what it took.
const LESS: f64 = 0.5;

/// And nothing for so long.
const PAUSE: Duration = Duration::from_secs(1);

/// How much more it is given, of what it took, after so long without a word of that.
const MORE: f64 = 0.25;
const MORE_AFTER: Duration = Duration::from_secs(1);

/// It is given what is possible again when it has so much, of what it took.
const FREE: f64 = 2.0;

/// The slowest, in segments a second: what it took before may be next to nothing.
const SLOWEST: f64 = 10.0;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Brake(Option<Braking>);

#[derive(Clone, Copy, Debug)]
struct Braking {
    /// What it took in a second, before.
    took: f64,
    /// Of that it is given so much.
    share: f64,
    changed_at: Instant,
    paused_until: Option<Instant>,
}

impl Brake {
    /// It said how busy it is; it took so many segments within the last second. Returns whether it is given less for that.
    pub(super) fn heard(&mut self, congestion: u8, took: f64, now: Instant) -> bool {
        if congestion < BUSY {
            return false;
        }
        let brakes = self.0.is_none_or(|braking| braking.share > LESS);
        let braking = self.0.get_or_insert(Braking {
            took: took.max(SLOWEST),
            share: LESS,
            changed_at: now,
            paused_until: None,
        });
        (braking.share, braking.changed_at) = (LESS, now);
        let paused = braking.paused_until.is_some_and(|until| now < until);
        if congestion >= FULL && !paused {
            braking.paused_until = Some(now + PAUSE);
        }
        brakes
    }

    pub(super) fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The segments a second that it is given now; `None`: whatever is possible.
    pub(super) fn rate(&mut self, now: Instant) -> Option<f64> {
        let braking = self.0.as_mut()?;
        while now.saturating_duration_since(braking.changed_at) >= MORE_AFTER && braking.share < FREE {
            braking.share += MORE;
            braking.changed_at += MORE_AFTER;
        }
        if braking.share >= FREE {
            self.0 = None;
            return None;
        }
        Some(braking.took * braking.share)
    }

    /// Until when it is given nothing.
    pub(super) fn paused(&self, now: Instant) -> Option<Instant> {
        self.0?.paused_until.filter(|until| now < *until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_smsc_that_is_busy_is_given_half_and_then_more_again() {
        let start = Clock::new().now();
        let mut brake = Brake::default();
        assert!(!brake.heard(79, 400.0, start) && !brake.is_on());
        assert!(brake.heard(80, 400.0, start));
        assert!(!brake.heard(98, 190.0, start + SECOND / 2), "it is braking");
        assert_eq!(brake.rate(start + SECOND), Some(200.0));
        assert_eq!(brake.paused(start + SECOND / 2), None);
        let quiet = start + SECOND / 2;
        assert_eq!(brake.rate(quiet + SECOND), Some(300.0));
        assert!(brake.heard(85, 300.0, quiet + SECOND), "again");
        assert_eq!(brake.rate(quiet + 3 * SECOND), Some(400.0));
        assert_eq!(brake.rate(quiet + 10 * SECOND), None);
        assert!(!brake.is_on());
    }

    #[test]
    fn one_that_is_full_is_given_nothing_for_a_second() {
        let start = Clock::new().now();
        let mut brake = Brake::default();
        brake.heard(100, 0.0, start);
        brake.heard(99, 0.0, start + SECOND / 2);
        assert_eq!(
            brake.paused(start + SECOND / 2),
            Some(start + SECOND),
            "the pause grows by no answer"
        );
        assert_eq!(
            (brake.paused(start + SECOND), brake.rate(start + SECOND)),
            (None, Some(5.0))
        );
        brake.heard(99, 5.0, start + SECOND);
        assert_eq!(brake.paused(start + SECOND), Some(start + 2 * SECOND));
    }
}
