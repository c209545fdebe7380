//! Resellers: made by the operator, each with tenants of its own.

use super::{AccountFault, Accounts, NAME_MAX, check_text, key, keys};
use crate::domain::{KeyBounds, ResellerId, Role, TenantId};
use crate::mirror::Reseller;
use crate::store::{Tenant, Token};

/// What a reseller's key is if nothing is said: resellers give their tenants keys.
pub(crate) const RESELLER_ROLE: Role = Role::Admin;

impl Accounts {
    /// Makes a reseller, with its first key. The same request makes no second one: it gets a further key.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NoRandom`], [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn make_reseller(&self, name: &str, token: Token) -> Result<(Reseller, String), AccountFault> {
        let faults = check_text("/name", name, NAME_MAX, true);
        if !faults.is_empty() {
            return Err(AccountFault::Fields(faults));
        }
        let api_key = key::generate(key::RESELLERS)?;
        let now = self.clock.unix();
        let made = self.mirror.make_reseller(name.trim(), (token, now)).await?;
        let bounds = KeyBounds {
            role: RESELLER_ROLE,
            ..KeyBounds::default()
        };
        let (digest, details) = keys::described(&api_key, ("", bounds), now);
        self.store.add_key(made.id, &digest, &details).await?;
        self.mirror.keep_keys(made.id).await?;
        Ok((made, api_key))
    }

    /// A reseller.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`] or [`AccountFault::Database`].
    pub(crate) async fn reseller(&self, id: ResellerId) -> Result<Reseller, AccountFault> {
        self.mirror.reseller(id).await?.ok_or(AccountFault::NotFound)
    }

    /// Resellers in the order in which they were made, behind one.
    ///
    /// # Errors
    /// [`AccountFault::Database`].
    pub(crate) async fn resellers(
        &self,
        behind: Option<ResellerId>,
        limit: usize,
    ) -> Result<Vec<Reseller>, AccountFault> {
        Ok(self.mirror.resellers(behind, limit).await?)
    }

    /// Tenants in the order in which they were made, behind one: of a reseller, or all.
    ///
    /// # Errors
    /// [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn tenants_of(
        &self,
        reseller: Option<ResellerId>,
        (behind, limit): (Option<TenantId>, usize),
    ) -> Result<Vec<Tenant>, AccountFault> {
        let mut tenants = Vec::with_capacity(limit);
        for id in self.mirror.tenants_of(reseller, (behind, limit)).await? {
            tenants.extend(self.store.tenant(id).await?);
        }
        Ok(tenants)
    }

    /// Whether a tenant is that reseller's.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`]: it is another's, the operator's or nobody's; or [`AccountFault::Store`].
    pub(crate) async fn is_hosted(&self, tenant: TenantId, reseller: ResellerId) -> Result<(), AccountFault> {
        let host = self.store.reseller_of(tenant).await?.flatten();
        (host == Some(reseller)).then_some(()).ok_or(AccountFault::NotFound)
    }
}
