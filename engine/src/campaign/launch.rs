//! From a draft to messages: credits held, then the audience expanded into the queues, each recipient once.

use std::sync::PoisonError;

use super::pages::{Pages, Stretch};
use super::price::Price;
use super::{CampaignFault, Campaigns, Order};
use crate::domain::{CampaignId, Entry, MessageId, Partition, SmscId, TenantId};
use crate::store::{self, Campaign, CampaignKind, CampaignState, Launch, StoreError};

/// The SMSC of recipients that none takes: the store ends their messages as not routed.
const NO_ROUTE: SmscId = SmscId(0);

impl Campaigns {
    /// Holds the estimate and sets the campaign going; its audience is expanded behind the answer.
    ///
    /// # Errors
    /// [`CampaignFault::Short`], [`CampaignFault::AlreadyStarted`], [`CampaignFault::WrongState`],
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub async fn launch(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        if campaign.kind == CampaignKind::Direct {
            return Err(CampaignFault::AlreadyStarted(campaign.state));
        }
        let launched = self.store().launch(&campaign, self.now_us()).await;
        // Also after a lost reply: it may have been launched, and then nobody else sees to it before the next start.
        let started = !matches!(launched, Ok(Launch::Short | Launch::WrongState));
        if started {
            self.0.books.open(tenant, id, campaign.total, self.now_us());
            self.expand_later(tenant, id);
        }
        let result = if launched.is_err() { "failed" } else { "started" };
        let launches = &self.0.deps.metrics.campaign_launches_total;
        match launched? {
            Launch::Held => {
                launches.with_label_values(&[result]).inc();
                Ok(CampaignState::Launching)
            }
            Launch::Short => {
                launches.with_label_values(&["blocked_credit"]).inc();
                let available = self
                    .store()
                    .tenant(tenant)
                    .await?
                    .map_or(0, |tenant| tenant.credits.available);
                Err(CampaignFault::Short {
                    available,
                    needed: campaign.estimate_credits,
                })
            }
            Launch::WrongState => Err(self.why_not(tenant, id).await?),
        }
    }

    /// Why a campaign could not be launched, by the state that it is in now.
    async fn why_not(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignFault, CampaignFault> {
        let state = self.find(tenant, id).await?.state;
        // The launch has listed it among those under way, where it may not belong.
        self.0.books.look_soon(tenant, id);
        Ok(match state {
            CampaignState::Draft | CampaignState::Blocked | CampaignState::Canceled => CampaignFault::WrongState(state),
            CampaignState::Launching
            | CampaignState::Running
            | CampaignState::Paused
            | CampaignState::Completed
            | CampaignState::Stopped => CampaignFault::AlreadyStarted(state),
        })
    }

    /// At the start: goes on with every campaign that was under way when the last process ended.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn resume_all(&self) -> Result<(), StoreError> {
        for (tenant, id) in self.store().active().await? {
            self.0.books.look_soon(tenant, id);
            let Some(campaign) = self.store().campaign(tenant, id).await? else {
                continue;
            };
            self.halt_again(&campaign);
            if campaign.kind == CampaignKind::Audience && is_launched(campaign.state) {
                self.expand_later(tenant, id);
            }
        }
        Ok(())
    }

    /// Expands the campaign in a task, unless one is at it.
    fn expand_later(&self, tenant: TenantId, id: CampaignId) {
        let mut expanding = self.0.expanding.lock().unwrap_or_else(PoisonError::into_inner);
        if !expanding.insert(id) {
            return;
        }
        drop(expanding);
        let campaigns = self.clone();
        self.0.deps.tracker.spawn(async move {
            let work = campaigns.insist("expand", || campaigns.expand_in_turn(tenant, id));
            let done = campaigns.0.deps.stop.run_until_cancelled(work).await.flatten();
            if done.is_none() {
                tracing::info!(campaign = %id, "not wholly expanded; the next start goes on with it");
            }
            campaigns
                .0
                .expanding
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remove(&id);
        });
    }

    async fn expand_in_turn(&self, tenant: TenantId, id: CampaignId) -> Result<(), StoreError> {
        // The semaphore is never closed.
        let _turn = self.0.expansions.acquire().await;
        let Some(campaign) = self.store().campaign(tenant, id).await? else {
            return Ok(());
        };
        if is_launched(campaign.state) {
            self.expand(&campaign).await?;
        }
        Ok(())
    }

    /// Enqueues what is not yet enqueued of a launched campaign. A repetition goes on where the last one came to, and
    /// makes the same messages of the same recipients.
    pub(super) async fn expand(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let (tenant, id) = (campaign.tenant, campaign.id);
        let order = self.0.orders.keep(campaign)?;
        let before = self.store().expanded(id).await?;
        let mut price = Price::new(&order.template);
        let mut pages = Pages::from(id, &before);
        loop {
            let read = pages.next(self.store()).await?;
            if read.is_empty() {
                break;
            }
            let mut stretches = Vec::with_capacity(read.len());
            for stretch in read {
                stretches.push(self.pack(&order, &stretch, &mut price));
                // A stretch takes a fraction of a millisecond; the messages under way have their turn between two.
                tokio::task::yield_now().await;
            }
            self.enqueue(&stretches).await?;
        }
        if self
            .store()
            .move_campaign((tenant, id), &[CampaignState::Launching], CampaignState::Running)
            .await?
        {
            let since = self.now_us().saturating_sub(order.launched_at_us) as f64 / 1e6;
            self.0.deps.metrics.campaign_fanout_duration_seconds.observe(since);
        }
        self.0.books.look_soon(tenant, id);
        Ok(())
    }

    fn pack(&self, order: &Order, stretch: &Stretch, price: &mut Price<'_>) -> store::Stretch {
        let mut groups: Vec<(SmscId, Vec<Vec<u8>>)> = Vec::new();
        for (offset, (recipient, variables)) in (0u32..).zip(&stretch.rows) {
            // Every row was priced when the draft was made: none takes more segments than there are.
            let segments = price.of(variables).unwrap_or(u8::MAX);
            let smsc = self.0.deps.routes.route(*recipient).unwrap_or(NO_ROUTE);
            let position = stretch.position + offset;
            let entry = Entry {
                recipient: *recipient,
                id: MessageId::new(order.id, stretch.partition, self.store().partitions(), position),
                tenant: order.tenant,
                smsc,
                segments,
                credits: segments,
                lane: order.purpose.lane(),
                body: variables,
            };
            let mut packed = Vec::with_capacity(32 + variables.len());
            entry.pack(&mut packed);
            match groups.iter_mut().find(|(known, _)| *known == smsc) {
                Some((_, entries)) => entries.push(packed),
                None => groups.push((smsc, vec![packed])),
            }
        }
        let (partition, position) = (stretch.partition, stretch.position);
        store::Stretch {
            campaign: order.id,
            tenant: order.tenant,
            purpose: order.purpose,
            partition,
            position,
            groups,
        }
    }

    async fn enqueue(&self, stretches: &[store::Stretch]) -> Result<(), StoreError> {
        let before = self.0.deps.clock.now();
        let expanded = self.store().enqueue(stretches, self.now_us()).await?;
        let metrics = &self.0.deps.metrics;
        metrics.redis_op("enqueue", self.0.deps.clock.now() - before, stretches.len());
        let mut enqueued = 0;
        for (stretch, expanded) in stretches.iter().zip(expanded) {
            let count: usize = stretch.groups.iter().map(|(_, entries)| entries.len()).sum();
            // Another count means that somebody else had enqueued it.
            if expanded == stretch.position + count as u32 {
                enqueued += count;
            }
            self.ring(stretch.groups.iter().map(|(smsc, _)| *smsc), stretch.partition, false);
        }
        metrics.campaign_fanout_recipients_total.inc_by(enqueued as u64);
        Ok(())
    }

    pub(super) fn ring(&self, smscs: impl Iterator<Item = SmscId>, partition: Partition, urgent: bool) {
        for smsc in smscs.filter(|smsc| *smsc != NO_ROUTE) {
            (self.0.deps.ring)(smsc, partition, urgent);
        }
    }
}

/// Whether the campaign's whole audience is to be in the queues, or canceled, in the end.
pub(super) fn is_launched(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching | CampaignState::Running | CampaignState::Paused | CampaignState::Stopped => true,
        CampaignState::Draft | CampaignState::Blocked | CampaignState::Completed | CampaignState::Canceled => false,
    }
}
