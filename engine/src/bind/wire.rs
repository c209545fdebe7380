//! When segments left for an SMSC and what it said to them, over all its sessions: the sessions write it down, and whoever
//! paces reads it.
//!
//! A permit is the right to hand a segment over; when its octets leave is another matter: the session's task may stand
//! still, the socket may be full. An SMSC counts what it sees, so the pace is counted from here. And its answers are heard
//! here before they free a place, so that a "too fast" slows what follows however far settling is behind.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use smpp::command_status::CommandStatus;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Some segments that were handed to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) count: usize,
    /// Not before this instant the kernel had all their octets; `None`: they never went.
    pub(crate) at: Option<Instant>,
}

/// Answers that one session read at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) accepted: usize,
    /// Of these, those of messages that an SMSC had refused before.
    pub(crate) accepted_again: usize,
    /// The codes of the others, each as often as it came, and whether an SMSC had refused the message before.
    pub(crate) refused: Vec<(CommandStatus, bool)>,
    /// How busy the SMSC said that it is, at worst.
    pub(crate) congestion: Option<u8>,
}

/// What limits how fast an SMSC is fed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Hold {
    /// Segments a second.
    pub(crate) rate: f64,
    /// It is less than is configured, or nothing is: the SMSC throttles, or says that it is busy.
    pub(crate) brakes: bool,
}

/// The departures and answers of one SMSC account. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Each belongs to segments that were handed over, so that there are never more than these.
    departures: Mutex<Vec<Departure>>,
    /// Likewise: an answer belongs to a segment that was handed over.
    heard: Mutex<Vec<(Heard, Instant)>>,
    /// As whoever paces says it, for those who show it.
    hold: Mutex<Option<Hold>>,
    changed: Notify,
}

impl Wire {
    /// What left since the last call.
    pub(crate) fn departures(&self) -> Vec<Departure> {
        std::mem::take(&mut *lock(&self.0.departures))
    }

    /// What was answered since the last call.
    pub(crate) fn answers(&self) -> Vec<(Heard, Instant)> {
        std::mem::take(&mut *lock(&self.0.heard))
    }

    /// The SMSC answered.
    pub(crate) fn heard(&self, heard: Heard, at: Instant) {
        if heard != Heard::default() {
            lock(&self.0.heard).push((heard, at));
        }
    }

    /// The rate that holds now; `None`: nothing limits it.
    pub(crate) fn hold(&self) -> Option<Hold> {
        *lock(&self.0.hold)
    }

    /// That rate holds from now on.
    pub(crate) fn set_hold(&self, hold: Option<Hold>) {
        *lock(&self.0.hold) = hold;
    }

    /// Ends with the next departure after this call.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.0.changed.notified()
    }

    /// The kernel has them. `at`: read from the clock afterwards.
    pub(crate) fn wrote(&self, count: usize, at: Instant) {
        self.push(Departure { count, at: Some(at) });
    }

    /// They were handed over and surely never go.
    pub(crate) fn unsent(&self, count: usize) {
        self.push(Departure { count, at: None });
    }

    fn push(&self, departure: Departure) {
        if departure.count > 0 {
            lock(&self.0.departures).push(departure);
            self.0.changed.notify_waiters();
        }
    }
}

fn lock<T>(list: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole at every instant, so a panic elsewhere does not spoil it.
    list.lock().unwrap_or_else(PoisonError::into_inner)
}
