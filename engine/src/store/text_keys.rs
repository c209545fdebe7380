//! The keys that texts are encrypted with: each tenant's stands with the tenant, encrypted with the master key.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use super::{Settings, Store, StoreError, keys};
use crate::domain::TenantId;
use crate::encryption::{Cipher, KeyFileFault, MasterKeys, TextKey};

/// Where a tenant's key stands in its hash, and that of what is no tenant's among what holds for the whole database.
const FIELD: &str = "text_key";

/// Keys that are kept at hand, some 200 octets each.
const KNOWN_MAX: usize = 100_000;

/// A key of a tenant, or of numbers, comes from SQL, and so perhaps from another place than the key file.
const OTHER_MASTER: StoreError = StoreError::Corrupt(
    "the key of a tenant's texts or of numbers, which was encrypted with another key than that of encryption.key_file",
);

/// Why texts cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UnlockFault {
    #[error(transparent)]
    File(#[from] KeyFileFault),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The keys, decrypted.
pub(super) struct TextKeys {
    masters: MasterKeys,
    /// Of what is no tenant's.
    shared: Arc<TextKey>,
    known: RwLock<FxHashMap<TenantId, Arc<TextKey>>>,
}

impl Store {
    /// Opens the keys of texts with the master key of that file, which is made if nothing was encrypted before. Returns that of what is no
    /// tenant's.
    ///
    /// # Errors
    /// See [`UnlockFault`].
    pub(crate) async fn unlock(&self, file: &Path) -> Result<Arc<TextKey>, UnlockFault> {
        let mut get = redis::cmd("HGET");
        let stored: Option<String> = self.ask(get.arg(keys::META).arg(FIELD)).await?;
        let masters = match (MasterKeys::read(file)?, &stored) {
            (Some(masters), _) => masters,
            (None, None) => MasterKeys::make(file)?,
            (None, Some(_)) => return Err(KeyFileFault::Missing(file.to_owned()).into()),
        };
        let stored = match stored {
            Some(stored) => stored,
            None => {
                let made = TextKey::generate().map_err(StoreError::from)?;
                self.keep_first(keys::META, &masters.wrap(&made).map_err(StoreError::from)?)
                    .await?
            }
        };
        let unwrapped = masters
            .unwrap(&stored)
            .map_err(|_| KeyFileFault::Other(file.to_owned()))?;
        if unwrapped.is_old {
            let mut set = redis::cmd("HSET");
            set.arg(keys::META).arg(FIELD);
            set.arg(masters.wrap(&unwrapped.key).map_err(StoreError::from)?);
            self.ask::<i64>(&set).await?;
        }
        let text_keys = TextKeys {
            masters,
            shared: Arc::new(unwrapped.key),
            known: RwLock::default(),
        };
        // Only a test opens a store twice, and has what it opened first.
        Ok(self.shared.text_keys.get_or_init(|| text_keys).shared.clone())
    }

    /// The key of what is no tenant's.
    pub(crate) fn shared_text_key(&self) -> Result<Arc<TextKey>, StoreError> {
        Ok(self.text_keys()?.shared.clone())
    }

    /// A key that is kept elsewhere, or a new one; as it is to be kept from now on, if it was not kept so before.
    pub(crate) fn unwrap_key(&self, stored: Option<&str>) -> Result<(TextKey, Option<String>), StoreError> {
        let masters = &self.text_keys()?.masters;
        let (key, is_kept) = match stored {
            Some(stored) => {
                let unwrapped = masters.unwrap(stored).map_err(|_| OTHER_MASTER)?;
                (unwrapped.key, !unwrapped.is_old)
            }
            None => (TextKey::generate()?, false),
        };
        let wrapped = match is_kept {
            true => None,
            false => Some(masters.wrap(&key)?),
        };
        Ok((key, wrapped))
    }

    /// The key of a tenant's texts, which is made if there is none yet; or of what is no tenant's.
    pub(crate) async fn text_key(&self, tenant: Option<TenantId>) -> Result<Arc<TextKey>, StoreError> {
        let Some(tenant) = tenant else {
            return self.shared_text_key();
        };
        let keys = self.text_keys()?;
        if let Some(key) = keys.known(tenant) {
            return Ok(key);
        }
        let hash = keys::tenant(tenant);
        let mut get = redis::cmd("HGET");
        let stored: Option<String> = self.ask(get.arg(&hash).arg(FIELD)).await?;
        let stored = match stored {
            Some(stored) => stored,
            None => {
                self.keep_first(&hash, &keys.masters.wrap(&TextKey::generate()?)?)
                    .await?
            }
        };
        Ok(keys.keep(tenant, keys.masters.unwrap(&stored)?.key))
    }

    /// What a new campaign of that tenant is encrypted with.
    pub(crate) async fn new_cipher(&self, tenant: TenantId) -> Result<Cipher, StoreError> {
        Ok(Cipher::new(&*self.text_key(Some(tenant)).await?)?)
    }

    /// A key for a new tenant, as a field of it.
    pub(super) fn new_text_key(&self) -> Result<(&'static str, String), StoreError> {
        Ok((FIELD, self.text_keys()?.masters.wrap(&TextKey::generate()?)?))
    }

    /// A tenant's key as its settings have it: one that is given a key of its own, or is encrypted with the first master key again,
    /// or stays as it is. Whether it changed.
    pub(crate) fn wrap_text_key(&self, settings: &mut Settings) -> Result<bool, StoreError> {
        let keys = self.text_keys()?;
        let wrapped = match settings.get(FIELD) {
            None => keys.masters.wrap(&TextKey::generate()?)?,
            Some(stored) => match keys.masters.unwrap(stored).map_err(|_| OTHER_MASTER)? {
                unwrapped if unwrapped.is_old => keys.masters.wrap(&unwrapped.key)?,
                _ => return Ok(false),
            },
        };
        settings.insert(FIELD.to_owned(), wrapped);
        Ok(true)
    }

    /// Gives settings without a key the one that the other ones have. Whether it did.
    pub(crate) fn take_text_key(settings: &mut Settings, of: &Settings) -> bool {
        match (settings.contains_key(FIELD), of.get(FIELD)) {
            (false, Some(key)) => {
                settings.insert(FIELD.to_owned(), key.clone());
                true
            }
            (true, _) | (false, None) => false,
        }
    }

    /// Another key takes the place of a tenant's: what was encrypted with that one is erased.
    pub(crate) async fn replace_text_key(&self, tenant: TenantId) -> Result<(), StoreError> {
        let keys = self.text_keys()?;
        let key = TextKey::generate()?;
        let mut set = redis::cmd("HSET");
        set.arg(keys::tenant(tenant)).arg(FIELD).arg(keys.masters.wrap(&key)?);
        self.ask::<i64>(&set).await?;
        keys.keep(tenant, key);
        Ok(())
    }

    /// Has the append-only file written anew, so that it forgets what was replaced. A server that does not do it for us does so when
    /// the file has grown.
    pub(crate) async fn rewrite_log(&self) {
        let rewritten = self.ask::<redis::Value>(&redis::cmd("BGREWRITEAOF")).await;
        if let Err(error) = rewritten {
            tracing::warn!(%error, "Redis was asked to write its append-only file anew, and did not");
        }
    }

    /// Keeps a key, unless there is one. Returns the one that is there then.
    async fn keep_first(&self, hash: &str, wrapped: &str) -> Result<String, StoreError> {
        let (mut set, mut get) = (redis::cmd("HSETNX"), redis::cmd("HGET"));
        self.ask::<i64>(set.arg(hash).arg(FIELD).arg(wrapped)).await?;
        self.ask(get.arg(hash).arg(FIELD)).await
    }

    fn text_keys(&self) -> Result<&TextKeys, StoreError> {
        let keys = self.shared.text_keys.get();
        keys.ok_or(StoreError::Corrupt("texts that nobody has opened"))
    }
}

impl TextKeys {
    fn known(&self, tenant: TenantId) -> Option<Arc<TextKey>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).cloned()
    }

    fn keep(&self, tenant: TenantId, key: TextKey) -> Arc<TextKey> {
        let key = Arc::new(key);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(tenant, key.clone());
        key
    }
}
