//! Tenants that are suspended: nothing of theirs is taken or leased until they are resumed.

use super::{AccountFault, Accounts, check_text};
use crate::domain::TenantId;

/// The longest reason, in characters: one sentence, which the tenant reads as well.
pub(crate) const SUSPENSION_REASON_MAX: usize = 200;

impl Accounts {
    /// Suspends a tenant, for a reason of 1 to [`SUSPENSION_REASON_MAX`] characters. What its SMSCs have is settled as ever.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`], [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn suspend(&self, id: TenantId, reason: &str) -> Result<(), AccountFault> {
        let faults = check_text("/reason", reason, SUSPENSION_REASON_MAX, true);
        if !faults.is_empty() {
            return Err(AccountFault::Fields(faults));
        }
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.store.suspend_tenant(id, reason.trim(), self.clock.unix()).await?;
        self.keep(id).await
    }

    /// Lets a tenant go on; one that is not suspended stays so.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`], [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn resume(&self, id: TenantId) -> Result<(), AccountFault> {
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.store.resume_tenant(id).await?;
        self.keep(id).await
    }
}
