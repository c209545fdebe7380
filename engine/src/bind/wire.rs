//! When segments left for an SMSC, over all its sessions: the sessions write it down, and whoever paces reads it.
//!
//! A permit is the right to hand a segment over; when its octets leave is another matter: the session's task may stand
//! still, the socket may be full. An SMSC counts what it sees, so the pace is counted from here.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Some segments that were handed to a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Departure {
    pub(crate) count: usize,
    /// Not before this instant the kernel had all their octets; `None`: they never went.
    pub(crate) at: Option<Instant>,
}

/// The departures of one SMSC account. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wire(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Each belongs to segments that were handed over, so that there are never more than these.
    departures: Mutex<Vec<Departure>>,
    changed: Notify,
}

impl Wire {
    /// Everything since the last call.
    pub(crate) fn departures(&self) -> Vec<Departure> {
        std::mem::take(&mut *self.0.departures.lock().unwrap_or_else(PoisonError::into_inner))
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
            let mut departures = self.0.departures.lock().unwrap_or_else(PoisonError::into_inner);
            departures.push(departure);
            drop(departures);
            self.0.changed.notify_waiters();
        }
    }
}
