//! Parked receipts as operators see them, and how one is tried again.

use tokio::sync::mpsc;

use super::Parked;
use crate::domain::{PARTITIONS_MAX, Partition, Recipient, SmscId};
use crate::store::{ParkedOf, Store, StoreError};

/// A parked receipt as it is shown.
#[derive(Clone, Debug)]
pub(crate) struct ParkedView {
    /// By which it is asked for.
    pub(crate) id: String,
    /// The SMSC that sent it.
    pub(crate) smsc: SmscId,
    pub(crate) receipt: Parked,
}

/// Why a receipt cannot be tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReplayFault {
    /// There is no such receipt: it found its message, or was dropped when its time was over.
    #[error("no such receipt is parked")]
    NotFound,
    /// The engine ends, or others are being tried.
    #[error("busy")]
    Busy,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The parked receipts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Replay {
    store: Store,
    settler: mpsc::Sender<Vec<ParkedOf>>,
}

impl Replay {
    /// Those of a database, tried again by that settler.
    pub(crate) fn new(store: Store, settler: mpsc::Sender<Vec<ParkedOf>>) -> Self {
        Self { store, settler }
    }

    /// About a page of them from a cursor on, and the next cursor; `None` at the end.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn list(&self, cursor: u64, limit: usize) -> Result<(Vec<ParkedView>, Option<u64>), StoreError> {
        let (mut views, mut at) = (Vec::new(), cursor);
        loop {
            let partition = Partition((at % u64::from(PARTITIONS_MAX)) as u16);
            if partition.0 >= self.store.partitions() {
                return Ok((views, None));
            }
            let found = self
                .store
                .scan_parked(partition, at / u64::from(PARTITIONS_MAX), limit)
                .await?;
            for (key, packed) in &found.entries {
                views.extend(Parked::split(packed).map(|(receipt, one)| view(*key, receipt, one)));
            }
            at = match found.cursor {
                0 => u64::from(partition.0) + 1,
                next => next * u64::from(PARTITIONS_MAX) + u64::from(partition.0),
            };
            if views.len() >= limit {
                return Ok((views, Some(at)));
            }
        }
    }

    /// Tries one again, against what is under way now. Found, it leaves the list; otherwise it stays.
    ///
    /// # Errors
    /// See [`ReplayFault`].
    pub(crate) async fn again(&self, id: &str) -> Result<(), ReplayFault> {
        let key = id
            .split_once('-')
            .and_then(|(key, _)| u64::from_str_radix(key, 16).ok());
        let key = Recipient(key.ok_or(ReplayFault::NotFound)?);
        let packed = self.store.parked_of(key).await?;
        let one = Parked::split(&packed)
            .find(|(receipt, one)| view(key, receipt.clone(), one).id == id)
            .map(|(_, one)| one.to_vec())
            .ok_or(ReplayFault::NotFound)?;
        self.settler.try_send(vec![(key, one)]).map_err(|_| ReplayFault::Busy)
    }
}

fn view(key: Recipient, receipt: Parked, packed: &[u8]) -> ParkedView {
    let [a, b, c, d] = crate::domain::digest(SmscId(0), packed);
    ParkedView {
        id: format!("{:x}-{a:02x}{b:02x}{c:02x}{d:02x}", key.0),
        smsc: receipt.smsc(),
        receipt,
    }
}
