//! Campaigns that are over, when Redis keeps them no more, or was lost: what they came to stays, and nothing of what they said and to whom.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::figures::Times;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, TenantId};
use crate::store::{Campaign, Counters, StoreError};

/// As it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// Those of the order.
    fields: HashMap<String, String>,
    counters: Counters,
    times: Times,
}

/// What a campaign came to.
pub(super) struct CameTo {
    pub(super) campaign: Campaign,
    pub(super) counters: Counters,
    pub(super) times: Times,
}

impl Campaigns {
    /// Keeps some campaigns that are over, as they stand.
    pub(super) async fn tell_past(&self) -> Result<(), CampaignFault> {
        for of in self.store().untold().await? {
            self.keep_past(of, false).await?;
            self.store().set_told(of).await?;
        }
        Ok(())
    }

    /// Keeps a campaign that is over; `whole`: Redis is about to forget it.
    pub(super) async fn keep_past(&self, of: (TenantId, CampaignId), whole: bool) -> Result<(), CampaignFault> {
        let Some(fields) = self.store().lasting_fields(of).await? else {
            return Ok(());
        };
        let kept = Kept {
            fields,
            counters: self.store().counters(of.1).await?,
            times: self.times(of.1).await?,
        };
        let json = serde_json::to_string(&kept).map_err(|_| StoreError::Corrupt("what a campaign came to"))?;
        Ok(self.0.deps.mirror.keep_past_campaign(of, (&json, whole)).await?)
    }

    /// A campaign that Redis keeps no more.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`], or what does not answer.
    pub(super) async fn past(&self, of: (TenantId, CampaignId)) -> Result<CameTo, CampaignFault> {
        let json = self.0.deps.mirror.past_campaign(of).await?;
        let json = json.ok_or(CampaignFault::NotFound)?;
        let unreadable = StoreError::Corrupt("what a campaign came to");
        let kept: Kept = serde_json::from_str(&json).map_err(|_| unreadable)?;
        Ok(CameTo {
            campaign: Campaign::of_lasting_fields(of, &kept.fields).ok_or(CampaignFault::NotFound)?,
            counters: kept.counters,
            times: kept.times,
        })
    }

    /// How long the messages of a campaign took.
    pub(super) async fn times(&self, id: CampaignId) -> Result<Times, StoreError> {
        let mut times = Times::default();
        self.store().each_result(id, |result| times.add(result)).await?;
        Ok(times)
    }
}
