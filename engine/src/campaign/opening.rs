//! When the first of a campaign's recipients may be written to.

use std::collections::HashSet;

use tokio::sync::mpsc;

use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, GateId, Purpose, TenantId, Territory, UnixMicros};
use crate::store::{Campaign, RowBatch, StoreError};

impl Campaigns {
    /// Where a tenant's people are, when their numbers do not say so.
    pub(crate) async fn territory_of(&self, tenant: TenantId) -> Result<Option<Territory>, StoreError> {
        let tenant = self.store().tenant(tenant).await?;
        Ok(tenant.and_then(|tenant| tenant.terms.territory))
    }

    /// From that time on; `None`: never. Whom a campaign of contacts means is looked at as it is now.
    ///
    /// # Errors
    /// What keeps it from being found out whom it means.
    pub(super) async fn opens_from(
        &self,
        campaign: &Campaign,
        at: UnixMicros,
    ) -> Result<Option<UnixMicros>, CampaignFault> {
        if campaign.purpose == Purpose::Transactional {
            return Ok(Some(at));
        }
        let zones = match campaign.query {
            Some(_) => self.zones_meant(campaign, at).await?,
            None => self.zones_of_rows(campaign.id).await?,
        };
        let of = (campaign.purpose, self.territory_of(campaign.tenant).await?);
        Ok(self.opens(of, &zones, at))
    }

    /// The same of recipients in these zones. Where nobody is known yet, most who come are of the first zone.
    pub(super) fn opens(
        &self,
        (purpose, territory): (Purpose, Option<Territory>),
        zones: &HashSet<GateId>,
        at: UnixMicros,
    ) -> Option<UnixMicros> {
        if purpose == Purpose::Transactional {
            return Some(at);
        }
        let gates = &self.0.deps.gates;
        // A draft's rows of the first zone have no gate yet.
        let gate = |gate: GateId| match gate == GateId::OPEN {
            true => gates.home_in(territory),
            false => gate,
        };
        let unknown = zones.is_empty().then_some(GateId::OPEN);
        let zones = zones.iter().copied().chain(unknown);
        zones.filter_map(|zone| gates.opens_from(gate(zone), at)).min()
    }

    /// The gates of the rows that a draft has.
    pub(super) async fn zones_of_rows(&self, id: CampaignId) -> Result<HashSet<GateId>, CampaignFault> {
        let mut zones = HashSet::new();
        for partition in self.store().all_partitions() {
            let spans = self.store().draft_spans(id, partition).await?;
            zones.extend(spans.all.iter().map(|span| span.gate));
        }
        Ok(zones)
    }

    /// The gates of those whom a campaign of contacts means; no more of them once one is open at that time.
    async fn zones_meant(&self, campaign: &Campaign, at: UnixMicros) -> Result<HashSet<GateId>, CampaignFault> {
        let of = (campaign.purpose, self.territory_of(campaign.tenant).await?);
        let look = |mut rows: mpsc::Receiver<RowBatch>| async move {
            let mut zones = HashSet::new();
            while let Some(batch) = rows.recv().await {
                zones.extend(batch.zones());
                if self.opens(of, &zones, at) == Some(at) {
                    return Ok((zones, true));
                }
            }
            Ok((zones, false))
        };
        let ((zones, enough), taken) = self.look_at(campaign, Default::default(), look).await?;
        match taken.map(drop) {
            // One that means too many is refused at its launch: who they are may change until then.
            Ok(()) | Err(CampaignFault::TooManyRecipients { .. }) => Ok(zones),
            Err(_) if enough => Ok(zones),
            Err(fault) => Err(fault),
        }
    }
}
