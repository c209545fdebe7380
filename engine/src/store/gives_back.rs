//! What of tenants' failed messages is given back: at hand for whoever settles receipts.

use std::sync::PoisonError;

use rustc_hash::FxHashMap;

use super::{Store, StoreError, keys};
use crate::domain::{GivesBack, TenantId};

impl Store {
    /// What is given back of a tenant's messages, as far as is known at hand.
    pub(crate) fn gives_back(&self, tenant: TenantId) -> GivesBack {
        let known = self.shared.gives_back.read().unwrap_or_else(PoisonError::into_inner);
        known.get(&tenant).copied().unwrap_or(GivesBack::NONE)
    }

    /// Asks what was agreed on, through whichever engine.
    pub(crate) async fn hear_gives_back(&self) -> Result<(), StoreError> {
        let all: Vec<(u32, String)> = self.ask(redis::cmd("HGETALL").arg(keys::GIVES_BACK)).await?;
        let read = |(tenant, words): (u32, String)| {
            let failures = words.parse();
            let failures = failures.map_err(|()| StoreError::Corrupt("which failures are given back"))?;
            Ok((TenantId(tenant), failures))
        };
        let heard: FxHashMap<TenantId, GivesBack> = all.into_iter().map(read).collect::<Result<_, StoreError>>()?;
        *self.shared.gives_back.write().unwrap_or_else(PoisonError::into_inner) = heard;
        Ok(())
    }

    /// That is given back of a tenant's messages from now on: in this engine at once, in others when they ask.
    pub(super) async fn set_gives_back(&self, tenant: TenantId, failures: GivesBack) -> Result<(), StoreError> {
        let is_some = failures != GivesBack::NONE;
        let mut note = redis::cmd(if is_some { "HSET" } else { "HDEL" });
        note.arg(keys::GIVES_BACK).arg(tenant.0);
        if is_some {
            note.arg(failures.to_string());
        }
        self.ask::<i64>(&note).await?;
        self.hear_gives_back().await
    }
}
