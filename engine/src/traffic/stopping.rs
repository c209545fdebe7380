//! What answers say of a whole SMSC: that it takes nothing from its account, and that it takes messages again.

use std::time::{Duration, Instant};

use smpp::command_status::CommandStatus;

use super::{Known, Service};
use crate::domain::{Message, SmscId};

/// A message that was to show whether a stopped SMSC takes it did not get that far: when the next one may.
const UNTRIED: Duration = Duration::from_secs(1);

impl Service {
    /// Its answer says that it takes nothing from the account: nothing more is given to it until an operator resumes it, but
    /// for one message after each pause.
    pub(crate) fn stop(&self, status: CommandStatus, pause: Duration) {
        let traffic = &self.traffic;
        let now = traffic.0.clock.now();
        let mut smscs = traffic.lock();
        let Some(known) = smscs.iter_mut().find(|known| known.id == self.id) else {
            return;
        };
        if known.stops.stop(status, pause, now) {
            known.stopped_at = traffic.0.clock.unix();
            let try_in = humantime::format_duration(pause);
            tracing::error!(smsc = known.name, %status, %try_in, "it takes nothing from its account, which is stopped");
            traffic.0.metrics.backed_off(&known.name, "stopped");
            drop(smscs);
            traffic.look();
        }
    }

    /// Whether it is stopped: what it takes then is to be said with [`Service::took`].
    pub(crate) fn is_stopped(&self) -> bool {
        self.turn.borrow().stopped
    }

    /// It took a message, so long after its submission.
    pub(crate) fn took(&self, after: Duration) {
        let submitted = self.traffic.0.clock.now().checked_sub(after);
        self.change(|known| {
            if submitted.is_some_and(|submitted| known.stops.took(submitted)) {
                tracing::info!(smsc = known.name, "it takes messages from its account again");
            }
        });
        self.traffic.look();
    }

    /// The message that was to be tried did not get that far.
    pub(crate) fn untried(&self) {
        self.try_again(UNTRIED);
    }

    pub(super) fn try_again(&self, pause: Duration) {
        let now = self.traffic.0.clock.now();
        self.change(|known| known.stops.untried(pause, now));
    }

    pub(super) fn try_one(&self, now: Instant) -> bool {
        let mut smscs = self.traffic.lock();
        let mut mine = smscs.iter_mut().filter(|known| known.id == self.id);
        mine.any(|known| known.stops.try_one(now))
    }

    fn change(&self, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.traffic.lock().iter_mut().find(|known| known.id == self.id) {
            change(known);
        }
    }

    /// Who is asked next for a message that it does not take.
    pub(crate) fn next(&self, message: &Message<'_>) -> Option<SmscId> {
        self.traffic.next(message, Some(self.id))
    }
}
