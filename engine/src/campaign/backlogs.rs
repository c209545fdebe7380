//! How many messages of each tenant are queued, found out some campaigns at a time.

use std::collections::BTreeMap;

use super::view;
use crate::domain::{CampaignId, TenantId};
use crate::store::{Store, StoreError};

/// Campaigns that are looked at in one step, some 10 ms of Redis.
const AT_ONCE: usize = 200;

/// A walk through the campaigns that are under way, again and again.
#[derive(Default)]
pub(crate) struct Backlogs {
    /// Those that are still to be looked at, the next one last.
    pending: Vec<(TenantId, CampaignId)>,
    sums: BTreeMap<TenantId, u64>,
}

impl Backlogs {
    /// Goes on with the walk. At its end: what is queued of each tenant that has anything under way.
    ///
    /// # Errors
    /// When the store does not answer; the walk goes on where it was.
    pub(crate) async fn step(&mut self, store: &Store) -> Result<Option<BTreeMap<TenantId, u64>>, StoreError> {
        if self.pending.is_empty() {
            self.pending = store.active().await?;
        }
        let rest = self.pending.len().saturating_sub(AT_ONCE);
        let owners = &self.pending[rest..];
        let ids: Vec<CampaignId> = owners.iter().map(|(_, id)| *id).collect();
        let counters = store.counters_of(&ids).await?;
        let campaigns = store.campaigns_of(owners).await?;
        for ((tenant, _), (campaign, counters)) in owners.iter().zip(campaigns.iter().zip(&counters)) {
            let queued = campaign.as_ref().map_or(0, |campaign| view::queued(campaign, counters));
            *self.sums.entry(*tenant).or_default() += queued;
        }
        self.pending.truncate(rest);
        Ok(self.pending.is_empty().then(|| std::mem::take(&mut self.sums)))
    }
}
