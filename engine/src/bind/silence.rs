//! A session whose submissions are not answered: seen long before they are overdue. Pure.

use std::time::{Duration, Instant};

/// Without any answer for so long while submissions wait for one, a session is silent. Carriers answer within a second or two;
/// the one that needs longer for each answer is shown as stalled now and then, and is given as much as before.
const SILENT_AFTER: Duration = Duration::from_secs(5);

/// Since when a session owes an answer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    since: Option<Instant>,
    noticed: bool,
}

impl Silence {
    /// Looks whether submissions wait for an answer. Returns whether it is silent as of now, and was not before.
    pub(super) fn look(&mut self, waits: bool, now: Instant) -> bool {
        if !waits {
            self.since = None;
            return false;
        }
        let since = *self.since.get_or_insert(now);
        let silent = now.saturating_duration_since(since) >= SILENT_AFTER;
        silent && !std::mem::replace(&mut self.noticed, true)
    }

    /// Something was answered. Returns whether it was silent.
    pub(super) fn answered(&mut self) -> bool {
        self.since = None;
        std::mem::take(&mut self.noticed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_session_is_silent_after_seconds_without_any_answer_and_until_the_next() {
        let start = Clock::new().now();
        let second = Duration::from_secs(1);
        let mut silence = Silence::default();
        assert!(!silence.look(true, start));
        assert!(!silence.look(true, start + 4 * second));
        assert!(!silence.answered(), "it was slow");
        assert!(!silence.look(true, start + 5 * second));
        assert!(!silence.look(false, start + 9 * second), "nothing waits");
        assert!(!silence.look(true, start + 20 * second));
        assert!(silence.look(true, start + 25 * second));
        assert!(!silence.look(true, start + 26 * second), "it is known");
        assert!(
            !silence.look(false, start + 60 * second),
            "what was overdue is given up"
        );
        assert!(silence.answered() && !silence.answered());
    }
}
