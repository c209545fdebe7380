//! What a reseller has said of a tenant, kept in mind for a moment: it is asked for with every message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};

use super::look::OPEN_MAX;
use super::{FlagState, FlaggedTexts};
use crate::compose::ProtectedNames;
use crate::database::{DatabaseError, Sql};
use crate::domain::{Country, TenantId};

/// How long another engine may not know of a change: less than the minute within which what is wrong has to stop.
const KEPT: Duration = Duration::from_secs(10);

/// Tenants that are kept in mind: as many as may send at once. Beyond, all are asked for again.
const TENANTS_MAX: usize = 10_000;

/// What is known of the traffic of one tenant: as much as may be open, and the countries. Of rejected texts as many.
const RULINGS_MAX: i64 = 2_000;

/// What a reseller has said of one tenant.
#[derive(Default)]
pub(crate) struct Said {
    /// Names that its senders may not look like, beside the installation's.
    pub(crate) protected: ProtectedNames,
    /// Unusual traffic waits until it was looked at.
    pub(super) hold_unusual: bool,
    /// What was flagged of its traffic, by digest.
    pub(super) traffic: FxHashMap<String, Ruling>,
    /// Texts that were rejected, by digest: those of the last decisions.
    pub(super) rejected: FxHashSet<String>,
    /// Countries to which it had sent before new ones were asked about.
    pub(super) sent: Vec<Country>,
    /// As much is open as may be: of single messages, nothing more is asked about.
    pub(super) is_full: bool,
}

/// What was decided of something that is flagged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    pub(super) state: FlagState,
    pub(super) note: String,
}

/// What is kept in mind.
#[derive(Default)]
pub(super) struct Memory {
    tenants: Mutex<FxHashMap<TenantId, (Instant, Arc<Said>)>>,
    /// How often something was forgotten: what was read before is not kept then.
    forgotten: AtomicU64,
    /// Of many who ask at once, one reads, and the others wait here. Tenants with the same remainder wait for each other.
    turns: [tokio::sync::Mutex<()>; TURNS],
}

const TURNS: usize = 32;

impl Memory {
    /// However old it is.
    fn last(&self, tenant: TenantId) -> Option<Arc<Said>> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&tenant).map(|(_, said)| said.clone())
    }

    fn known(&self, tenant: TenantId, now: Instant) -> Option<Arc<Said>> {
        let tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        let (read, said) = tenants.get(&tenant)?;
        (now.saturating_duration_since(*read) < KEPT).then(|| said.clone())
    }

    fn keep(&self, tenant: TenantId, (now, forgotten): (Instant, u64), said: &Arc<Said>) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        if self.forgotten.load(Ordering::Acquire) != forgotten {
            return;
        }
        if tenants.len() >= TENANTS_MAX {
            tenants.clear();
        }
        tenants.insert(tenant, (now, said.clone()));
    }

    /// A reseller has decided something, here: it is read again.
    pub(super) fn forget(&self) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        tenants.clear();
    }

    /// The same of one tenant.
    pub(super) fn forget_of(&self, tenant: TenantId) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        tenants.remove(&tenant.live());
    }
}

impl FlaggedTexts {
    /// What the reseller of a tenant, or of its sandbox, has said of it. What is changed over another engine is known within seconds. While
    /// the database is away, what was known last holds: messages do not wait for it.
    pub(crate) async fn said_of(&self, tenant: TenantId) -> Arc<Said> {
        let (tenant, now) = (tenant.live(), self.0.clock.now());
        if let Some(known) = self.0.memory.known(tenant, now) {
            return known;
        }
        let _turn = self.0.memory.turns[tenant.0 as usize % TURNS].lock().await;
        if let Some(known) = self.0.memory.known(tenant, now) {
            return known;
        }
        let forgotten = self.0.memory.forgotten.load(Ordering::Acquire);
        match self.read_of(tenant).await {
            Ok(said) => {
                let said = Arc::new(said);
                self.0.memory.keep(tenant, (now, forgotten), &said);
                said
            }
            Err(error) => {
                tracing::debug!(%error, %tenant, "what a reseller has said of a tenant cannot be read");
                self.0.memory.last(tenant).unwrap_or_default()
            }
        }
    }

    /// The same as it is now.
    pub(super) async fn read_of(&self, tenant: TenantId) -> Result<Said, DatabaseError> {
        let rules = self.of_tenant(tenant).await?.rules;
        let mut traffic = Sql::new("SELECT digest, state, note FROM flagged WHERE traffic <> '' AND tenant = ");
        traffic
            .value(tenant.0)
            .push(" ORDER BY id DESC LIMIT ")
            .value(RULINGS_MAX);
        let traffic = self.0.database.rows(traffic, |row| {
            let state = row.parsed(1, "what was decided of traffic", |state| state.parse().ok())?;
            Ok((
                row.text(0)?,
                Ruling {
                    state,
                    note: row.text(2)?,
                },
            ))
        });
        let mut rejected =
            Sql::new("SELECT digest FROM flagged WHERE traffic = '' AND state = 'rejected' AND tenant = ");
        rejected
            .value(tenant.0)
            .push(" ORDER BY decided_at DESC LIMIT ")
            .value(RULINGS_MAX);
        let rejected = self.0.database.rows(rejected, |row| row.text(0));
        let mut sent = Sql::new("SELECT country FROM sent_country WHERE tenant = ");
        sent.value(tenant.0);
        let sent = self.0.database.rows(sent, |row| row.text(0));
        let mut open = Sql::new("SELECT COUNT(*) FROM flagged WHERE state = 'open' AND tenant = ");
        open.value(tenant.0);
        Ok(Said {
            is_full: self.0.database.count(open).await? >= OPEN_MAX,
            protected: ProtectedNames::only(&rules.protected_senders),
            hold_unusual: rules.hold_unusual,
            traffic: traffic.await?.into_iter().collect(),
            rejected: rejected.await?.into_iter().collect(),
            sent: sent.await?.iter().filter_map(|code| code.parse().ok()).collect(),
        })
    }
}
