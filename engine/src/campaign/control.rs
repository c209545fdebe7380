//! Pause, resume, cancel. Each may be asked for again: what was done is not done twice, what was not is then.

use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, TenantId};
use crate::store::{Campaign, CampaignKind, CampaignState, StoreError};

/// How a campaign's queues are halted; the letters of `halt.lua`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Halt {
    /// Nothing is leased until it is resumed.
    Pause,
    /// Goes on.
    Resume,
    /// Nothing is leased any more: what is queued is canceled.
    Stop,
}

impl Halt {
    const fn letter(self) -> &'static str {
        match self {
            Self::Pause => "p",
            Self::Resume => "",
            Self::Stop => "c",
        }
    }
}

impl Campaigns {
    /// Keeps what is queued from being sent. What an SMSC has already is not called back.
    ///
    /// # Errors
    /// [`CampaignFault::WrongState`], [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub async fn pause(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let from = [CampaignState::Launching, CampaignState::Running, CampaignState::Paused];
        let campaign = self.shift(tenant, id, &from, CampaignState::Paused).await?;
        self.halt_in_task(campaign, Halt::Pause).await;
        Ok(CampaignState::Paused)
    }

    /// Goes on with a paused campaign.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub async fn resume(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let from = [CampaignState::Paused, CampaignState::Running];
        let campaign = self.shift(tenant, id, &from, CampaignState::Running).await?;
        self.halt_in_task(campaign, Halt::Resume).await;
        Ok(CampaignState::Running)
    }

    /// Ends a campaign: one that was not launched is canceled, one that was is stopped, and what is still queued of it
    /// is canceled behind the answer. Its hold is released for what was not sent.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub async fn cancel(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let unsent = [CampaignState::Draft, CampaignState::Blocked, CampaignState::Canceled];
        match self.shift(tenant, id, &unsent, CampaignState::Canceled).await {
            Ok(_) => {
                self.store().drop_audience(id).await?;
                self.store().set_active(tenant, id, false).await?;
                return Ok(CampaignState::Canceled);
            }
            Err(CampaignFault::WrongState(_)) => {}
            Err(other) => return Err(other),
        }
        let sent = [
            CampaignState::Launching,
            CampaignState::Running,
            CampaignState::Paused,
            CampaignState::Stopped,
        ];
        let campaign = self.shift(tenant, id, &sent, CampaignState::Stopped).await?;
        self.halt_in_task(campaign, Halt::Stop).await;
        Ok(CampaignState::Stopped)
    }

    /// Moves the campaign to a state from one of some others.
    async fn shift(
        &self,
        tenant: TenantId,
        id: CampaignId,
        from: &[CampaignState],
        to: CampaignState,
    ) -> Result<Campaign, CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        // A direct campaign has no end of its own to be brought forward: each of its messages was asked for by itself.
        let movable = campaign.kind == CampaignKind::Audience && from.contains(&campaign.state);
        if !movable || !self.store().move_campaign((tenant, id), from, to).await? {
            return Err(CampaignFault::WrongState(self.find(tenant, id).await?.state));
        }
        Ok(campaign)
    }

    /// Halts the queues; goes on when the caller hangs up, since the state has moved already.
    async fn halt_in_task(&self, campaign: Campaign, halt: Halt) {
        let campaigns = self.clone();
        let task = self
            .0
            .deps
            .tracker
            .spawn(async move { campaigns.halt(&campaign, halt).await });
        if task.await.is_err() {
            tracing::error!("a campaign's queues could not be halted; the next start does it");
        }
    }

    async fn halt(&self, campaign: &Campaign, halt: Halt) {
        let line = (campaign.tenant, campaign.id, campaign.purpose);
        let halted = self.insist("halt", || async move {
            let smscs = self.store().smscs().await?;
            self.store().halt(line, halt.letter(), &smscs).await?;
            Ok::<_, StoreError>(smscs)
        });
        let Some(smscs) = halted.await else { return };
        match halt {
            Halt::Pause => {}
            Halt::Resume => {
                for partition in self.store().all_partitions() {
                    self.ring(smscs.iter().copied(), partition, false);
                }
            }
            Halt::Stop => {
                let campaigns = self.clone();
                let (tenant, id) = (campaign.tenant, campaign.id);
                self.0
                    .deps
                    .tracker
                    .spawn(async move { campaigns.drain(tenant, id).await });
            }
        }
    }

    /// Cancels what is queued, a stretch at a time.
    async fn drain(&self, tenant: TenantId, id: CampaignId) {
        let mut left = true;
        while left && !self.0.deps.stop.is_cancelled() {
            let canceled = self.insist("drain", || async move {
                let smscs = self.store().smscs().await?;
                self.store().drain(id, &smscs, self.now_us()).await
            });
            left = canceled.await.is_some_and(|canceled| canceled > 0);
        }
        self.0.books.look_soon(tenant, id);
    }

    /// At the start: a process may have ended between the state and the queues.
    pub(super) fn halt_again(&self, campaign: &Campaign) {
        let halt = match campaign.state {
            CampaignState::Paused => Halt::Pause,
            CampaignState::Stopped => Halt::Stop,
            CampaignState::Running => Halt::Resume,
            CampaignState::Draft
            | CampaignState::Launching
            | CampaignState::Blocked
            | CampaignState::Completed
            | CampaignState::Canceled => return,
        };
        let (campaigns, campaign) = (self.clone(), campaign.clone());
        self.0
            .deps
            .tracker
            .spawn(async move { campaigns.halt(&campaign, halt).await });
    }
}
