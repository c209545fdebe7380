//! What the auditor reads: tenants with their books, and which campaigns they have, some at a time.

use redis::Value;

use super::accounts::WITHDRAWN;
use super::{Credits, Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId};

/// A tenant's books at one instant.
#[derive(Clone, Debug)]
pub(crate) struct TenantBooks {
    pub(crate) tenant: TenantId,
    pub(crate) name: String,
    pub(crate) credits: Credits,
}

/// What [`Store::tenant_books`] reads, in its order.
const FIELDS: [&str; 7] = ["name", "granted", WITHDRAWN, "available", "held", "spent", "recredited"];

impl Store {
    /// Tenants in the order in which they were made, from the one in place `first` on.
    pub(crate) async fn tenants_from(&self, first: usize, count: usize) -> Result<Vec<TenantId>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range.arg(keys::TENANTS).arg(first).arg(first + count - 1);
        let ids: Vec<u32> = self.ask(&range).await?;
        Ok(ids.into_iter().map(TenantId).collect())
    }

    /// The books of those tenants that are there.
    pub(crate) async fn tenant_books(&self, tenants: &[TenantId]) -> Result<Vec<TenantBooks>, StoreError> {
        let get = |tenant: &TenantId| {
            let mut get = redis::cmd("HMGET");
            get.arg(keys::tenant(*tenant)).arg(&FIELDS);
            get
        };
        let replies = self.run(&self.bulk, tenants.iter().map(get).collect()).await?;
        let mut all = Vec::with_capacity(replies.len());
        for (tenant, reply) in tenants.iter().zip(replies) {
            all.extend(read_books(*tenant, reply)?);
        }
        Ok(all)
    }

    /// The campaigns of tenants, oldest first.
    pub(crate) async fn campaigns_held_by(
        &self,
        tenants: &[TenantId],
    ) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let get = |tenant: &TenantId| {
            let mut range = redis::cmd("LRANGE");
            range.arg(keys::campaigns(*tenant)).arg(0).arg(-1);
            range
        };
        let replies = self.run(&self.bulk, tenants.iter().map(get).collect()).await?;
        let mut all = Vec::new();
        for (tenant, reply) in tenants.iter().zip(replies) {
            let ids: Vec<u64> = redis::from_redis_value(reply).map_err(redis::RedisError::from)?;
            all.extend(ids.into_iter().map(|id| (*tenant, CampaignId(id))));
        }
        Ok(all)
    }

    /// Connections of the API to Redis: open and idle, in use, and calls that wait for one. None of a cluster or of sentinels'
    /// master: there all calls share one.
    pub(crate) fn pool_use(&self) -> [(&'static str, usize); 3] {
        let (idle, used, awaited) = self.desk.status().map_or((0, 0, 0), |status| {
            (
                status.available,
                status.size.saturating_sub(status.available),
                status.waiting,
            )
        });
        [("idle", idle), ("used", used), ("awaited", awaited)]
    }
}

fn read_books(tenant: TenantId, reply: Value) -> Result<Option<TenantBooks>, StoreError> {
    let fields: Vec<Option<String>> = redis::from_redis_value(reply).map_err(redis::RedisError::from)?;
    let mut fields = fields.into_iter();
    let Some(name) = fields.next().flatten() else {
        return Ok(None);
    };
    let mut number = || {
        fields
            .next()
            .flatten()
            .and_then(|value| value.parse().ok())
            .unwrap_or(0)
    };
    Ok(Some(TenantBooks {
        tenant,
        name,
        credits: Credits {
            granted: number(),
            withdrawn: number(),
            available: number(),
            held: number(),
            spent: number(),
            recredited: number(),
        },
    }))
}

#[cfg(test)]
impl Store {
    /// Adds to a field of a tenant, or of one of its campaigns, behind everybody's back.
    pub(crate) async fn falsify(
        &self,
        (tenant, campaign): (TenantId, Option<CampaignId>),
        field: &str,
        by: i64,
    ) -> Result<(), StoreError> {
        let key = match campaign {
            Some(campaign) => keys::campaign(tenant, campaign),
            None => keys::tenant(tenant),
        };
        let mut add = redis::cmd("HINCRBY");
        self.ask::<i64>(add.arg(key).arg(field).arg(by)).await.map(drop)
    }
}
