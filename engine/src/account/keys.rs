//! Further keys of a tenant or reseller: made, listed, changed, revoked.

use super::{AccountFault, Accounts, NAME_MAX, check_text, key};
use crate::domain::{KeyBounds, Network, Role, UnixMicros};
use crate::store::{KeyDetails, KeyOwner};

/// Characters of a key that are kept to tell it from others: its prefix, and 20 of its 160 random bits.
const HINT: usize = key::TENANTS.len() + 4;

/// Characters of a digest that are its key's id.
const ID: usize = 16;

/// The most keys of one owner: a system each, and one to rotate to.
const KEYS_MAX: usize = 50;

/// What is to change of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct KeyChanges {
    pub(crate) label: Option<String>,
    pub(crate) role: Option<Role>,
    /// Empty: from anywhere.
    pub(crate) addresses: Option<Vec<Network>>,
    /// `Some(None)`: it does not end.
    pub(crate) expires_at: Option<Option<UnixMicros>>,
}

impl KeyChanges {
    /// The bounds with these changes.
    pub(crate) fn applied_to(self, bounds: KeyBounds) -> KeyBounds {
        KeyBounds {
            role: self.role.unwrap_or(bounds.role),
            kind: bounds.kind,
            addresses: self.addresses.unwrap_or(bounds.addresses),
            expires_at: self.expires_at.unwrap_or(bounds.expires_at),
        }
    }
}

/// A key, without itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct KnownKey {
    pub(crate) id: String,
    pub(crate) details: KeyDetails,
}

impl KnownKey {
    fn new((digest, details): (String, KeyDetails)) -> Self {
        Self {
            id: id_of(&digest),
            details,
        }
    }
}

fn id_of(digest: &str) -> String {
    format!("key_{}", digest.get(..ID).unwrap_or(digest))
}

const fn prefix_of(owner: KeyOwner) -> &'static str {
    match owner {
        KeyOwner::Operator => key::OPERATORS,
        KeyOwner::Reseller(_) => key::RESELLERS,
        KeyOwner::Tenant(tenant) if tenant.is_sandbox() => key::SANDBOXES,
        KeyOwner::Tenant(_) => key::TENANTS,
    }
}

/// The sandbox of a tenant; others have none.
fn sandbox_of(owner: KeyOwner) -> Option<KeyOwner> {
    match owner {
        KeyOwner::Tenant(tenant) if !tenant.is_sandbox() => Some(tenant.sandbox().into()),
        KeyOwner::Tenant(_) | KeyOwner::Reseller(_) | KeyOwner::Operator => None,
    }
}

/// What is kept of a key.
pub(super) fn described(
    api_key: &str,
    (label, bounds): (&str, KeyBounds),
    created_at: UnixMicros,
) -> (String, KeyDetails) {
    let details = KeyDetails {
        hint: api_key.chars().take(HINT).collect(),
        label: label.trim().to_owned(),
        created_at,
        bounds,
    };
    (key::hexadecimal(&key::digest(api_key)), details)
}

impl Accounts {
    /// Another key of a tenant or reseller; those before stay good. Returns it with the only copy of the key itself.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::TooManyKeys`], [`AccountFault::NotFound`], [`AccountFault::NoRandom`] or
    /// [`AccountFault::Store`].
    pub(crate) async fn add_key(
        &self,
        owner: KeyOwner,
        (label, bounds): (&str, KeyBounds),
    ) -> Result<(KnownKey, String), AccountFault> {
        let faults = check_text("/label", label, NAME_MAX, false);
        if !faults.is_empty() {
            return Err(AccountFault::Fields(faults));
        }
        if self.keys_of_one(owner).await?.len() >= KEYS_MAX {
            return Err(AccountFault::TooManyKeys { max: KEYS_MAX });
        }
        let api_key = key::generate(prefix_of(owner))?;
        let (digest, details) = described(&api_key, (label, bounds), self.clock.unix());
        self.store.add_key(owner, &digest, &details).await?;
        self.keep_keys(owner).await?;
        Ok((KnownKey::new((digest, details)), api_key))
    }

    /// Its keys, and those of its sandbox, the oldest first.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`] or [`AccountFault::Store`].
    pub(crate) async fn keys(&self, owner: KeyOwner) -> Result<Vec<KnownKey>, AccountFault> {
        let mut keys = self.keys_of_one(owner).await?;
        if let Some(sandbox) = sandbox_of(owner) {
            keys.extend(self.store.keys_of(sandbox).await?);
        }
        let mut keys: Vec<KnownKey> = keys.into_iter().map(KnownKey::new).collect();
        keys.sort_by_key(|key| key.details.created_at);
        Ok(keys)
    }

    async fn keys_of_one(&self, owner: KeyOwner) -> Result<Vec<(String, KeyDetails)>, AccountFault> {
        match owner {
            KeyOwner::Operator => return Err(AccountFault::NotFound),
            KeyOwner::Reseller(reseller) => drop(self.reseller(reseller).await?),
            KeyOwner::Tenant(tenant) => drop(self.store.tenant(tenant).await?.ok_or(AccountFault::NotFound)?),
        }
        Ok(self.store.keys_of(owner).await?)
    }

    /// Another label or other bounds of a key, which hold here from the next request on, in other processes within seconds.
    ///
    /// # Errors
    /// [`AccountFault::Fields`], [`AccountFault::NotFound`], also for a key that was revoked, or [`AccountFault::Store`].
    pub(crate) async fn change_key(
        &self,
        owner: KeyOwner,
        key_id: &str,
        changes: KeyChanges,
    ) -> Result<KnownKey, AccountFault> {
        let label = changes.label.as_deref();
        let faults = label.map(|label| check_text("/label", label, NAME_MAX, false));
        if let Some(faults) = faults.filter(|faults| !faults.is_empty()) {
            return Err(AccountFault::Fields(faults));
        }
        let _changing = self.changing_key.lock().await;
        let (owner, digest, mut details) = self.find_key(owner, key_id).await?;
        if let Some(label) = label {
            details.label = label.trim().to_owned();
        }
        details.bounds = changes.applied_to(details.bounds);
        self.store.describe_key(owner, &digest, &details).await?;
        self.digests.forget(&digest);
        self.keep_keys(owner).await?;
        Ok(KnownKey::new((digest, details)))
    }

    async fn keep_keys(&self, owner: KeyOwner) -> Result<(), AccountFault> {
        match owner {
            // Kept when it is set.
            KeyOwner::Operator => {}
            KeyOwner::Reseller(reseller) => self.mirror.keep_keys(reseller).await?,
            KeyOwner::Tenant(tenant) => self.mirror.keep_tenant(tenant).await?,
        }
        Ok(())
    }

    /// A key of somebody's or of their sandbox: whose it is, and what is kept of it.
    async fn find_key(&self, owner: KeyOwner, key_id: &str) -> Result<(KeyOwner, String, KeyDetails), AccountFault> {
        for owner in [Some(owner), sandbox_of(owner)].into_iter().flatten() {
            let keys = self.store.keys_of(owner).await?;
            if let Some((digest, details)) = keys.into_iter().find(|(digest, _)| id_of(digest) == key_id) {
                return Ok((owner, digest, details));
            }
        }
        Err(AccountFault::NotFound)
    }

    /// A key opens nothing any more: here from the next request on, in other processes within seconds.
    ///
    /// # Errors
    /// [`AccountFault::NotFound`], also for a key that was revoked before, or [`AccountFault::Store`].
    pub(crate) async fn revoke_key(&self, owner: KeyOwner, key_id: &str) -> Result<(), AccountFault> {
        let _changing = self.changing_key.lock().await;
        let (owner, digest, _) = self.find_key(owner, key_id).await?;
        self.store.drop_key(owner, &digest).await?;
        self.digests.forget(&digest);
        self.keep_keys(owner).await?;
        Ok(())
    }
}
