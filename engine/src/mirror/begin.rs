//! The start: SQL and Redis are made to agree, and a Redis that was lost is rebuilt.

use rustc_hash::{FxHashMap, FxHashSet};

use super::tenants::{self, KeptKey};
use super::{Mirror, MirrorFault, Movement, Shared};
use crate::database::Tie;
use crate::domain::{TenantId, UnixMicros};
use crate::store::{KeyDetails, KeyOwner, Restored, Settings, Store, Suspension};

/// Tenants that are compared in one round trip.
const AT_ONCE: usize = 500;

/// The newest lines of its ledger that a tenant is given back: those before are in SQL.
const LINES: usize = 500;

impl Mirror {
    /// Before anything is served or leased. `redis`: its id.
    ///
    /// # Errors
    /// When either does not answer. The next start goes on.
    pub(crate) async fn begin(&self, tie: Tie, redis: &str) -> Result<(), MirrorFault> {
        let shared = &self.0;
        shared.redis.get_or_init(|| redis.to_owned());
        let known = shared.with_text_keys(tenants::tenants(&shared.database).await?).await?;
        if let Some((last, _)) = known.iter().rfind(|(id, _)| !id.is_sandbox()) {
            shared.store.skip_tenants(*last).await?;
        }
        shared.skip_reserved().await?;
        let restored = shared.agree_on_tenants(&known).await?;
        shared.agree_on_suspended(&known).await?;
        shared.agree_on_withdrawn(&known).await?;
        let keys = shared.agree_on_keys(&known).await?;
        let known: FxHashSet<TenantId> = known.iter().map(|(id, _)| *id).collect();
        let mut fresh = shared.store.tenant_ids(0, None).await?;
        fresh.retain(|tenant| !known.contains(tenant));
        for some in fresh.chunks(AT_ONCE) {
            for tenant in some {
                // One that an earlier version made is given a key.
                shared.store.text_key(Some(*tenant)).await?;
            }
            shared.keep_first(some, &keys).await?;
        }
        shared.open_erased().await?;
        shared.agree_on_opt_outs().await?;
        shared.grant_again(None).await?;
        shared.finish_transfers().await?;
        if tie == Tie::Lost {
            shared.database.is_rebuilt(redis).await?;
            tracing::warn!(
                tenants = restored,
                "Redis was empty and has been rebuilt from the database: campaigns and messages that were under way are lost, \
                 and what was held for them is shown with each tenant until it is settled"
            );
        }
        // In the background: there may be years of them.
        shared.unread_all().await
    }
}

impl Shared {
    /// Tenants, each with a key for its texts under the first master key: that of SQL, or of Redis, or a new one.
    async fn with_text_keys(
        &self,
        mut known: Vec<(TenantId, Settings)>,
    ) -> Result<Vec<(TenantId, Settings)>, MirrorFault> {
        for some in known.chunks_mut(AT_ONCE) {
            let ids: Vec<TenantId> = some.iter().map(|(id, _)| *id).collect();
            let there = self.store.settings_of(&ids).await?;
            let mut changed = Vec::new();
            for ((id, settings), there) in some.iter_mut().zip(there) {
                let is_new = there.is_some_and(|there| Store::take_text_key(settings, &there));
                if self.store.wrap_text_key(settings)? || is_new {
                    changed.push((*id, &*settings));
                }
            }
            tenants::put_settings(&self.database, &changed).await?;
        }
        Ok(known)
    }

    /// Tenants that Redis does not have are put into it, and others get the settings that SQL has. Returns how many were put.
    async fn agree_on_tenants(&self, known: &[(TenantId, Settings)]) -> Result<usize, MirrorFault> {
        let mut restored = 0;
        for some in known.chunks(AT_ONCE) {
            let ids: Vec<TenantId> = some.iter().map(|(id, _)| *id).collect();
            let there = self.store.settings_of(&ids).await?;
            for ((id, settings), there) in some.iter().zip(there) {
                match there {
                    Some(there) if there == *settings => {}
                    Some(_) => self.store.put_settings(*id, settings).await?,
                    None => {
                        self.restore(*id, settings).await?;
                        restored += 1;
                    }
                }
            }
        }
        Ok(restored)
    }

    /// What was taken back of tenants before it was counted.
    async fn agree_on_withdrawn(&self, known: &[(TenantId, Settings)]) -> Result<(), MirrorFault> {
        let mut taken_back = self.taken_back().await?;
        taken_back.retain(|(tenant, _)| known.binary_search_by_key(tenant, |(id, _)| *id).is_ok());
        for some in taken_back.chunks(AT_ONCE) {
            self.store.note_withdrawn(some).await?;
        }
        Ok(())
    }

    /// Nothing is leased of tenants that are suspended, and of no others: whoever said so may have ended halfway.
    async fn agree_on_suspended(&self, known: &[(TenantId, Settings)]) -> Result<(), MirrorFault> {
        let held = self.store.held_tenants().await?;
        for (id, settings) in known {
            let is_suspended = Suspension::is_in(settings);
            if is_suspended || held.contains(id) {
                self.store.hold_queues(*id, is_suspended).await?;
            }
        }
        Ok(())
    }

    async fn restore(&self, tenant: TenantId, settings: &Settings) -> Result<(), MirrorFault> {
        let sums = self.sums(tenant).await?;
        let newest = self.movements(tenant, None, LINES).await?;
        let lines: Vec<_> = newest.iter().rev().map(Movement::line).collect();
        let grants = newest
            .iter()
            .filter_map(|line| Some((line.token?, UnixMicros(line.at))));
        let grants: Vec<_> = grants.collect();
        let restored = Restored {
            settings,
            credits: sums.credits,
            lost: &sums.held,
            lines: &lines,
            grants: &grants,
        };
        Ok(self.store.restore_tenant(tenant, &restored).await?)
    }

    /// A key that was revoked opens nothing, and one that was made opens what it did, whatever Redis remembers.
    /// Returns those of tenants that SQL does not know, by tenant.
    async fn agree_on_keys(
        &self,
        known: &[(TenantId, Settings)],
    ) -> Result<FxHashMap<TenantId, Vec<String>>, MirrorFault> {
        let kept = tenants::keys(&self.database).await?;
        let there: FxHashMap<String, KeyOwner> = self.store.all_api_keys().await?.into_iter().collect();
        for key in kept.iter().filter(|key| there.get(&key.digest) != Some(&key.owner)) {
            match key.owner {
                KeyOwner::Operator => {
                    self.store.set_operator_key(&key.digest, true).await?;
                }
                owner @ (KeyOwner::Reseller(_) | KeyOwner::Tenant(_)) => {
                    self.store.add_key(owner, &key.digest, &key.details).await?;
                }
            }
        }
        self.agree_on_bounds(&kept).await?;
        let kept: FxHashSet<String> = kept.into_iter().map(|key| key.digest).collect();
        let mut strange: FxHashMap<TenantId, Vec<String>> = FxHashMap::default();
        for (digest, owner) in there.into_iter().filter(|(digest, _)| !kept.contains(digest)) {
            match owner {
                KeyOwner::Operator => {}
                KeyOwner::Tenant(tenant) if known.binary_search_by_key(&tenant, |(id, _)| *id).is_err() => {
                    strange.entry(tenant).or_default().push(digest);
                }
                owner @ (KeyOwner::Reseller(_) | KeyOwner::Tenant(_)) => self.store.drop_key(owner, &digest).await?,
            }
        }
        Ok(strange)
    }

    /// A key is bounded as it was last, whatever Redis remembers.
    async fn agree_on_bounds(&self, kept: &[KeptKey]) -> Result<(), MirrorFault> {
        let bounded = kept.iter().filter(|key| key.owner != KeyOwner::Operator);
        let bounded: Vec<&KeptKey> = bounded.collect();
        for some in bounded.chunks(AT_ONCE) {
            let owners: Vec<KeyOwner> = some.iter().map(|key| key.owner).collect();
            let there = self.store.key_details_of(&owners).await?;
            for (key, there) in some.iter().zip(there) {
                let known = there.get(&key.digest).map(String::as_str);
                if KeyDetails::stored(known).ok().as_ref() != Some(&key.details) {
                    self.store.describe_key(key.owner, &key.digest, &key.details).await?;
                }
            }
        }
        Ok(())
    }
}
