//! Campaigns of which nothing may go from a time on.

use super::catalogue::read_pair;
use super::{Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId, UnixMicros};

/// The most that are looked at together.
const AT_ONCE: usize = 100;

impl Store {
    /// Lists a campaign that was launched among those that expire. Asked again it changes nothing.
    pub(crate) async fn list_expiring(
        &self,
        (tenant, id): (TenantId, CampaignId),
        at: UnixMicros,
    ) -> Result<(), StoreError> {
        let mut add = redis::cmd("ZADD");
        add.arg(keys::EXPIRING).arg(at.0).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&add).await.map(drop)
    }

    /// Those whose time is over, the earliest first: some of them.
    pub(crate) async fn expired(&self, now: UnixMicros) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range.arg(keys::EXPIRING).arg("-inf").arg(now.0);
        range.arg("LIMIT").arg(0).arg(AT_ONCE);
        let pairs: Vec<String> = self.ask(&range).await?;
        let owner = |pair: &String| read_pair(pair).ok_or(StoreError::Corrupt("a campaign that expires"));
        pairs.iter().map(owner).collect()
    }

    /// Takes one off of which nothing is to be sent any more.
    pub(crate) async fn forget_expiring(&self, (tenant, id): (TenantId, CampaignId)) -> Result<(), StoreError> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(keys::EXPIRING).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&remove).await.map(drop)
    }
}
