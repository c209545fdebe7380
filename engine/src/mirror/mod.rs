//! What must outlive Redis is kept in SQL as well: tenants with their keys, the lines of their ledgers, and who wants no messages.
//!
//! Tenants and keys are there before a change of them is answered, and so are opt-outs that operators bring. Ledger lines, and what
//! people write, follow within a [`ROUND`]. At the start both are made to agree: SQL is right about tenants and keys, Redis about
//! credits, and an opt-out that either knows counts. A Redis that was lost whole is rebuilt: balances are what the ledger comes to,
//! and what was held for campaigns that went with it stays held, and is shown, until an operator says what was spent of it.

mod past_campaigns;
mod tenants;
mod resellers;
mod transfers;
mod ledger;
mod statements;
mod mend;
mod optouts;
mod erased;
mod numbers;
mod begin;
mod credit_prices;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, watched};
use crate::database::{Database, DatabaseError};
use crate::domain::TenantId;
use crate::encryption::{FormKey, LinkKey};
use crate::metrics::Metrics;
use crate::store::{LedgerPlace, OptOut, Store, StoreError};

pub(crate) use credit_prices::{CREDIT_PRICES_MAX, CreditPrice};
pub(crate) use erased::Erased;
pub(crate) use ledger::{Between, LinesOf, Movement};
pub(crate) use optouts::KeptOptOut;
pub(crate) use resellers::Reseller;
pub(crate) use statements::{Moved, Turnover};
pub(crate) use tenants::time_zone_of;
pub(crate) use transfers::{Balance, ByOperator, Move, ResellerLine, Transferred};

/// What is written of a line of a ledger that does not stand any more.
const UNDONE: i64 = 2;

/// How often what has changed is copied.
const ROUND: Duration = Duration::from_secs(1);

/// How often every ledger is looked at: others may write to them.
const ALL_EVERY: Duration = Duration::from_secs(300);

/// Why the two do not agree.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MirrorFault {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Keeps in SQL what Redis has of accounts. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Mirror(Arc<Shared>);

struct Shared {
    store: Store,
    database: Database,
    clock: Clock,
    metrics: Metrics,
    /// The id of the Redis that both were made to agree with.
    redis: OnceLock<String>,
    /// How far ledgers were copied.
    places: Mutex<FxHashMap<TenantId, LedgerPlace>>,
    /// Ledgers that are still to be copied.
    unread: Mutex<FxHashSet<TenantId>>,
    /// Who is not to be known any more.
    erased: Erased,
    /// Signs forms that stand in pages.
    forms: OnceLock<FormKey>,
    /// Makes what stands in short links.
    links: OnceLock<Arc<LinkKey>>,
    /// Opt-outs that Redis has and SQL may not have.
    opted_out: Mutex<FxHashSet<OptOut>>,
    /// Numbers up to that one may be given to campaigns; held while that is changed.
    reserved: tokio::sync::Mutex<u64>,
    /// Held while credits move between a reseller and a tenant.
    moving: tokio::sync::Mutex<()>,
}

impl Mirror {
    /// A mirror of these two, which [`Mirror::begin`] makes to agree.
    pub(crate) fn new(store: &Store, database: &Database, (clock, metrics): (Clock, &Metrics)) -> Self {
        Self(Arc::new(Shared {
            store: store.clone(),
            database: database.clone(),
            clock,
            metrics: metrics.clone(),
            redis: OnceLock::new(),
            places: Mutex::default(),
            unread: Mutex::default(),
            erased: Erased::default(),
            forms: OnceLock::new(),
            links: OnceLock::new(),
            opted_out: Mutex::default(),
            reserved: tokio::sync::Mutex::default(),
            moving: tokio::sync::Mutex::default(),
        }))
    }

    /// Copies what has changed until `stop`, and once more then.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let (mut failed, mut copied_at, mut all_at) = (false, self.0.clock.now(), self.0.clock.now());
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_none();
            let begun_at = self.0.clock.now();
            let lag = &self.0.metrics.mirror_lag_seconds;
            let show_lag = || lag.set(self.0.clock.now().duration_since(copied_at).as_secs_f64());
            let round = watched(self.round(begun_at, &mut all_at), ROUND, show_lag).await;
            match &round {
                Ok(()) => copied_at = begun_at,
                Err(error) if !failed => {
                    tracing::warn!(%error, "what is to outlive Redis cannot be copied; it is tried again");
                }
                Err(_) => {}
            }
            failed = round.is_err();
            let behind = self.0.clock.now().duration_since(copied_at);
            lag.set(if failed { behind.as_secs_f64() } else { 0.0 });
            if stopped {
                return;
            }
        }
    }

    async fn round(&self, now: Instant, all_at: &mut Instant) -> Result<(), MirrorFault> {
        self.0.keep_opted_out().await?;
        self.0.read_erased().await?;
        if now.duration_since(*all_at) >= ALL_EVERY {
            self.0.unread_all().await?;
            *all_at = now;
        }
        self.0.copy_ledgers().await?;
        self.0.finish_transfers().await
    }
}
