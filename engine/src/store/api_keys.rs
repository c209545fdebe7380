//! The API keys of tenants and resellers.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{KeyOwner, Store, StoreError, keys};
use crate::domain::{KeyBounds, UnixMicros};

/// Keys that are looked through at once.
const SCANNED: usize = 1_000;

/// What is kept of a key beside its digest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyDetails {
    /// How it begins, so that people can tell it from others.
    pub(crate) hint: String,
    /// What it is for.
    pub(crate) label: String,
    /// 0: an older version made it.
    pub(crate) created_at: UnixMicros,
    #[serde(flatten)]
    pub(crate) bounds: KeyBounds,
}

impl KeyDetails {
    /// What is stored of a key; nothing is of one that is older than that.
    ///
    /// # Errors
    /// It cannot be read, so that nobody knows what bounds the key.
    pub(crate) fn stored(json: Option<&str>) -> Result<Self, StoreError> {
        let json = json.filter(|json| !json.is_empty());
        let read = |json| serde_json::from_str(json).map_err(|_| StoreError::Corrupt("details of a key"));
        json.map_or(Ok(Self::default()), read)
    }
}

/// The call that keeps what is known of a key.
fn described(owner: KeyOwner, digest: &str, details: &KeyDetails) -> Result<redis::Cmd, StoreError> {
    let json = serde_json::to_string(details).map_err(|_| StoreError::Corrupt("details of a key"))?;
    let mut describe = redis::cmd("HSET");
    describe.arg(keys::key_details(owner)).arg(digest).arg(json);
    Ok(describe)
}

impl Store {
    /// Another key of somebody.
    pub(crate) async fn add_key(
        &self,
        owner: impl Into<KeyOwner>,
        digest: &str,
        details: &KeyDetails,
    ) -> Result<(), StoreError> {
        let owner = owner.into();
        let describe = described(owner, digest, details)?;
        let mut key = redis::cmd("HSET");
        key.arg(keys::API_KEYS).arg(digest).arg(owner.text());
        self.run(&self.bulk, vec![describe, key]).await.map(drop)
    }

    /// Another label or other bounds of a key. One that is revoked meanwhile stays so.
    pub(crate) async fn describe_key(
        &self,
        owner: impl Into<KeyOwner>,
        digest: &str,
        details: &KeyDetails,
    ) -> Result<(), StoreError> {
        let describe = described(owner.into(), digest, details)?;
        self.ask::<i64>(&describe).await.map(drop)
    }

    /// Whose key has that digest, and what bounds it.
    pub(crate) async fn key(&self, digest: &str) -> Result<Option<(KeyOwner, KeyBounds)>, StoreError> {
        let Some(owner) = self.key_owner(digest).await? else {
            return Ok(None);
        };
        if owner == KeyOwner::Operator {
            return Ok(Some((owner, KeyBounds::default())));
        }
        let mut get = redis::cmd("HGET");
        let details: Option<String> = self.ask(get.arg(keys::key_details(owner)).arg(digest)).await?;
        // A key goes before its details do: without them it may be an old one, or one that was revoked just now.
        if details.is_none() && self.key_owner(digest).await? != Some(owner) {
            return Ok(None);
        }
        Ok(Some((owner, KeyDetails::stored(details.as_deref())?.bounds)))
    }

    /// The digests of somebody's keys, with what is known of each. Looks through the keys of all: operators ask rarely.
    pub(crate) async fn keys_of(&self, owner: impl Into<KeyOwner>) -> Result<Vec<(String, KeyDetails)>, StoreError> {
        let owner = owner.into();
        let mut get = redis::cmd("HGETALL");
        let details: HashMap<String, String> = self.ask(get.arg(keys::key_details(owner))).await?;
        let (mut found, mut cursor) = (Vec::new(), 0_u64);
        loop {
            let mut scan = redis::cmd("HSCAN");
            scan.arg(keys::API_KEYS).arg(cursor).arg("COUNT").arg(SCANNED);
            let (next, page): (u64, Vec<(String, String)>) = self.ask(&scan).await?;
            let wanted = owner.text();
            found.extend(
                page.into_iter()
                    .filter(|(_, whose)| *whose == wanted)
                    .map(|(digest, _)| digest),
            );
            if next == 0 {
                break;
            }
            cursor = next;
        }
        // A scan may bring one twice.
        found.sort_unstable();
        found.dedup();
        let described = |digest: String| {
            let known = KeyDetails::stored(details.get(&digest).map(String::as_str))?;
            Ok((digest, known))
        };
        found.into_iter().map(described).collect()
    }

    /// What is known of the keys of some, by digest, as it is stored; in the order asked for.
    pub(crate) async fn key_details_of(&self, owners: &[KeyOwner]) -> Result<Vec<HashMap<String, String>>, StoreError> {
        let get = |owner: &KeyOwner| {
            let mut get = redis::cmd("HGETALL");
            get.arg(keys::key_details(*owner));
            get
        };
        let replies = self.run(&self.bulk, owners.iter().map(get).collect()).await?;
        let read = |reply| redis::from_redis_value(reply).map_err(|_| StoreError::Corrupt("details of a key"));
        replies.into_iter().map(read).collect()
    }

    /// A key as another version may have left it.
    #[cfg(test)]
    pub(crate) async fn plant_key(
        &self,
        owner: impl Into<KeyOwner>,
        digest: &str,
        details: Option<&str>,
    ) -> Result<(), StoreError> {
        let owner = owner.into();
        let mut key = redis::cmd("HSET");
        self.ask::<i64>(key.arg(keys::API_KEYS).arg(digest).arg(owner.text()))
            .await?;
        if let Some(details) = details {
            let mut describe = redis::cmd("HSET");
            let describe = describe.arg(keys::key_details(owner)).arg(digest).arg(details);
            self.ask::<i64>(describe).await?;
        }
        Ok(())
    }

    /// A key opens nothing any more.
    pub(crate) async fn drop_key(&self, owner: impl Into<KeyOwner>, digest: &str) -> Result<(), StoreError> {
        let owner = owner.into();
        let (mut key, mut describe) = (redis::cmd("HDEL"), redis::cmd("HDEL"));
        key.arg(keys::API_KEYS).arg(digest);
        describe.arg(keys::key_details(owner)).arg(digest);
        self.run(&self.bulk, vec![key, describe]).await.map(drop)
    }
}
