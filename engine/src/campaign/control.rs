//! Pause, resume, cancel. Each may be asked for again: what was done is not done twice, what was not is then.

use super::launch::owner;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, Event, Line, Message, Note, Partition, Record, TenantId};
use crate::store::{Campaign, CampaignKind, CampaignState, Halt, Owner, StoreError};

/// How often a stopped campaign is looked through while some of its messages are with an SMSC for an answer.
const STOP_AGAIN: std::time::Duration = std::time::Duration::from_secs(1);

impl Campaigns {
    /// Keeps what is queued from being sent. What an SMSC has already is not called back.
    ///
    /// # Errors
    /// [`CampaignFault::WrongState`], [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn pause(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let from = [CampaignState::Launching, CampaignState::Running, CampaignState::Paused];
        let campaign = self.shift(tenant, id, &from, CampaignState::Paused).await?;
        self.halt_in_task(campaign, Halt::Pause).await;
        Ok(CampaignState::Paused)
    }

    /// Goes on with a paused campaign.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub(crate) async fn resume(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let from = [CampaignState::Paused, CampaignState::Running];
        let campaign = self.shift(tenant, id, &from, CampaignState::Running).await?;
        self.halt_in_task(campaign, Halt::Resume).await;
        Ok(CampaignState::Running)
    }

    /// Ends a campaign: one that was not launched is canceled; one that was is stopped, and what is not with an SMSC is
    /// canceled behind the answer. Its hold is released for what was not sent.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub(crate) async fn cancel(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let unsent = [
            CampaignState::Draft,
            CampaignState::InReview,
            CampaignState::Scheduled,
            CampaignState::Blocked,
            CampaignState::Resolving,
            CampaignState::Canceled,
        ];
        match self.shift(tenant, id, &unsent, CampaignState::Canceled).await {
            Ok(canceled) => {
                self.store().drop_rows(id).await?;
                self.give_back_codes(canceled.code_pool, id).await;
                self.store().set_inactive(&[(tenant, id)]).await?;
                let now = self.now().seconds();
                let times = (now, now + self.0.deps.keep.as_secs());
                self.store().retire_at(&[(tenant, id)], times).await?;
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

    /// Forgets a campaign of which nothing was sent, and of which nothing is on its way.
    ///
    /// # Errors
    /// As [`Campaigns::pause`].
    pub(crate) async fn forget(&self, tenant: TenantId, id: CampaignId) -> Result<(), CampaignFault> {
        let unsent = [
            CampaignState::Draft,
            CampaignState::Scheduled,
            CampaignState::Blocked,
            CampaignState::Canceled,
        ];
        // From then on nobody launches or edits it.
        let gone = self.shift(tenant, id, &unsent, CampaignState::Canceled).await?;
        self.give_back_codes(gone.code_pool, id).await;
        self.store().set_inactive(&[(tenant, id)]).await?;
        self.store().retire(tenant, id).await?;
        Ok(self.0.deps.mirror.forget_past_campaign((tenant, id)).await?)
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
        self.0.books.campaign_stepped(tenant, id).await;
        Ok(campaign)
    }

    /// Halts the queues; goes on when the caller hangs up, since the state has moved already.
    async fn halt_in_task(&self, campaign: Campaign, halt: Halt) {
        let campaigns = self.clone();
        let task = self.spawn(async move { campaigns.halt(&campaign, halt).await });
        if task.await.is_err() {
            tracing::error!("a campaign's queues could not be halted; the next start does it");
        }
    }

    async fn halt(&self, campaign: &Campaign, halt: Halt) {
        let owner = owner(campaign);
        let halted = self.insist("halt", || self.store().halt(owner, halt, self.now())).await;
        let Some(lines) = halted else { return };
        if halt == Halt::Resume {
            self.ring_everywhere();
        }
        let (campaigns, total) = (self.clone(), campaign.total);
        // What is deferred is in other hands than what is queued: behind the answer.
        self.spawn(async move {
            let halting = campaigns.insist("halt", || campaigns.halt_all_due((owner, total), &lines, halt));
            // A start takes it up again.
            let _ended = campaigns.0.deps.stop.run_until_cancelled(halting).await;
            campaigns.0.books.look_soon(owner.tenant, owner.campaign);
        });
    }

    /// Halts the messages of a campaign that are deferred, in all lines. A stop goes on until nothing of the campaign is with
    /// a dispatcher or in a window: what comes back from there is deferred again.
    async fn halt_all_due(
        &self,
        (owner, total): (Owner, u64),
        lines: &[(Partition, Vec<Line>)],
        halt: Halt,
    ) -> Result<(), StoreError> {
        let mut lines = lines.to_vec();
        loop {
            for (partition, lines) in &lines {
                for line in lines {
                    self.halt_due(owner.campaign, (*partition, *line), halt).await?;
                }
            }
            let counters = self.store().counters(owner.campaign).await?;
            if halt != Halt::Stop || counters.sent() + counters.in_doubt() >= total {
                return Ok(());
            }
            tokio::time::sleep(STOP_AGAIN).await;
            lines = self.store().halt(owner, halt, self.now()).await?;
        }
    }

    /// Halts the messages of a campaign that are deferred, or wait behind others, in one line.
    pub(super) async fn halt_due(
        &self,
        id: CampaignId,
        place: (Partition, Line),
        halt: Halt,
    ) -> Result<(), StoreError> {
        match halt {
            // When one is due that belongs to a paused campaign, the lease puts it aside.
            Halt::Pause => Ok(()),
            Halt::Resume => {
                let mut cursor = 0;
                loop {
                    let (due, next) = self.store().due_of(Some(id), place, cursor).await?;
                    if !due.is_empty() {
                        self.store().make_due(place, &due, self.now()).await?;
                        (self.0.deps.ring)(place.1.way, place.0, false);
                    }
                    if next == 0 {
                        return Ok(());
                    }
                    cursor = next;
                }
            }
            Halt::Stop => self.each_due(Some(id), place, |_| Some(Event::Stopped)).await.map(drop),
            Halt::Outdate => self
                .each_due(Some(id), place, |_| Some(Event::Outdated))
                .await
                .map(drop),
        }
    }

    /// Has the same happen to every message, of one campaign or of all, that is deferred or waits in a line. Returns to how
    /// many it did.
    pub(super) async fn each_due(
        &self,
        of: Option<CampaignId>,
        place: (Partition, Line),
        event: impl Fn(&Message<'_>) -> Option<Event>,
    ) -> Result<usize, StoreError> {
        let (mut moved, mut cursor) = (0, 0);
        loop {
            let (due, next) = self.store().due_of(of, place, cursor).await?;
            let recipients: Vec<_> = due.iter().map(|message| message.recipient).collect();
            let records = self.store().records(&recipients).await?;
            let mut moves = Vec::new();
            for (message, bytes) in due.iter().zip(&records) {
                let bad = |form| StoreError::bad_record(message.recipient, form);
                let record = Record::unpack(message.recipient, bytes).map_err(bad)?;
                let found = record.messages.iter().find(|found| found.id == message.id);
                let transition = found.and_then(|found| found.apply(event(found)?, self.now()).ok());
                moves.extend(transition.map(|transition| (transition, Note::None)));
            }
            let made = self.store().make(self.now(), &moves).await?;
            moved += made.done.iter().filter(|done| **done).count();
            if next == 0 {
                return Ok(moved);
            }
            cursor = next;
        }
    }

    /// At the start: a process may have ended between the state and the queues.
    pub(super) fn halt_again(&self, campaign: &Campaign) {
        let halt = match campaign.state {
            CampaignState::Paused => Halt::Pause,
            CampaignState::Stopped => Halt::Stop,
            CampaignState::Running => Halt::Resume,
            CampaignState::Draft
            | CampaignState::Scheduled
            | CampaignState::Resolving
            | CampaignState::Launching
            | CampaignState::InReview
            | CampaignState::Blocked
            | CampaignState::Completed
            | CampaignState::Canceled => return,
        };
        if campaign.kind == CampaignKind::Direct {
            return;
        }
        let (campaigns, campaign) = (self.clone(), campaign.clone());
        self.spawn(async move { campaigns.halt(&campaign, halt).await });
    }
}
