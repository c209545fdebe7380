//! What operators ask about campaigns and messages of any tenant.

use super::report::Page;
use super::{CampaignFault, Campaigns, PAGE_MAX};
use crate::domain::{CampaignId, MessageId, Recipient, Row, TenantId, UnixMicros};
use crate::store::{Campaign, RecipientRow};

/// Rows of one partition that are looked through for a recipient: those of the largest campaign there may be.
const ROWS_MAX: u32 = 10_000_000;

/// Rows that are read at once.
const STEP: u32 = 1_000;

/// A message of a campaign, found by its recipient.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) tenant: TenantId,
    pub(crate) row: RecipientRow,
    /// When it was asked for; `None`: its campaign was not launched.
    pub(crate) asked_at: Option<UnixMicros>,
}

impl Campaigns {
    /// Lists the campaigns that an older version made.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn fill_catalogue(&self) -> Result<(), CampaignFault> {
        Ok(self.store().fill_catalogue().await?)
    }

    /// The campaigns of all tenants, newest first, at most [`PAGE_MAX`]. `before`: those made before that one.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn list_all(
        &self,
        before: Option<CampaignId>,
        limit: usize,
    ) -> Result<Page<Campaign, CampaignId>, CampaignFault> {
        let limit = limit.clamp(1, PAGE_MAX);
        let owners = self.store().campaigns_before(before, limit).await?;
        let next = owners.last().filter(|_| owners.len() == limit).map(|(_, id)| *id);
        let rows = self.store().campaigns_of(&owners).await?;
        Ok(Page {
            rows: rows.into_iter().flatten().collect(),
            next,
        })
    }

    /// Whose a campaign is.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn owner(&self, id: CampaignId) -> Result<TenantId, CampaignFault> {
        self.store().owner_of(id).await?.ok_or(CampaignFault::NotFound)
    }

    /// The messages of a campaign to one recipient. None, when the campaign or its rows are gone.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn messages_to(&self, recipient: Recipient, id: CampaignId) -> Result<Vec<Placed>, CampaignFault> {
        let Some(tenant) = self.store().owner_of(id).await? else {
            return Ok(Vec::new());
        };
        let Some(order) = self.orders().get(tenant, id).await? else {
            return Ok(Vec::new());
        };
        let partitions = self.store().partitions();
        let partition = recipient.partition(partitions);
        let (mut found, mut position) = (Vec::new(), 0);
        while position < ROWS_MAX.min(MessageId::positions_max(partitions)) {
            let read = self.store().audience(id, &[(partition, position)], STEP).await?;
            let rows = read.into_iter().next().unwrap_or_default();
            for (at, packed) in (position..).zip(&rows) {
                let Ok(row) = Row::unpack(packed) else { continue };
                if row.recipient != recipient {
                    continue;
                }
                let variables = order.open(row.variables).unwrap_or_default();
                let asked_at = Some(order.asked_at(&variables)).filter(|at| at.0 > 0);
                let looked = self.look(id, partition, (at, 1)).await?;
                found.extend(looked.into_iter().map(|row| Placed { tenant, row, asked_at }));
            }
            if rows.len() < STEP as usize {
                break;
            }
            position += STEP;
        }
        Ok(found)
    }

    /// Campaigns that have messages under way, newest first.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn under_way(&self) -> Result<Vec<CampaignId>, CampaignFault> {
        let mut active: Vec<CampaignId> = self.store().active().await?.into_iter().map(|(_, id)| id).collect();
        active.sort_unstable_by(|one, other| other.cmp(one));
        Ok(active)
    }
}
