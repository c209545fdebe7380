//! Campaigns that launch by themselves at their time.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::refusal::code_of;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, TenantId, UnixMicros};
use crate::fault::{DateProblem, FieldFault};
use crate::store::{Campaign, CampaignKind, CampaignState, Planned, StoreError};

/// How often it is looked whose time has come.
const TICK: Duration = Duration::from_millis(500);

impl Campaigns {
    /// Has a campaign launch by itself then, in place of when it was to. The credits are asked for at that time.
    ///
    /// # Errors
    /// A fault of the date at which it has expired, [`CampaignFault::TextRejected`], [`CampaignFault::TrafficRejected`], [`CampaignFault::TenantSuspended`], [`CampaignFault::OutsideWindow`], [`CampaignFault::AlreadyStarted`], [`CampaignFault::WrongState`],
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn schedule(&self, tenant: TenantId, id: CampaignId, at: UnixMicros) -> Result<(), CampaignFault> {
        let _admission = self.admit(tenant).await?;
        let campaign = self.find(tenant, id).await?;
        if campaign.kind == CampaignKind::Direct {
            return Err(CampaignFault::AlreadyStarted(campaign.state));
        }
        if campaign.is_erased() {
            return Err(CampaignFault::Erased);
        }
        if let Some(expires_at) = campaign.expires_at.filter(|expires_at| at >= *expires_at) {
            let expires_at = self.local(tenant, expires_at).await?;
            let problem = DateProblem::AfterExpiry { expires_at };
            return Err(CampaignFault::Fields(vec![FieldFault::new(
                "/scheduled_at",
                problem.into(),
            )]));
        }
        if let Some(expires_at) = campaign
            .link
            .as_ref()
            .and_then(|link| link.expires_at)
            .filter(|over| at >= *over)
        {
            let expires_at = self.local(tenant, expires_at).await?;
            let over = FieldFault::new("/link_expires_at", DateProblem::AfterExpiry { expires_at }.into());
            return Err(CampaignFault::Fields(vec![over]));
        }
        self.check_window(&campaign, at).await?;
        // Asked about now, so that it was looked at when its date comes.
        let waits = (&CampaignState::BEFORE_LAUNCH[..], Some(at));
        if campaign.state.is_before_launch() && self.waits_for_review(&campaign, waits).await? {
            return Ok(());
        }
        let planned = Planned {
            tenant,
            campaign: id,
            at,
        };
        match self.store().plan(planned).await? {
            true => {
                self.0.books.campaign_stepped(tenant, id).await;
                Ok(())
            }
            false => Err(self.why_not(tenant, id).await?),
        }
    }

    /// A campaign does not launch by itself: it is a draft.
    ///
    /// # Errors
    /// As [`Campaigns::schedule`], but for the window.
    pub(crate) async fn unschedule(&self, tenant: TenantId, id: CampaignId) -> Result<(), CampaignFault> {
        match self.store().unplan((tenant, id)).await? {
            true => {
                self.0.books.campaign_stepped(tenant, id).await;
                Ok(())
            }
            false => Err(self.why_not(tenant, id).await?),
        }
    }

    /// Advertising of which nobody may get anything at that time. Whoever of its recipients may not, when others may, waits for
    /// their own hours.
    async fn check_window(&self, campaign: &Campaign, at: UnixMicros) -> Result<(), CampaignFault> {
        match self.opens_from(campaign, at).await? {
            Some(opens) if opens > at => Err(CampaignFault::OutsideWindow {
                opens: self.local(campaign.tenant, opens).await?,
            }),
            Some(_) | None => Ok(()),
        }
    }

    /// Launches what is due, until `stop`.
    pub(crate) async fn keep_schedule(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if let Err(error) = self.launch_due().await {
                tracing::debug!(%error, "planned launches cannot be read; they are read again");
            }
        }
    }

    /// Launches what is due now.
    ///
    /// # Errors
    /// When the store does not answer: what is due stays so.
    pub(super) async fn launch_due(&self) -> Result<(), StoreError> {
        for planned in self.store().due_launches(self.now()).await? {
            // One that cannot be launched now keeps no other from it.
            if let Err(error) = self.launch_planned(planned).await {
                tracing::warn!(campaign = %planned.campaign, %error, "a planned launch failed; it is tried again");
            }
        }
        Ok(())
    }

    async fn launch_planned(&self, planned: Planned) -> Result<(), CampaignFault> {
        let found = self.store().campaign(planned.tenant, planned.campaign).await?;
        let is_due = |campaign: &Campaign| {
            campaign.state == CampaignState::Scheduled && campaign.scheduled_at == Some(planned.at)
        };
        if let Some(campaign) = found.filter(is_due) {
            match self.launch_as(&campaign, Some(planned.at)).await {
                Ok(CampaignState::InReview) => {
                    tracing::info!(campaign = %planned.campaign, "it waits until the reseller has looked at it");
                }
                Ok(_) => {
                    let late = self.now().since(planned.at).as_secs_f64();
                    self.0.deps.metrics.campaign_schedule_delay_seconds.observe(late);
                    tracing::info!(campaign = %planned.campaign, late, "launched at its time");
                }
                Err(
                    why @ (CampaignFault::Edited
                    | CampaignFault::Store(_)
                    | CampaignFault::Database(_)
                    | CampaignFault::Stopping),
                ) => {
                    return Err(why);
                }
                // It is blocked, and says so; or somebody else has moved it.
                Err(
                    why @ (CampaignFault::Short { .. }
                    | CampaignFault::AlreadyStarted(_)
                    | CampaignFault::WrongState(_)),
                ) => {
                    tracing::warn!(campaign = %planned.campaign, %why, "not launched at its time");
                }
                Err(why) => self.refuse_planned(&campaign, &why).await?,
            }
        }
        Ok(self.store().forget_plan(planned).await?)
    }

    /// One that cannot go any more as it is, such as one that had expired when its date was made up for, is a draft again, and says why.
    async fn refuse_planned(&self, campaign: &Campaign, why: &CampaignFault) -> Result<(), StoreError> {
        tracing::warn!(campaign = %campaign.id, %why, "not launched at its time");
        let owner = (campaign.tenant, campaign.id);
        self.store().refuse_plan(owner, &code_of(why)).await?;
        self.0.books.campaign_stepped(owner.0, owner.1).await;
        Ok(())
    }
}
