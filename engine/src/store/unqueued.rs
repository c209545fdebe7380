//! Campaigns that were launched, or planned, and of which nothing is queued: the balance does not cover them, or nobody has looked
//! at them yet.

use redis::Value;

use super::catalogue::read_pair;
use super::{CampaignState, Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId, UnixMicros};

/// The most that are counted, the newest ones: some milliseconds of Redis.
const COUNTED_MAX: usize = 5_000;

/// Messages of these campaigns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unqueued {
    /// Nobody has looked at their campaigns.
    pub(crate) in_review: u64,
    /// The balance did not cover the launch.
    pub(crate) short: u64,
}

impl Unqueued {
    pub(crate) const fn is_state(state: CampaignState) -> bool {
        matches!(state, CampaignState::InReview | CampaignState::Blocked)
    }
}

impl Store {
    /// Lists campaigns that are in one of these states. Done again it keeps since when they are.
    pub(crate) async fn list_unqueued(
        &self,
        owners: &[(TenantId, CampaignId)],
        now: UnixMicros,
    ) -> Result<(), StoreError> {
        if owners.is_empty() {
            return Ok(());
        }
        let mut add = redis::cmd("ZADD");
        add.arg(keys::UNQUEUED).arg("NX");
        for (tenant, id) in owners {
            add.arg(now.0).arg(format!("{}:{}", tenant.0, id.0));
        }
        self.ask::<i64>(&add).await.map(drop)
    }

    /// The same of one that has just got there. One that cannot be listed now, the auditor lists.
    pub(super) async fn list_as_unqueued(&self, owner: (TenantId, CampaignId), now: UnixMicros) {
        if let Err(error) = self.list_unqueued(&[owner], now).await {
            tracing::debug!(campaign = %owner.1, %error, "not listed as one that is not queued; the auditor does that");
        }
    }

    /// Since when a campaign is among them, if it is.
    pub(crate) async fn unqueued_since(
        &self,
        (tenant, id): (TenantId, CampaignId),
    ) -> Result<Option<UnixMicros>, StoreError> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(keys::UNQUEUED).arg(format!("{}:{}", tenant.0, id.0));
        let since: Option<f64> = self.ask(&score).await?;
        Ok(since.map(|since| UnixMicros(since as u64)))
    }

    /// Counts what waits so, and takes off the list what does so no more.
    pub(crate) async fn unqueued(&self) -> Result<Unqueued, StoreError> {
        let mut range = redis::cmd("ZREVRANGE");
        range.arg(keys::UNQUEUED).arg(0).arg(COUNTED_MAX - 1);
        let pairs: Vec<String> = self.ask(&range).await?;
        let get = |(tenant, id): (TenantId, CampaignId)| {
            let mut get = redis::cmd("HMGET");
            get.arg(keys::campaign(tenant, id)).arg("state").arg("total");
            get
        };
        let owners = pairs.iter().map(|pair| read_pair(pair));
        let owners: Option<Vec<_>> = owners.collect();
        let owners = owners.ok_or(StoreError::Corrupt("a campaign that is not queued"))?;
        let replies = match owners.is_empty() {
            true => Vec::new(),
            false => self.run(&self.bulk, owners.into_iter().map(get).collect()).await?,
        };
        let mut counted = Unqueued::default();
        let mut over = Vec::new();
        for (pair, reply) in pairs.iter().zip(replies) {
            if !counted.add(reply)? {
                over.push(pair);
            }
        }
        if !over.is_empty() {
            let mut remove = redis::cmd("ZREM");
            self.ask::<i64>(remove.arg(keys::UNQUEUED).arg(over)).await?;
        }
        Ok(counted)
    }
}

#[cfg(test)]
impl Store {
    /// Forgets which these are, as if nobody had listed them.
    pub(crate) async fn unlist_unqueued(&self) -> Result<(), StoreError> {
        let mut forget = redis::cmd("DEL");
        self.ask::<i64>(forget.arg(keys::UNQUEUED)).await.map(drop)
    }
}

impl Unqueued {
    /// Adds a campaign's messages; `false`: it is in neither state.
    fn add(&mut self, state_and_total: Value) -> Result<bool, StoreError> {
        let read = redis::from_redis_value(state_and_total).map_err(redis::RedisError::from)?;
        let (state, total): (Option<String>, Option<u64>) = read;
        let is = |one: CampaignState| state.as_deref() == Some(one.code());
        let messages = total.unwrap_or_default();
        if is(CampaignState::InReview) {
            self.in_review += messages;
        } else if is(CampaignState::Blocked) {
            self.short += messages;
        } else {
            return Ok(false);
        }
        Ok(true)
    }
}
