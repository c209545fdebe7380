//! A tenant's sandbox: a tenant by itself, made with its first key, under the terms of the tenant whose it is.

use super::{AccountFault, Accounts};
use crate::domain::{TenantId, TermChanges, Terms};
use crate::store::{NewTenant, Tenant};

impl Accounts {
    /// The sandbox of a tenant; it is made if there is none.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`], [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn open_sandbox(&self, of: TenantId) -> Result<TenantId, AccountFault> {
        let tenant = self.store.tenant(of).await?.ok_or(AccountFault::NotFound)?;
        if of.is_sandbox() {
            return Ok(of);
        }
        let new = NewTenant {
            name: tenant.name.clone(),
            reseller: tenant.reseller,
            weight: 1,
            terms: shared_terms(&tenant),
            countries: tenant.countries.clone(),
        };
        let sandbox = self.store.create_sandbox(of, &new, self.clock.unix()).await?;
        self.agree(&tenant, sandbox).await?;
        Ok(sandbox)
    }

    /// Keeps a tenant as it is now, and has its sandbox follow.
    pub(super) async fn keep(&self, id: TenantId) -> Result<(), AccountFault> {
        self.mirror.keep_tenant(id).await?;
        if id.is_sandbox() || self.store.reseller_of(id.sandbox()).await?.is_none() {
            return Ok(());
        }
        let tenant = self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.agree(&tenant, id.sandbox()).await
    }

    /// What was agreed on with a tenant holds in its sandbox.
    async fn agree(&self, tenant: &Tenant, sandbox: TenantId) -> Result<(), AccountFault> {
        let changes = TermChanges {
            balance_alerts: None,
            ..TermChanges::from(shared_terms(tenant))
        };
        self.store.change_terms(sandbox, changes).await?;
        self.store.set_countries(sandbox, &tenant.countries).await?;
        self.store.set_cancel_answers(sandbox, tenant.cancel_answers).await?;
        match &tenant.suspension {
            Some(suspension) => {
                let reason = &suspension.reason;
                self.store.suspend_tenant(sandbox, reason, suspension.since).await?;
            }
            None => self.store.resume_tenant(sandbox).await?,
        }
        Ok(self.mirror.keep_tenant(sandbox).await?)
    }
}

/// A sandbox has no credits of which anybody need be told that few are left.
fn shared_terms(tenant: &Tenant) -> Terms {
    Terms {
        balance_alerts: Vec::new(),
        ..tenant.terms.clone()
    }
}
