//! Our numbers, and which tenants have which: configured, or kept in SQL as resellers give them; and the names that tenants ask for.

mod kept;
mod requests;
mod senders;
mod table;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio_util::sync::CancellationToken;

pub(crate) use kept::{NewNumber, NumberFault, OurNumber, PRICE_MAX};
pub(crate) use requests::{NOTE_MAX, NumberKind, NumberRequest, OPEN_MAX, RequestState};
pub(crate) use senders::SenderRequest;
pub(crate) use table::Owned;
use table::Table;

use crate::clock::Clock;
use crate::compose::OwnedSenders;
use crate::config::{Number, OwnNumber};
use crate::database::{Database, DatabaseError};
use crate::domain::TenantId;

/// How often it is looked for what another process has changed.
const LOOK: Duration = Duration::from_secs(5);

/// The number table. Cheap to clone; copies share it.
#[derive(Clone)]
pub(crate) struct Numbers(Arc<Shared>);

struct Shared {
    database: Database,
    clock: Clock,
    /// `[[number]]`.
    configured: ArcSwap<Vec<Number>>,
    table: ArcSwap<Table>,
}

impl Numbers {
    /// Those of that database; what is configured comes with [`Numbers::set`].
    pub(crate) fn new(database: Database, clock: Clock) -> Self {
        Self(Arc::new(Shared {
            database,
            clock,
            configured: ArcSwap::default(),
            table: ArcSwap::default(),
        }))
    }

    /// From here on these are configured, and no others.
    pub(crate) fn set(&self, configured: &[Number]) {
        self.0.configured.store(Arc::new(configured.to_vec()));
        let mut table = Table::clone(&self.0.table.load());
        table.configure(configured);
        self.0.table.store(Arc::new(table));
    }

    /// Whose the destination address of a message is; `None`: it is none of our numbers.
    pub(crate) fn find(&self, address: &str) -> Option<Owned> {
        self.0.table.load().find(address)
    }

    /// Whose they are as senders.
    pub(crate) fn senders(&self) -> Arc<OwnedSenders> {
        self.0.table.load().senders()
    }

    /// Those that the configuration gives to a tenant.
    pub(crate) fn configured_for(&self, tenant: TenantId) -> Vec<OwnNumber> {
        let configured = self.0.configured.load();
        let own = configured.iter().filter(|number| number.tenant == tenant);
        own.map(|number| number.number.clone()).collect()
    }

    /// Reads what is kept.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn load(&self) -> Result<(), DatabaseError> {
        let kept = kept::assigned(&self.0.database).await?;
        let table = Table::new(&self.0.configured.load(), kept);
        self.0.table.store(Arc::new(table));
        Ok(())
    }

    /// Looks for changes of others, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
            if let Err(error) = self.load().await {
                tracing::debug!(%error, "cannot look whose our numbers are; it is looked again");
            }
        }
    }
}
