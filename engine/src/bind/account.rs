//! What the sessions of one account share: how often they may bind, who is bound anew, and who receives.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use smpp::frame::BindKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::budget::Budget;

/// What the sessions of one account have in common.
pub(super) struct Account {
    pub(super) budget: Budget,
    /// One permit: whoever has it may be bound anew for its age.
    renewals: Arc<Semaphore>,
    /// Sessions that are bound and receive.
    receivers: AtomicUsize,
}

/// The right to be bound anew, which one session of an account has at a time.
pub(super) type Renewal = OwnedSemaphorePermit;

impl Account {
    pub(super) fn new(binds_per_hour: u32) -> Self {
        Self {
            budget: Budget::new(binds_per_hour),
            renewals: Arc::new(Semaphore::new(1)),
            receivers: AtomicUsize::new(0),
        }
    }

    /// Waits until no other session is being bound anew.
    pub(super) async fn renewal(&self) -> Option<Renewal> {
        // It is never closed.
        self.renewals.clone().acquire_owned().await.ok()
    }

    /// A session of that kind was bound.
    pub(super) fn came(&self, kind: BindKind) {
        self.receivers
            .fetch_add(usize::from(kind.receives()), Ordering::Relaxed);
    }

    /// A session of that kind, which had been bound, is over. `true`: it was the last one that receives.
    pub(super) fn left(&self, kind: BindKind) -> bool {
        kind.receives() && self.receivers.fetch_sub(1, Ordering::Relaxed) == 1
    }
}
