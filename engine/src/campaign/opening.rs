//! When the first of a campaign's recipients may be written to.

use std::collections::HashSet;

use tokio::sync::mpsc;

use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, GateId, Purpose, TenantId, Territory, UnixMicros};
use crate::store::{Campaign, CampaignState, RowBatch, StoreError};

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
            Some(_) => self.zones_meant(campaign, Some(at)).await?,
            None => self.zones_of_rows(campaign.id).await?,
        };
        let of = (campaign.purpose, self.territory_of(campaign.tenant).await?);
        Ok(self.opens(of, &zones, at))
    }

    /// The zones by whose hours a draft goes, as its audience is now; none: it goes at any hour.
    ///
    /// # Errors
    /// What keeps it from being found out whom it means.
    pub(crate) async fn hours_of(&self, campaign: &Campaign) -> Result<Vec<String>, CampaignFault> {
        if campaign.purpose == Purpose::Transactional {
            return Ok(Vec::new());
        }
        let mut zones = match campaign.query {
            Some(_) => self.zones_meant(campaign, None).await?,
            None => self.zones_of_rows(campaign.id).await?,
        };
        if zones.is_empty() {
            zones.insert(GateId::OPEN);
        }
        Ok(self.0.deps.gates.names(&zones))
    }

    /// When something that goes by the hours of these zones may begin, if it is launched at each of these times: then, or later.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn begins(
        &self,
        tenant: TenantId,
        zones: &[String],
        times: &[UnixMicros],
    ) -> Result<Vec<Option<UnixMicros>>, StoreError> {
        if zones.is_empty() {
            return Ok(times.iter().copied().map(Some).collect());
        }
        let territory = self.territory_of(tenant).await?;
        let gates = &self.0.deps.gates;
        Ok(times.iter().map(|at| gates.first_open(zones, territory, *at)).collect())
    }

    /// Whether messages of a campaign wait for the hours at which they may go; not of one that is gone.
    ///
    /// # Errors
    /// The store's.
    pub(crate) async fn waits_for_hours(&self, tenant: TenantId, id: CampaignId) -> Result<bool, StoreError> {
        let campaign = self.store().campaign(tenant, id).await?;
        if !campaign.is_some_and(|campaign| is_sent(campaign.state)) {
            return Ok(false);
        }
        let (census, open) = (self.store().campaign_census(id).await?, self.0.deps.gates.open());
        let mut lines = census.lines.iter();
        Ok(lines.any(|line| line.rows + line.again > 0 && !open.contains(&line.line.gate)))
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

    /// The gates of those whom a campaign of contacts means; with a time, no more of them once one is open then.
    async fn zones_meant(&self, campaign: &Campaign, at: Option<UnixMicros>) -> Result<HashSet<GateId>, CampaignFault> {
        let of = (campaign.purpose, self.territory_of(campaign.tenant).await?);
        let look = |mut rows: mpsc::Receiver<RowBatch>| async move {
            let mut zones = HashSet::new();
            while let Some(batch) = rows.recv().await {
                zones.extend(batch.zones());
                if at.is_some_and(|at| self.opens(of, &zones, at) == Some(at)) {
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

/// Whether something of a campaign may be on its way to an SMSC.
const fn is_sent(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching | CampaignState::Running => true,
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Resolving
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Paused
        | CampaignState::Completed
        | CampaignState::Stopped
        | CampaignState::Canceled => false,
    }
}
