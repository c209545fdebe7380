//! Tenants, their credits, and the keys that they and the operator show.

mod digests;
mod key;
mod keys;
mod operator;
mod resellers;
mod sandbox;
mod statements;
mod suspension;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::clock::Clock;
use crate::database::DatabaseError;
use crate::domain::{CampaignId, Countries, KeyBounds, ResellerId, TenantId, TermChanges, Terms};
use crate::fault::{FieldFault, FieldProblem};
use crate::mirror::{LinesOf, Mirror, MirrorFault, Movement};
use crate::store::{GRANTED_MAX, Grant, LedgerPlace, NewTenant, Store, StoreError, Tenant, Token};

use digests::Digests;
pub(crate) use digests::Opened;
pub(crate) use key::{KeyDigest, is_of_reseller};
pub(crate) use keys::{KeyChanges, KnownKey};
pub(crate) use operator::OperatorKeyFault;
pub(crate) use resellers::RESELLER_ROLE;
pub(crate) use statements::Statement;
pub(crate) use suspension::SUSPENSION_REASON_MAX;

/// The longest name of a tenant, in characters: one line of a list.
pub(crate) const NAME_MAX: usize = 100;

/// The most turns that a tenant may get at once. One with more would make the others wait for seconds.
pub(crate) const WEIGHT_MAX: u8 = 100;

/// The most credits in one grant: a slip of the finger stays far under what a tenant may have in all.
pub(crate) const GRANT_MAX: u64 = 1_000_000_000;

/// The longest reference of a grant, in characters: the number of an invoice with some words.
pub(crate) const REFERENCE_MAX: usize = 100;

/// The longest ledger that is read at once, in lines.
pub(crate) const LEDGER_MAX: usize = 500;

/// Why an account is not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AccountFault {
    /// The request is wrong, and where.
    #[error("{} faults in the request", .0.len())]
    Fields(Vec<FieldFault>),
    /// There is no such tenant or reseller, or no such key of it.
    #[error("no such tenant, reseller or key")]
    NotFound,
    /// Others than its reseller's tenants have links under that domain.
    #[error("links under that domain are those of others")]
    ShortDomainTaken,
    /// It has as many keys as it may have.
    #[error("{max} keys are the most")]
    TooManyKeys { max: usize },
    /// Whoever gives credits has fewer.
    #[error("{available} credits are there, {needed} are asked for")]
    Short { available: u64, needed: u64 },
    /// The operating system gave no random octets for a key.
    #[error("the system gives no random numbers: {0}")]
    NoRandom(#[from] getrandom::Error),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database did not keep it.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl From<MirrorFault> for AccountFault {
    fn from(fault: MirrorFault) -> Self {
        match fault {
            MirrorFault::Store(error) => Self::Store(error),
            MirrorFault::Database(error) => Self::Database(error),
        }
    }
}

/// What is said of a tenant that is to be.
#[derive(Clone, Debug)]
pub(crate) struct TenantOrder {
    pub(crate) name: String,
    pub(crate) reseller: Option<ResellerId>,
    /// 1 to [`WEIGHT_MAX`] turns.
    pub(crate) weight: i64,
    pub(crate) terms: Terms,
    pub(crate) countries: Countries,
}

/// A tenant that was just made, with the only copy of its key.
#[derive(Debug)]
pub(crate) struct NewAccount {
    pub(crate) tenant: Tenant,
    /// `sk_live_…`; only its digest is kept.
    pub(crate) api_key: String,
}

pub(crate) struct Accounts {
    store: Store,
    mirror: Mirror,
    clock: Clock,
    digests: Digests,
    /// Held while a key is changed, which is reading and writing.
    changing_key: tokio::sync::Mutex<()>,
    /// Held while a domain of short links is given, which is reading and writing.
    giving_domain: tokio::sync::Mutex<()>,
}

impl Accounts {
    /// The accounts of that database.
    pub(crate) fn new(store: Store, mirror: Mirror, clock: Clock) -> Self {
        Self {
            store,
            mirror,
            clock,
            digests: Digests::default(),
            changing_key: tokio::sync::Mutex::default(),
            giving_domain: tokio::sync::Mutex::default(),
        }
    }

    /// Makes a tenant without credits: a name of 1 to [`NAME_MAX`] characters, 1 to [`WEIGHT_MAX`] turns, and its countries. The same
    /// request makes no second one: it gives the tenant a further key, since the first is nowhere to be read.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`] when there is no such reseller, [`AccountFault::NoRandom`] or
    /// [`AccountFault::Store`].
    pub(crate) async fn create(&self, order: TenantOrder, token: Token) -> Result<NewAccount, AccountFault> {
        let mut faults = check_text("/name", &order.name, NAME_MAX, true);
        let weight = turns(order.weight).map_err(|fault| faults.push(fault));
        let (Ok(weight), true) = (weight, faults.is_empty()) else {
            return Err(AccountFault::Fields(faults));
        };
        if let Some(reseller) = order.reseller {
            self.reseller(reseller).await?;
        }
        let _giving = self.giving_domain.lock().await;
        self.may_have(order.terms.short_domain.as_deref(), order.reseller)
            .await?;
        let api_key = key::generate(key::TENANTS)?;
        let new = NewTenant {
            name: order.name.trim().to_owned(),
            reseller: order.reseller,
            weight,
            terms: order.terms,
            countries: order.countries,
        };
        let now = self.clock.unix();
        let (digest, details) = keys::described(&api_key, ("", KeyBounds::default()), now);
        let id = self
            .store
            .create_tenant(&new, (&digest, &details), (token, now))
            .await?;
        self.mirror.keep_tenant(id).await?;
        let tenant = self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        Ok(NewAccount { tenant, api_key })
    }

    /// Gives 1 to [`GRANT_MAX`] credits, with a reference of up to [`REFERENCE_MAX`] characters. Returns the credits
    /// that are available then. The same request gives none again, and neither does another with the same reference.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], also when others were given for that reference, [`AccountFault::NotFound`], [`AccountFault::Store`] or
    /// [`AccountFault::Database`].
    pub(crate) async fn grant(
        &self,
        id: TenantId,
        credits: i64,
        reference: &str,
        token: Token,
    ) -> Result<u64, AccountFault> {
        let (amount, reference) = resellers::checked(credits, reference)?;
        let tenant = self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        match self.mirror.granted_for(id, reference).await? {
            Some(given) if given == amount => return Ok(tenant.credits.available),
            Some(given) => return Err(reference_taken(given)),
            None => {}
        }
        let grant = Grant {
            tenant: id,
            credits: amount,
            reference,
            // Of two who ask at once one gives them.
            token: match reference.is_empty() {
                true => token,
                false => Token::of_reference(id.into(), reference),
            },
        };
        match self.store.grant(&grant, self.clock.unix()).await? {
            Some(Some(available)) => Ok(available),
            Some(None) => {
                let room = GRANTED_MAX.saturating_sub(tenant.credits.granted);
                Err(AccountFault::Fields(vec![out_of_range("/amount", room)]))
            }
            None => Err(AccountFault::NotFound),
        }
    }

    /// Changes what holds for a tenant's texts from now on; at least one of its terms.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`], [`AccountFault::ShortDomainTaken`] or [`AccountFault::Store`].
    pub(crate) async fn change_terms(&self, id: TenantId, changes: TermChanges) -> Result<(), AccountFault> {
        let tenant = self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        let _giving = self.giving_domain.lock().await;
        if let Some(domain) = &changes.short_domain {
            self.may_have(domain.as_deref(), tenant.reseller).await?;
        }
        self.store.change_terms(id, changes).await?;
        self.keep(id).await
    }

    /// A tenant may write under a sender from now on, which looks like a protected name or not. `false`: it has as many as it may have.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`] or [`AccountFault::Store`].
    pub(crate) async fn add_sender(&self, id: TenantId, sender: &str, resembles: bool) -> Result<bool, AccountFault> {
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        let added = self.store.add_sender(id, sender, resembles).await?;
        self.keep(id).await?;
        Ok(added)
    }

    /// Links under a domain are one reseller's, or the operator's own: who follows one believes it to be of whoever has the domain.
    async fn may_have(&self, domain: Option<&str>, reseller: Option<ResellerId>) -> Result<(), AccountFault> {
        let Some(domain) = domain else {
            return Ok(());
        };
        let others = self.store.hosts_of_domain(domain).await?;
        match others.iter().all(|host| *host == reseller) {
            true => Ok(()),
            false => Err(AccountFault::ShortDomainTaken),
        }
    }

    /// What a tenant is called from now on: 1 to [`NAME_MAX`] characters.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`] or [`AccountFault::Store`].
    pub(crate) async fn rename_tenant(&self, id: TenantId, name: &str) -> Result<(), AccountFault> {
        let faults = check_text("/name", name, NAME_MAX, true);
        if !faults.is_empty() {
            return Err(AccountFault::Fields(faults));
        }
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.store.rename_tenant(id, name.trim()).await?;
        self.keep(id).await
    }

    /// How many turns a tenant gets from now on: 1 to [`WEIGHT_MAX`].
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`] or [`AccountFault::Store`].
    pub(crate) async fn change_weight(&self, id: TenantId, weight: i64) -> Result<(), AccountFault> {
        let weight = turns(weight).map_err(|fault| AccountFault::Fields(vec![fault]))?;
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.store.change_weight(id, weight).await?;
        self.keep(id).await
    }

    /// A tenant may send to these countries from now on. What was taken before goes on.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`] or [`AccountFault::Store`].
    pub(crate) async fn set_countries(&self, id: TenantId, countries: &Countries) -> Result<(), AccountFault> {
        // Tenants are never removed: one that is there stays.
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.store.set_countries(id, countries).await?;
        self.keep(id).await
    }

    /// From now on a "CANCEL" answers a tenant's appointments, or is an opt-out as with others.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`] or [`AccountFault::Store`].
    pub(crate) async fn set_cancel_answers(&self, id: TenantId, answers: bool) -> Result<(), AccountFault> {
        self.store.tenant(id).await?.ok_or(AccountFault::NotFound)?;
        self.store.set_cancel_answers(id, answers).await?;
        self.keep(id).await
    }

    /// A tenant with its credits; `None` when there is no such tenant.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, StoreError> {
        self.store.tenant(id).await
    }

    /// Movements of a tenant's credits, newest first, behind a place, at most [`LEDGER_MAX`].
    ///
    /// # Errors
    /// [`AccountFault::Store`] or [`AccountFault::Database`].
    pub(crate) async fn ledger(
        &self,
        of: LinesOf,
        behind: Option<LedgerPlace>,
        count: usize,
    ) -> Result<Vec<Movement>, AccountFault> {
        Ok(self.mirror.ledger(of, behind, count.clamp(1, LEDGER_MAX)).await?)
    }

    /// What is held for campaigns that were lost with a Redis, by campaign.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn lost_holds(&self, id: TenantId) -> Result<Vec<(CampaignId, u64)>, StoreError> {
        self.store.lost_holds(id).await
    }

    /// Ends what is held for such a campaign: so much of it was spent, the rest is available again.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`] when nothing is held for it, [`AccountFault::Fields`] when less than that is, or
    /// [`AccountFault::Store`].
    pub(crate) async fn settle_lost(&self, id: TenantId, campaign: CampaignId, spent: u64) -> Result<(), AccountFault> {
        let lost = self.store.lost_holds(id).await?;
        let held = lost.into_iter().find(|(of, _)| *of == campaign);
        let (_, held) = held.ok_or(AccountFault::NotFound)?;
        if spent > held {
            let max = held as i64;
            let fault = FieldFault::new("/spent", FieldProblem::OutOfRange { min: 0, max });
            return Err(AccountFault::Fields(vec![fault]));
        }
        match self.store.settle_lost((id, campaign), spent, self.clock.unix()).await? {
            true => Ok(()),
            false => Err(AccountFault::NotFound),
        }
    }

    /// Whose key it is, and what bounds it; `None` for one that nobody has. Remembered for some seconds.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn open(&self, KeyDigest(digest): &KeyDigest) -> Result<Option<Opened>, StoreError> {
        let (look, now) = (self.digests.look(), self.clock.now());
        if let Some(opened) = self.digests.get(digest, now) {
            return Ok(Some(opened));
        }
        let Some((owner, bounds)) = self.store.key(&key::hexadecimal(digest)).await? else {
            return Ok(None);
        };
        let bounds = Arc::new(bounds);
        let opened = Opened { owner, bounds };
        self.digests.add(*digest, opened.clone(), (look, now));
        Ok(Some(opened))
    }
}

fn turns(weight: i64) -> Result<u8, FieldFault> {
    let weight = u8::try_from(weight).ok();
    let weight = weight.filter(|weight| (1..=WEIGHT_MAX).contains(weight));
    weight.ok_or_else(|| out_of_range("/weight", WEIGHT_MAX.into()))
}

/// The fault of a text that is too long, or blank where it must not be; none is one of none.
fn check_text(pointer: &str, text: &str, max: usize, required: bool) -> Vec<FieldFault> {
    let given = text.chars().count();
    if given > max {
        return vec![FieldFault::new(pointer, FieldProblem::TooLong { max, given })];
    }
    if required && text.trim().is_empty() {
        return vec![FieldFault::new(pointer, FieldProblem::Empty)];
    }
    Vec::new()
}

/// Other credits were moved for that reference.
fn reference_taken(credits: u64) -> AccountFault {
    let taken = FieldProblem::ReferenceTaken { credits };
    AccountFault::Fields(vec![FieldFault::new("/reference", taken)])
}

fn out_of_range(pointer: &str, max: u64) -> FieldFault {
    // A tenant that has all it may have is told so by a range up to 0.
    FieldFault::new(
        pointer,
        FieldProblem::OutOfRange {
            min: 1,
            max: max as i64,
        },
    )
}
