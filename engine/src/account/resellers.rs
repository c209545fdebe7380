//! Resellers: made by the operator, each with tenants of its own.

use super::{
    AccountFault, Accounts, GRANT_MAX, NAME_MAX, REFERENCE_MAX, check_text, key, keys, out_of_range, reference_taken,
};
use crate::domain::{KeyBounds, ResellerId, Role, TenantId};
use crate::mirror::{Balance, Between, ByOperator, CreditPrice, Move, Reseller, ResellerLine, Transferred};
use crate::store::{GRANTED_MAX, Tenant, Token, TransferKind};

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

    /// Says what a tenant pays for a credit from some time on. `false`: it has said that too often.
    ///
    /// # Errors
    /// [`AccountFault::Database`].
    pub(crate) async fn set_credit_price(&self, tenant: TenantId, price: CreditPrice) -> Result<bool, AccountFault> {
        Ok(self.mirror.put_credit_price(tenant, price).await?)
    }

    /// What a tenant pays for a credit, the newest first.
    ///
    /// # Errors
    /// [`AccountFault::Database`].
    pub(crate) async fn credit_prices(&self, tenant: TenantId) -> Result<Vec<CreditPrice>, AccountFault> {
        Ok(self.mirror.credit_prices(tenant).await?)
    }

    /// What a reseller is called from now on: 1 to [`NAME_MAX`] characters.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`] or [`AccountFault::Database`].
    pub(crate) async fn rename_reseller(&self, id: ResellerId, name: &str) -> Result<(), AccountFault> {
        let faults = check_text("/name", name, NAME_MAX, true);
        if !faults.is_empty() {
            return Err(AccountFault::Fields(faults));
        }
        let renamed = self.mirror.rename_reseller(id, name.trim()).await?;
        renamed.then_some(()).ok_or(AccountFault::NotFound)
    }

    /// Gives a reseller 1 to [`GRANT_MAX`] credits. The same request gives none again.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`] or [`AccountFault::Database`].
    pub(crate) async fn grant_reseller(
        &self,
        id: ResellerId,
        (amount, reference): (i64, &str),
        token: Token,
    ) -> Result<(), AccountFault> {
        let (credits, reference) = checked(amount, reference)?;
        self.reseller(id).await?;
        let balance = self.balance(id).await?;
        let room = GRANTED_MAX.saturating_sub(balance.granted.saturating_sub(balance.withdrawn));
        if credits > room {
            return Err(AccountFault::Fields(vec![out_of_range("/amount", room)]));
        }
        self.book((id, ByOperator::Grant), (credits, reference), token).await
    }

    /// Takes 1 to [`GRANT_MAX`] credits back that a reseller has given to nobody. The same request takes none again.
    ///
    /// # Errors
    /// As [`Accounts::grant_reseller`], or [`AccountFault::Short`].
    pub(crate) async fn withdraw_from_reseller(
        &self,
        id: ResellerId,
        (amount, reference): (i64, &str),
        token: Token,
    ) -> Result<(), AccountFault> {
        let of = checked(amount, reference)?;
        self.reseller(id).await?;
        self.book((id, ByOperator::Withdraw), of, token).await
    }

    async fn book(
        &self,
        what: (ResellerId, ByOperator),
        (credits, reference): (u64, &str),
        token: Token,
    ) -> Result<(), AccountFault> {
        let now = self.clock.unix();
        let booked = self
            .mirror
            .book_reseller(what, (credits, reference), (token, now))
            .await?;
        moved(booked, credits)
    }

    /// A reseller's credits.
    ///
    /// # Errors
    /// [`AccountFault::Database`].
    pub(crate) async fn balance(&self, id: ResellerId) -> Result<Balance, AccountFault> {
        Ok(self.mirror.balance(id).await?)
    }

    /// Movements of a reseller's credits, the newest first, behind one.
    ///
    /// # Errors
    /// [`AccountFault::Database`].
    pub(crate) async fn reseller_ledger(
        &self,
        id: ResellerId,
        paging: (Between, Option<u64>, usize),
    ) -> Result<Vec<ResellerLine>, AccountFault> {
        Ok(self.mirror.reseller_ledger(id, paging).await?)
    }

    /// Gives a tenant 1 to [`GRANT_MAX`] credits: of its reseller's, or, as the operator, out of nothing. The same request gives none
    /// again.
    ///
    /// # Errors
    /// As [`Accounts::transfer`].
    pub(crate) async fn give(
        &self,
        (manager, tenant): (Option<ResellerId>, TenantId),
        (amount, reference): (i64, &str),
        token: Token,
    ) -> Result<(), AccountFault> {
        match manager {
            None => self.grant(tenant, amount, reference, token).await.map(drop),
            Some(_) => {
                let given = (tenant, TransferKind::Give);
                self.transfer(given, (amount, reference), token).await
            }
        }
    }

    /// Whether a reseller has so many credits, or has given them for this very request. The operator has any number.
    ///
    /// # Errors
    /// [`AccountFault::Short`] or [`AccountFault::Database`].
    pub(crate) async fn can_give(
        &self,
        manager: Option<ResellerId>,
        credits: i64,
        token: Token,
    ) -> Result<(), AccountFault> {
        let (Some(reseller), Ok(needed)) = (manager, u64::try_from(credits)) else {
            return Ok(());
        };
        let available = self.balance(reseller).await?.available;
        if needed > available && !self.mirror.has_moved(token).await? {
            return Err(AccountFault::Short { available, needed });
        }
        Ok(())
    }

    /// Moves 1 to [`GRANT_MAX`] credits from a tenant's reseller to it, or back. The same request moves none again, and neither does another
    /// with the same reference.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], also when others were moved for that reference, [`AccountFault::NotFound`] when the tenant has no reseller, [`AccountFault::Short`],
    /// [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn transfer(
        &self,
        (tenant, kind): (TenantId, TransferKind),
        (amount, reference): (i64, &str),
        token: Token,
    ) -> Result<(), AccountFault> {
        let (credits, reference) = checked(amount, reference)?;
        let reseller = self.store.reseller_of(tenant).await?.flatten();
        let order = Move {
            reseller: reseller.ok_or(AccountFault::NotFound)?,
            tenant,
            kind,
            credits,
            reference,
            token,
        };
        moved(self.mirror.transfer(&order, self.clock.unix()).await?, credits)
    }
}

/// What a move of so many credits is answered with.
fn moved(transferred: Transferred, needed: u64) -> Result<(), AccountFault> {
    match transferred {
        Transferred::Done => Ok(()),
        Transferred::Short { available } => Err(AccountFault::Short { available, needed }),
        Transferred::TooMany => Err(AccountFault::Fields(vec![out_of_range("/amount", 0)])),
        Transferred::ReferenceTaken { credits } => Err(reference_taken(credits)),
    }
}

pub(super) fn checked(amount: i64, reference: &str) -> Result<(u64, &str), AccountFault> {
    let mut faults = check_text("/reference", reference, REFERENCE_MAX, false);
    let credits = u64::try_from(amount).ok();
    let credits = credits.filter(|credits| (1..=GRANT_MAX).contains(credits));
    if credits.is_none() {
        faults.push(out_of_range("/amount", GRANT_MAX));
    }
    let checked = credits.filter(|_| faults.is_empty());
    checked
        .map(|credits| (credits, reference.trim()))
        .ok_or(AccountFault::Fields(faults))
}
