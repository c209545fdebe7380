//! Under which epoch this process leases, and its signs of life.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bind::Lease;
use crate::clock::Clock;
use crate::store::{Store, StoreError};

/// How often a process shows that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// Silent for longer, a process is dead, and what it leased is in doubt.
pub(super) const DEAD_AFTER_US: u64 = 5_000_000;

/// The leases of this process.
#[derive(Debug)]
pub struct Leases {
    current: Mutex<Arc<Lease>>,
    /// Given up because a reply was lost; some of their messages may still be in flight.
    retired: Mutex<Vec<Arc<Lease>>>,
    clock: Clock,
    store: StoreHandle,
}

/// [`Store`] has no `Debug`.
#[derive(Clone)]
struct StoreHandle(Store);

impl std::fmt::Debug for StoreHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Leases {
    /// A first epoch.
    pub async fn new(store: &Store, clock: Clock) -> Result<Self, StoreError> {
        let epoch = store.new_epoch(clock.unix_us()).await?;
        let current = Mutex::new(Arc::new(Lease { epoch }));
        Ok(Self {
            current,
            retired: Mutex::default(),
            clock,
            store: StoreHandle(store.clone()),
        })
    }

    /// What to lease under now.
    pub fn current(&self) -> Arc<Lease> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leases under another epoch from now on, unless somebody saw to that already. Waits until the store is there.
    pub async fn renew(&self, lost: &Arc<Lease>) {
        let mut pause = Duration::from_millis(50);
        while self.current().epoch == lost.epoch {
            match self.store.0.new_epoch(self.clock.unix_us()).await {
                Ok(epoch) => {
                    let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
                    if current.epoch == lost.epoch {
                        let old = std::mem::replace(&mut *current, Arc::new(Lease { epoch }));
                        self.retired.lock().unwrap_or_else(PoisonError::into_inner).push(old);
                    }
                }
                Err(_) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(BEAT);
                }
            }
        }
    }

    /// Epochs of this process.
    pub(super) fn own(&self) -> Vec<u32> {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        let old = retired.iter().map(|lease| lease.epoch);
        old.chain(std::iter::once(self.current().epoch)).collect()
    }

    /// Retired epochs none of whose messages is in flight any more: what is leased under them never reached us.
    pub(super) fn unreachable(&self) -> Vec<u32> {
        let retired = self.retired.lock().unwrap_or_else(PoisonError::into_inner);
        retired
            .iter()
            .filter(|lease| Arc::strong_count(lease) == 1)
            .map(|lease| lease.epoch)
            .collect()
    }

    pub(super) fn forget(&self, epoch: u32) {
        self.retired
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|lease| lease.epoch != epoch);
    }

    /// Shows that the process lives, until `stop`.
    pub async fn beat(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_some() {
            for epoch in self.own() {
                if let Err(error) = self.store.0.beat(epoch, self.clock.unix_us()).await {
                    tracing::debug!(%error, "no sign of life could be given");
                }
            }
        }
    }

    /// At an orderly end, when nothing is in flight: the epoch needs no recovery.
    pub async fn close(&self) {
        for epoch in self.own() {
            if let Err(error) = self.store.0.forget_epoch(epoch).await {
                tracing::warn!(%error, "the epoch could not be closed; the next start looks through its leases");
            }
        }
    }
}
