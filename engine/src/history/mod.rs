//! History: what became of each message, in SQL, long after Redis has forgotten it.
//!
//! ```text
//! journal ─► follow ─► [database: message, sent_campaign] ─► lists, searches, filters, statistics
//! ```
//!
//! *follow* reads the journal at positions of its own, beside the books, and commits these with the rows: each event is in them,
//! whatever crashes. It is in no hurry: while much happens it rests for longer than it works, so that sending has the machine. The
//! journal is kept for it up to `history.journal_max` octets; then the guard stops leases until it has caught up. Nothing is dropped.

mod calendar;
mod campaigns;
mod erase;
mod follow;
mod gather;
mod margins;
mod obeyed;
mod read;
mod statistics;
mod tidy;
mod trials;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{self, PriceList};
use crate::database::{Database, DatabaseError, Sql};
use crate::domain::{CampaignId, Partition, SmscId, Under, UnixMicros};
use crate::metrics::Metrics;
use crate::mirror::Erased;
use crate::pressure::Fullness;
use crate::store::{Store, StoreError, journal_place};
use crate::webhooks::Webhooks;

pub(crate) use erase::NOBODY;
pub(crate) use margins::{Margin, MarginBy, MarginGroup, MarginQuestion, currencies};
use obeyed::Obeyed;
pub(crate) use obeyed::obeys;
pub(crate) use read::{Asked, Past, Taken};
pub(crate) use statistics::{Dimension, GROUPS_MAX, Group, Question, Sums, TIME_ZONE};

/// Why history does not go on, or cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HistoryFault {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What history works with.
pub(crate) struct HistoryDeps {
    pub(crate) store: Store,
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) settings: config::History,
    /// Who reads the journal as well. Absent: nobody.
    pub(crate) webhooks: Option<Webhooks>,
    /// Told when the journal is as long as it may be.
    pub(crate) fullness: Fullness,
    /// What SMSCs are called.
    pub(crate) names: Names,
    /// What they take for a segment.
    pub(crate) prices: Prices,
    /// Whose numbers are not written down.
    pub(crate) erased: Erased,
}

/// The name of an SMSC, if it has one.
pub(crate) type Names = Arc<dyn Fn(SmscId) -> Option<String> + Send + Sync>;

/// The prices of an SMSC that is configured, or was since the start.
pub(crate) type Prices = Arc<dyn Fn(SmscId) -> Option<Arc<PriceList>> + Send + Sync>;

/// History. Cheap to clone.
#[derive(Clone)]
pub(crate) struct History(Arc<Shared>);

struct Shared {
    deps: HistoryDeps,
    /// How far each partition's journal was written down.
    positions: Mutex<Vec<String>>,
    /// Campaigns that were written down of late.
    campaigns: Mutex<FxHashSet<CampaignId>>,
    /// Which rules messages were leased under.
    obeyed: Mutex<FxHashMap<Under, Option<Arc<Obeyed>>>>,
    /// How long the journal was at the last look.
    octets: AtomicU64,
    /// What all engines were told last of whether it is full.
    told_full: Mutex<Option<bool>>,
    /// How many times as long as it works it rests.
    rest: AtomicU32,
    /// The partition whose turn it is to be read first.
    next: AtomicU16,
    /// When it was read to its end.
    read_at: Mutex<UnixMicros>,
}

impl History {
    /// Reads how far the journal was written down.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn open(deps: HistoryDeps) -> Result<Self, DatabaseError> {
        let positions = positions(&deps).await?;
        let now = deps.clock.unix();
        Ok(Self(Arc::new(Shared {
            deps,
            positions: Mutex::new(positions),
            campaigns: Mutex::default(),
            obeyed: Mutex::default(),
            octets: AtomicU64::default(),
            told_full: Mutex::default(),
            rest: AtomicU32::default(),
            next: AtomicU16::default(),
            read_at: Mutex::new(now),
        })))
    }

    /// Follows what happens, and forgets what is old, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        // How far another engine was behind, nobody says: from now on it is known.
        *self.0.read_at.lock().unwrap_or_else(PoisonError::into_inner) = self.0.deps.clock.unix();
        if let Err(error) = self.0.read_positions().await {
            // What another process has read on is noticed before anything is written down.
            tracing::debug!(%error, "how far the journal was written down cannot be read");
        }
        let (follow, watch) = (self.clone().follow(stop.clone()), self.clone().watch_room(stop.clone()));
        tokio::join!(follow, watch, self.tidy(stop));
    }

    /// The oldest entry of a partition's journal that is still to be read, when the books are at `books`; empty: all are.
    pub(crate) fn trims(&self, partition: Partition, books: &str) -> String {
        self.0.trims(partition, books)
    }
}

/// How far each partition's journal was written down.
async fn positions(deps: &HistoryDeps) -> Result<Vec<String>, DatabaseError> {
    let mut positions = vec![String::new(); usize::from(deps.store.partitions())];
    let kept = Sql::new("SELECT partition_number, place FROM history_position");
    let kept = deps.database.rows(kept, |row| Ok((row.number(0)?, row.text(1)?)));
    for (partition, place) in kept.await? {
        let known = usize::try_from(partition).ok().and_then(|at| positions.get_mut(at));
        if let Some(known) = known {
            *known = place;
        }
    }
    Ok(positions)
}

impl Shared {
    async fn read_positions(&self) -> Result<(), DatabaseError> {
        let read = positions(&self.deps).await?;
        *self.positions.lock().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    fn positions(&self) -> Vec<String> {
        self.positions.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn position(&self, partition: Partition) -> String {
        let positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        positions[usize::from(partition.0)].clone()
    }

    fn trims(&self, partition: Partition, books: &str) -> String {
        let webhooks = self.deps.webhooks.as_ref();
        let told = webhooks.map_or_else(|| books.to_owned(), |webhooks| webhooks.trims(partition, books));
        let ours = self.position(partition);
        if journal_place(&ours) < journal_place(&told) {
            ours
        } else {
            told
        }
    }
}
