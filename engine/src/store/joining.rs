//! Campaigns that people may still join who come to fit them.

use super::catalogue::read_pair;
use super::{Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId, UnixMicros};

/// The fields of a campaign: how many recipients its launch had, and why the last who came to fit it get nothing yet.
pub(super) const FIRST_TOTAL: &str = "first_total";
pub(super) const JOIN_REFUSED: &str = "join_refused";

impl Store {
    /// Lists a campaign that was launched with that many recipients among those that may be joined. Asked again it changes nothing.
    pub(crate) async fn list_joining(
        &self,
        (tenant, id): (TenantId, CampaignId),
        (total, until): (u64, UnixMicros),
    ) -> Result<(), StoreError> {
        // Before anybody joins.
        let mut first = redis::cmd("HSETNX");
        first.arg(keys::campaign(tenant, id)).arg(FIRST_TOTAL).arg(total);
        self.ask::<i64>(&first).await?;
        let mut add = redis::cmd("ZADD");
        add.arg(keys::JOINING)
            .arg(until.0)
            .arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&add).await.map(drop)
    }

    /// Those that may be joined, or might until a moment ago.
    pub(crate) async fn joining(&self) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut range = redis::cmd("ZRANGE");
        let pairs: Vec<String> = self.ask(range.arg(keys::JOINING).arg(0).arg(-1)).await?;
        let owner = |pair: &String| read_pair(pair).ok_or(StoreError::Corrupt("a campaign that may be joined"));
        pairs.iter().map(owner).collect()
    }

    /// Takes one off that nobody joins any more.
    pub(crate) async fn forget_joining(&self, (tenant, id): (TenantId, CampaignId)) -> Result<(), StoreError> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(keys::JOINING).arg(format!("{}:{}", tenant.0, id.0));
        self.ask::<i64>(&remove).await.map(drop)
    }

    /// Notes why the last who came to fit a campaign get nothing yet; empty: they get it.
    pub(crate) async fn set_join_refused(
        &self,
        (tenant, id): (TenantId, CampaignId),
        code: &str,
    ) -> Result<(), StoreError> {
        let mut set = redis::cmd("HSET");
        set.arg(keys::campaign(tenant, id)).arg(JOIN_REFUSED).arg(code);
        self.ask::<i64>(&set).await.map(drop)
    }
}
