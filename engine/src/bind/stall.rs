//! How an SMSC is tried that keeps its sessions up and answers no submission: with one message at a time.
//!
//! Each submission that nobody answers is a message in doubt. So after a window without an answer the next session is
//! given one place, and after each message that is not answered either the pause before the next one is longer.

use std::time::Duration;

/// The longest pause, in response timeouts: a quarter of an hour with the usual one.
const PAUSE_MAX: u32 = 16;

/// What is known of a bind over its sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stall {
    /// Sessions in a row that ended with submissions and without an answer.
    silent: u32,
}

impl Stall {
    /// How long a new session has to wait for its one place; `None`: all its places are free.
    pub(super) fn pause(self, response_timeout: Duration) -> Option<Duration> {
        match self.silent {
            0 => None,
            1 => Some(Duration::ZERO),
            more => Some(response_timeout * 2_u32.saturating_pow(more - 2).min(PAUSE_MAX)),
        }
    }

    /// A session ended that had left submissions unanswered.
    pub(super) fn silence(&mut self) {
        self.silent = self.silent.saturating_add(1);
    }

    /// A submission was answered.
    pub(super) fn answered(&mut self) {
        self.silent = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_before_the_one_message_grows_until_it_is_answered() {
        let second = Duration::from_secs(1);
        let mut stall = Stall::default();
        assert_eq!(stall.pause(second), None);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            stall.silence();
            pauses.push(stall.pause(second).unwrap().as_secs());
        }
        assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 16, 16]);
        stall.answered();
        assert_eq!(stall.pause(second), None);
    }
}
