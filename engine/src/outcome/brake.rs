//! How an SMSC that says "too fast" is left alone: a pause that grows while it says so, and shrinks when it does not.

use std::time::{Duration, Instant};

/// The first pause.
const PAUSE_MIN: Duration = Duration::from_millis(50);

/// The longest: an SMSC that throttles for minutes is asked every few seconds whether it still does.
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// The pause of one SMSC account.
#[derive(Clone, Copy, Debug)]
pub struct Brake {
    pause: Duration,
    until: Option<Instant>,
}

impl Default for Brake {
    fn default() -> Self {
        Self {
            pause: PAUSE_MIN,
            until: None,
        }
    }
}

impl Brake {
    /// The SMSC said that we are too fast. Answers to what was under way when the pause began do not prolong it.
    pub fn throttled(&mut self, now: Instant) {
        if self.until.is_none_or(|until| now >= until) {
            if self.until.is_some() {
                self.pause = (self.pause * 2).min(PAUSE_MAX);
            }
            self.until = Some(now + self.pause);
        }
    }

    /// The SMSC took a message after the pause: the next pause is shorter.
    pub fn accepted(&mut self, now: Instant) {
        if self.until.is_some_and(|until| now >= until) {
            self.pause = (self.pause / 2).max(PAUSE_MIN);
            if self.pause == PAUSE_MIN {
                self.until = None;
            }
        }
    }

    /// How long nothing is to be sent from now on.
    pub fn remaining(&self, now: Instant) -> Duration {
        self.until
            .map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_once_a_burst_and_shrinks_with_success() {
        let start = crate::clock::Clock.now();
        let mut brake = Brake::default();
        for _ in 0..100 {
            brake.throttled(start);
        }
        assert_eq!(brake.remaining(start), PAUSE_MIN);
        let mut now = start;
        for _ in 0..20 {
            now += brake.remaining(now);
            brake.throttled(now);
        }
        assert_eq!(brake.remaining(now), PAUSE_MAX);
        now += PAUSE_MAX;
        for _ in 0..20 {
            brake.accepted(now);
        }
        assert_eq!(brake.remaining(now), Duration::ZERO);
        brake.throttled(now);
        assert_eq!(brake.remaining(now), PAUSE_MIN);
    }
}
