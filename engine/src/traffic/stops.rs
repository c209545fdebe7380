//! An SMSC that takes nothing from its account any more: when it is tried again, and with how much. Pure.

use std::time::{Duration, Instant};

use smpp::command_status::CommandStatus;

/// Whether an SMSC has said that it takes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stops(Option<Stopped>);

/// Since when, why, and until when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    /// What it answered.
    pub(super) status: CommandStatus,
    pub(super) since: Instant,
    /// How long it is given nothing.
    pause: Duration,
    /// When one message is tried.
    pub(super) try_at: Instant,
    /// Since when it is under way.
    trying: Option<Instant>,
}

impl Stops {
    pub(super) fn stopped(&self) -> Option<&Stopped> {
        self.0.as_ref()
    }

    /// Whether it is time to try one message.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.0.is_some_and(|stopped| now >= stopped.try_at)
    }

    /// It takes nothing: `status` says why. One message is tried after `pause`. Returns whether that is news.
    pub(super) fn stop(&mut self, status: CommandStatus, pause: Duration, now: Instant) -> bool {
        match &mut self.0 {
            // What was under way when it stopped says the same.
            Some(stopped) if stopped.trying.is_none() => false,
            Some(stopped) => {
                (stopped.status, stopped.pause) = (status, pause);
                (stopped.try_at, stopped.trying) = (now + pause, None);
                false
            }
            None => {
                self.0 = Some(Stopped {
                    status,
                    since: now,
                    pause,
                    try_at: now + pause,
                    trying: None,
                });
                true
            }
        }
    }

    /// Takes the right to try one message, which nobody else has then; the next one may be tried after the same pause.
    pub(super) fn try_one(&mut self, now: Instant) -> bool {
        match &mut self.0 {
            Some(stopped) if now >= stopped.try_at => {
                (stopped.try_at, stopped.trying) = (now + stopped.pause, Some(now));
                true
            }
            Some(_) | None => false,
        }
    }

    /// There was nothing to try it with, or it did not get that far: the next one may be tried after `pause`.
    pub(super) fn untried(&mut self, pause: Duration, now: Instant) {
        if let Some(stopped) = self.0.as_mut().filter(|stopped| stopped.trying.is_some()) {
            (stopped.try_at, stopped.trying) = (now + pause, None);
        }
    }

    /// It took a message that was submitted then. Returns whether it is stopped no more, since that was the one that was tried.
    pub(super) fn took(&mut self, submitted: Instant) -> bool {
        let was_tried = |stopped: &mut Stopped| stopped.trying.is_some_and(|since| submitted >= since);
        self.0.take_if(was_tried).is_some()
    }

    /// An operator's word. Returns whether it was stopped.
    pub(super) fn resume(&mut self) -> bool {
        self.0.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const SECOND: Duration = Duration::from_secs(1);
    const PAUSE: Duration = Duration::from_secs(60);

    #[test]
    fn one_message_is_tried_after_each_pause_until_one_is_taken() {
        let start = Clock::new().now();
        let mut stops = Stops::default();
        assert!(!stops.took(start) && !stops.is_due(start));
        assert!(stops.stop(CommandStatus::ESME_RINVPASWD, PAUSE, start));
        assert!(
            !stops.stop(CommandStatus::ESME_RBINDFAIL, PAUSE, start + SECOND),
            "no news"
        );
        assert!(!stops.took(start + SECOND), "it was under way");
        assert!(!stops.try_one(start + 59 * SECOND));
        let due = start + PAUSE;
        assert!(stops.is_due(due) && stops.try_one(due) && !stops.try_one(due));
        stops.stop(CommandStatus::ESME_RBINDFAIL, PAUSE, due + SECOND);
        let stopped = *stops.stopped().unwrap();
        assert_eq!(
            (stopped.status, stopped.try_at),
            (CommandStatus::ESME_RBINDFAIL, due + SECOND + PAUSE)
        );
        assert!(stops.try_one(stopped.try_at));
        assert!(!stops.took(due), "an older one");
        assert!(stops.took(stopped.try_at) && stops.stopped().is_none());
    }

    #[test]
    fn a_try_that_found_nothing_comes_again_soon_and_an_operator_ends_it() {
        let start = Clock::new().now();
        let mut stops = Stops::default();
        stops.stop(CommandStatus::ESME_RINVPASWD, PAUSE, start);
        stops.untried(SECOND, start);
        assert!(!stops.is_due(start + SECOND), "none was tried");
        assert!(stops.try_one(start + PAUSE));
        stops.untried(SECOND, start + PAUSE);
        assert!(!stops.is_due(start + PAUSE) && stops.is_due(start + PAUSE + SECOND));
        assert!(stops.resume() && !stops.resume());
    }
}
