//! Campaigns of which nothing may go from a time on, and messages by themselves that are worth nothing then: what was not handed over ends.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::launch::{is_launched, owner};
use super::{CampaignFault, Campaigns};
use crate::guard::Verdict;
use crate::store::{Campaign, CampaignState, Halt, StoreError};

/// How often it is looked whose time is over. What is leased meanwhile is not sent either: whoever composes a message knows the time.
const TICK: Duration = Duration::from_millis(500);

impl Campaigns {
    /// Ends what has expired, until `stop`.
    pub(crate) async fn keep_expiry(self, verdict: Verdict, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if !verdict.may_expire() || verdict.may_write().is_err() {
                tracing::debug!("nothing expires while the clocks disagree, or the database is not ours");
            } else if let Err(error) = self.expire_due().await {
                tracing::debug!(%error, "what has expired cannot be ended; it is tried again");
            }
        }
    }

    /// Ends what has expired by now.
    ///
    /// # Errors
    /// When the store does not answer: the rest is ended at the next look.
    pub(super) async fn expire_due(&self) -> Result<(), StoreError> {
        self.end_outdated().await?;
        for (tenant, id) in self.store().expired(self.now()).await? {
            let launched = self.store().campaign(tenant, id).await?;
            // One that was stopped is ended by that.
            let launched =
                launched.filter(|campaign| is_launched(campaign.state) && campaign.state != CampaignState::Stopped);
            let is_over = match launched {
                Some(campaign) => self.outdate(&campaign).await?,
                // All of it has ended some other way.
                None => true,
            };
            if is_over {
                self.store().forget_expiring((tenant, id)).await?;
                self.0.books.look_soon(tenant, id);
            }
        }
        Ok(())
    }

    /// Ends what waits of a campaign. Whether nothing more of it is to be sent: what is with a dispatcher or in a window ends
    /// there, or comes back and is ended at the next look.
    async fn outdate(&self, campaign: &Campaign) -> Result<bool, StoreError> {
        let lines = self.store().halt(owner(campaign), Halt::Outdate, self.now()).await?;
        for (partition, lines) in &lines {
            for line in lines {
                self.halt_due(campaign.id, (*partition, *line), Halt::Outdate).await?;
            }
        }
        let counters = self.store().counters(campaign.id).await?;
        Ok(counters.sent() + counters.in_doubt() >= campaign.total)
    }

    /// A campaign that was launched is ended when its time is over.
    pub(super) async fn list_expiring(&self, campaign: &Campaign) -> Result<(), StoreError> {
        match campaign.expires_at {
            Some(at) => self.store().list_expiring((campaign.tenant, campaign.id), at).await,
            None => Ok(()),
        }
    }

    /// # Errors
    /// [`CampaignFault::Expired`], of a campaign of which nothing may go any more.
    pub(super) async fn check_expiry(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let begins = campaign.state.is_before_launch() || campaign.state == CampaignState::Resolving;
        match campaign.expires_at.filter(|at| begins && *at <= self.now()) {
            Some(at) => Err(CampaignFault::Expired {
                at: self.local(campaign.tenant, at).await?,
            }),
            None => Ok(()),
        }
    }
}
