//! Who there is, and what was ordered, over all tenants: for operators.

use redis::Cmd;

use super::{Store, StoreError, keys};
use crate::domain::{CampaignId, TenantId};

/// The field of `c:meta` that says that campaigns of before the catalogue are in it.
const FILLED: &str = "catalogue";

/// Campaigns that are added to the catalogue in one call.
const STEP: usize = 1_000;

/// Lists a campaign.
pub(super) fn entry(tenant: TenantId, id: CampaignId) -> Cmd {
    let mut add = redis::cmd("ZADD");
    add.arg(keys::CAMPAIGNS).arg(id.0).arg(format!("{}:{}", tenant.0, id.0));
    add
}

/// Takes a campaign off the list.
pub(super) fn removal(tenant: TenantId, id: CampaignId) -> Cmd {
    let mut remove = redis::cmd("ZREM");
    remove.arg(keys::CAMPAIGNS).arg(format!("{}:{}", tenant.0, id.0));
    remove
}

impl Store {
    /// Lists the campaigns that were made before there was a catalogue; once for a database.
    pub(crate) async fn fill_catalogue(&self) -> Result<(), StoreError> {
        let mut filled = redis::cmd("HEXISTS");
        if self.ask::<i64>(filled.arg(keys::META).arg(FILLED)).await? == 1 {
            return Ok(());
        }
        for tenant in self.tenant_ids(0, None).await? {
            let mut range = redis::cmd("LRANGE");
            let ids: Vec<u64> = self.ask(range.arg(keys::campaigns(tenant)).arg(0).arg(-1)).await?;
            for some in ids.chunks(STEP) {
                let calls = some.iter().map(|id| entry(tenant, CampaignId(*id))).collect();
                self.run(&self.bulk, calls).await?;
            }
        }
        let mut set = redis::cmd("HSET");
        self.ask::<i64>(set.arg(keys::META).arg(FILLED).arg(1)).await.map(drop)
    }

    /// The newest campaigns of all tenants, at most `count`; `before`: those made before that one.
    pub(crate) async fn campaigns_before(
        &self,
        before: Option<CampaignId>,
        count: usize,
    ) -> Result<Vec<(TenantId, CampaignId)>, StoreError> {
        let mut range = redis::cmd("ZREVRANGEBYSCORE");
        range.arg(keys::CAMPAIGNS);
        match before {
            Some(before) => range.arg(format!("({}", before.0)),
            None => range.arg("+inf"),
        };
        range.arg("-inf").arg("LIMIT").arg(0).arg(count);
        let pairs: Vec<String> = self.ask(&range).await?;
        Ok(pairs.iter().filter_map(|pair| read_pair(pair)).collect())
    }

    /// Whose a campaign is; `None` when there is no such campaign.
    pub(crate) async fn owner_of(&self, id: CampaignId) -> Result<Option<TenantId>, StoreError> {
        let mut range = redis::cmd("ZRANGEBYSCORE");
        range.arg(keys::CAMPAIGNS).arg(id.0).arg(id.0);
        let pairs: Vec<String> = self.ask(&range).await?;
        Ok(pairs.first().and_then(|pair| read_pair(pair)).map(|(tenant, _)| tenant))
    }
}

/// `tenant:campaign`, as it was written.
pub(super) fn read_pair(pair: &str) -> Option<(TenantId, CampaignId)> {
    let (tenant, campaign) = pair.split_once(':')?;
    Some((TenantId(tenant.parse().ok()?), CampaignId(campaign.parse().ok()?)))
}
