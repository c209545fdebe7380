//! What a reseller has said of a tenant, kept in mind for a moment: it is asked for with every message.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use super::FlaggedTexts;
use crate::compose::ProtectedNames;
use crate::database::DatabaseError;
use crate::domain::TenantId;

/// How long another engine may not know of a change: less than the minute within which what is wrong has to stop.
const KEPT: Duration = Duration::from_secs(10);

/// Tenants that are kept in mind: as many as may send at once. Beyond, all are asked for again.
const TENANTS_MAX: usize = 10_000;

/// What a reseller has said of one tenant.
pub(crate) struct Said {
    /// Names that its senders may not look like, beside the installation's.
    pub(crate) protected: ProtectedNames,
}

/// What is kept in mind.
#[derive(Default)]
pub(super) struct Memory {
    tenants: Mutex<FxHashMap<TenantId, (Instant, Arc<Said>)>>,
    /// How often something was forgotten: what was read before is not kept then.
    forgotten: AtomicU64,
}

impl Memory {
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

    /// Something was decided, here: it is read again.
    pub(super) fn forget(&self) {
        let mut tenants = self.tenants.lock().unwrap_or_else(PoisonError::into_inner);
        self.forgotten.fetch_add(1, Ordering::AcqRel);
        tenants.clear();
    }
}

impl FlaggedTexts {
    /// What the reseller of a tenant, or of its sandbox, has said of it. What is changed over another engine is known within seconds.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn said_of(&self, tenant: TenantId) -> Result<Arc<Said>, DatabaseError> {
        let (tenant, now) = (tenant.live(), self.0.clock.now());
        if let Some(known) = self.0.memory.known(tenant, now) {
            return Ok(known);
        }
        let forgotten = self.0.memory.forgotten.load(Ordering::Acquire);
        let rules = self.of_tenant(tenant).await?.rules;
        let said = Arc::new(Said {
            protected: ProtectedNames::only(&rules.protected_senders),
        });
        self.0.memory.keep(tenant, (now, forgotten), &said);
        Ok(said)
    }
}
