//! From a draft to queues: credits held, then the audience's spans queued, each once.

use std::sync::PoisonError;

use tracing::Instrument;
use tracing::field::Empty;

use super::pages::Pages;
use super::{CampaignFault, Campaigns, ShortLinks};
use crate::audience::DAYS_AHEAD_MAX as LINK_DAYS_MAX;
use crate::compose::Sender;
use crate::domain::{CampaignId, Country, Partition, Purpose, RouteId, Row, TenantId, UnixMicros, Way};
use crate::fault::{DateProblem, FieldFault, FieldProblem};
use crate::otel::Context;
use crate::store::{Campaign, CampaignKind, CampaignState, Launch, Owner, Share, StoreError};

/// How often a launch begins anew since an edit came between.
const EDITED_MAX: usize = 3;

impl Campaigns {
    /// Holds the estimate and sets the campaign going; its spans are queued behind the answer.
    ///
    /// # Errors
    /// [`CampaignFault::TenantSuspended`], [`CampaignFault::Expired`], [`CampaignFault::Erased`], [`CampaignFault::TextRejected`], [`CampaignFault::TrafficRejected`], [`CampaignFault::DayFull`], [`CampaignFault::Short`], [`CampaignFault::AlreadyStarted`], [`CampaignFault::WrongState`],
    /// [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn launch(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignState, CampaignFault> {
        for _ in 0..EDITED_MAX {
            let campaign = self.find(tenant, id).await?;
            if campaign.kind == CampaignKind::Direct {
                return Err(CampaignFault::AlreadyStarted(campaign.state));
            }
            // Whoever finds out whom it means launches it: before that, nobody knows what it takes.
            if campaign.state == CampaignState::Resolving {
                return Err(CampaignFault::AlreadyStarted(campaign.state));
            }
            match self.launch_as(&campaign, None).await {
                Err(CampaignFault::Edited) => {}
                launched => return launched,
            }
        }
        Err(CampaignFault::Edited)
    }

    /// The same of a campaign that was found; `planned`: only if its launch is planned for then.
    ///
    /// # Errors
    /// [`CampaignFault::Edited`]: it is something else by now; or as [`Campaigns::launch`].
    pub(super) async fn launch_as(
        &self,
        campaign: &Campaign,
        planned: Option<UnixMicros>,
    ) -> Result<CampaignState, CampaignFault> {
        match campaign.unpriced && campaign.state.is_before_launch() {
            true => {
                let campaign = self.price_again(campaign).await?;
                Box::pin(self.launch_priced(&campaign, planned)).await
            }
            false => Box::pin(self.launch_priced(campaign, planned)).await,
        }
    }

    async fn launch_priced(
        &self,
        campaign: &Campaign,
        planned: Option<UnixMicros>,
    ) -> Result<CampaignState, CampaignFault> {
        let (tenant, id) = (campaign.tenant, campaign.id);
        let admission = self.admit(tenant).await?;
        self.check_expiry(campaign).await?;
        if campaign.is_erased() && campaign.state.is_before_launch() {
            return Err(CampaignFault::Erased);
        }
        if campaign.state.is_before_launch() {
            Box::pin(self.check_terms(campaign)).await?;
        }
        let waits = match planned {
            Some(_) => (&[CampaignState::Scheduled][..], planned),
            None => (&CampaignState::BEFORE_LAUNCH[..], None),
        };
        if campaign.state.is_before_launch() && Box::pin(self.waits_for_review(campaign, waits)).await? {
            return Ok(CampaignState::InReview);
        }
        if campaign.guests_only && campaign.query.is_none() && campaign.state.is_before_launch() {
            self.check_guests(campaign).await?;
        }
        if campaign.query.is_some() && campaign.state != CampaignState::Resolving {
            return Box::pin(self.resolve_for_launch(campaign, planned)).await;
        }
        if campaign.state == CampaignState::Resolving && self.found_waits(campaign).await? {
            return Ok(CampaignState::InReview);
        }
        self.keep_link(campaign).await?;
        let launching = tracing::info_span!(
            "campaign.launch",
            campaign = %id,
            recipients = recipients(campaign),
            purpose = campaign.purpose.code(),
            outcome = Empty,
            otel.status_code = Empty
        );
        let share = admission.share(self.now());
        let launched = self.hold(campaign, (planned, &share)).instrument(launching).await;
        // Also after a lost reply: it may have been launched, and then nobody else sees to it before the next start.
        let started = matches!(launched, Ok(Launch::Held) | Err(_));
        if started {
            self.queue_later(tenant, id);
        }
        let launches = &self.0.deps.metrics.campaign_launches_total;
        match launched.inspect_err(|_| launches.with_label_values(&["failed"]).inc())? {
            Launch::Held => {
                launches.with_label_values(&["started"]).inc();
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
            Launch::DayFull => {
                launches.with_label_values(&["daily_max"]).inc();
                Err(self.day_is_full(tenant, &share).await?)
            }
            Launch::Edited => {
                self.0.books.look_soon(tenant, id);
                Err(CampaignFault::Edited)
            }
            Launch::WrongState => Err(self.why_not(tenant, id).await?),
        }
    }

    /// What the tenant may send by now, whatever it might when the draft was made: under which senders, to whom without consent, to
    /// which countries, and with links to where.
    pub(super) async fn check_terms(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let terms = self.terms_of(campaign.tenant).await?;
        let wording = self.wording_of(campaign.tenant, &terms).await?;
        let sender = Sender::parse(&campaign.sender).map_err(|_| StoreError::Corrupt("a campaign's sender"))?;
        let refuse = |pointer: &str, problem| CampaignFault::Fields(vec![FieldFault::new(pointer, problem)]);
        let approved = wording.check_sender(&sender);
        approved.map_err(|problem| refuse("/sender", problem))?;
        let linked = super::texts::check_links(campaign, &terms);
        linked.map_err(|fault| CampaignFault::Fields(vec![fault]))?;
        // Of contacts, each is looked at when it is found out whom the campaign means.
        if campaign.query.is_none() {
            let of = (campaign.tenant, campaign.purpose);
            self.check_countries(campaign).await?;
            self.check_agreed(of, campaign.id).await?;
        }
        Ok(())
    }

    /// Of recipients who were given it is known in which countries they are.
    async fn check_countries(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let countries = [
            self.0.deps.limits.countries.clone(),
            self.store().countries(campaign.tenant).await?,
        ];
        let may_be = |country: Country| countries.iter().all(|countries| countries.have(country));
        match campaign.reach.countries.iter().all(|(country, _)| may_be(*country)) {
            true => Ok(()),
            false => {
                let fault = FieldFault::new("/audience", FieldProblem::CountryNotAllowed);
                Err(CampaignFault::Fields(vec![fault]))
            }
        }
    }

    /// Whoever was a guest when the numbers were given, and is none any more, gets nothing. There are few of them.
    async fn check_guests(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let guests = self.0.deps.people.guest_numbers(campaign.tenant).await?;
        let mut pages = Pages::all(campaign.id, self.store().partitions());
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok(());
            }
            for packed in chunks.iter().flat_map(|chunk| &chunk.rows) {
                let row = Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
                if !guests.contains(&row.recipient.0) {
                    let fault = FieldFault::new("/audience", FieldProblem::NotAGuest);
                    return Err(CampaignFault::Fields(vec![fault]));
                }
            }
        }
    }

    /// Before anybody can have a link of it: where that leads.
    async fn keep_link(&self, campaign: &Campaign) -> Result<(), CampaignFault> {
        let (Some(link), Some(links)) = (&campaign.link, &self.0.deps.links) else {
            return Ok(());
        };
        if !campaign.state.is_before_launch() && campaign.state != CampaignState::Resolving {
            return Ok(());
        }
        if link.expires_at.is_some_and(|at| at <= self.now()) {
            let days = LINK_DAYS_MAX;
            let over = FieldFault::new("/link_expires_at", DateProblem::NotAhead { days }.into());
            return Err(CampaignFault::Fields(vec![over]));
        }
        let kept = links.keep(ShortLinks {
            of: (campaign.tenant, campaign.id),
            edits: campaign.edits,
            domain: &link.domain,
            url: &link.url,
            expires_at: link.expires_at,
        });
        Ok(kept.await?)
    }

    /// Takes the credits of a launch, and keeps in which trace that was.
    async fn hold(
        &self,
        campaign: &Campaign,
        (planned, share): (Option<UnixMicros>, &Share),
    ) -> Result<Launch, StoreError> {
        // What is under way stays in the trace that it was launched in.
        let begins = campaign.state.is_before_launch() || campaign.state == CampaignState::Resolving;
        if let Some(context) = Context::current().filter(|_| begins) {
            let owner = (campaign.tenant, campaign.id);
            self.store().set_traceparent(owner, &context.to_string()).await?;
        }
        let launched = self.store().launch(campaign, (planned, share), self.now()).await;
        self.0.books.campaign_stepped(campaign.tenant, campaign.id).await;
        let span = tracing::Span::current();
        match &launched {
            Ok(Launch::Held) => span.record("outcome", "held"),
            Ok(Launch::DayFull) => span.record("outcome", "daily_max"),
            Ok(Launch::Short) => span.record("outcome", "blocked_credit"),
            Ok(Launch::Edited) => span.record("outcome", "edited"),
            Ok(Launch::WrongState) => span.record("outcome", "wrong_state"),
            Err(_) => span.record("otel.status_code", "ERROR"),
        };
        launched
    }

    /// Why a campaign could not be launched, by the state that it is in now.
    pub(super) async fn why_not(&self, tenant: TenantId, id: CampaignId) -> Result<CampaignFault, CampaignFault> {
        let state = self.find(tenant, id).await?.state;
        // The launch has listed it among those under way, where it may not belong.
        self.0.books.look_soon(tenant, id);
        Ok(match state {
            CampaignState::Draft
            | CampaignState::InReview
            | CampaignState::Scheduled
            | CampaignState::Blocked
            | CampaignState::Canceled => CampaignFault::WrongState(state),
            CampaignState::Resolving
            | CampaignState::Launching
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
    pub(crate) async fn resume_all(&self) -> Result<(), StoreError> {
        for (tenant, id) in self.store().active().await? {
            self.0.books.look_soon(tenant, id);
            let Some(campaign) = self.store().campaign(tenant, id).await? else {
                continue;
            };
            if campaign.state == CampaignState::Resolving {
                self.resolve_unless_listed(&campaign).await?;
            }
            self.halt_again(&campaign);
            if campaign.kind == CampaignKind::Audience && is_launched(campaign.state) {
                self.queue_later(tenant, id);
            }
        }
        Ok(())
    }

    /// Queues the campaign in a task, unless one is already doing so.
    fn queue_later(&self, tenant: TenantId, id: CampaignId) {
        let mut launching = self.0.launching.lock().unwrap_or_else(PoisonError::into_inner);
        if !launching.insert(id) {
            return;
        }
        drop(launching);
        let campaigns = self.clone();
        self.spawn(async move {
            let work = campaigns.insist("launch", || campaigns.queue_in_turn(tenant, id));
            let done = campaigns.0.deps.stop.run_until_cancelled(work).await.flatten();
            if done.is_none() {
                tracing::info!(campaign = %id, "not wholly queued; the next start goes on with it");
            }
            let mut launching = campaigns.0.launching.lock().unwrap_or_else(PoisonError::into_inner);
            launching.remove(&id);
        });
    }

    async fn queue_in_turn(&self, tenant: TenantId, id: CampaignId) -> Result<(), StoreError> {
        // The semaphore is never closed.
        let _turn = self.0.launches.acquire().await;
        let Some(campaign) = self.store().campaign(tenant, id).await? else {
            return Ok(());
        };
        if is_launched(campaign.state) {
            self.queue(&campaign).await?;
        }
        Ok(())
    }

    /// Queues the spans of a launched campaign in every partition where they are not. A repetition goes on where the last
    /// one came to.
    pub(super) async fn queue(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let owner = owner(campaign);
        let order = self.0.orders.keep(campaign)?;
        // From its launch on, and again at each start: a crash in between leaves none out.
        self.list_expiring(campaign).await?;
        if campaign.rate.is_some() {
            self.keep_pace(campaign).await?;
        }
        if !self.store().is_launched(owner.campaign).await? {
            let queueing = tracing::info_span!("recipients.enqueue", campaign = %owner.campaign, recipients = recipients(campaign));
            if let Some(launch) = order.launch {
                launch.is_parent_of(&queueing);
            }
            self.queue_spans(campaign, owner).instrument(queueing).await?;
        }
        self.ring_everywhere();
        let key = (owner.tenant, owner.campaign);
        if self
            .store()
            .move_campaign(key, &[CampaignState::Launching], CampaignState::Running)
            .await?
        {
            let since = self.now().since(order.launched_at).as_secs_f64();
            self.0.deps.metrics.campaign_fanout_duration_seconds.observe(since);
        }
        self.list_joining(campaign).await?;
        self.0.books.look_soon(owner.tenant, owner.campaign);
        Ok(())
    }

    async fn queue_spans(&self, campaign: &Campaign, owner: Owner) -> Result<(), StoreError> {
        let before = self.0.deps.clock.now();
        if owner.purpose == Purpose::Marketing {
            self.set_gates(owner, 0).await?;
        }
        loop {
            let stale = self.store().launch_spans(owner, self.routes().version()).await?;
            if stale.is_empty() {
                break;
            }
            for partition in stale {
                self.recut_draft(campaign, partition).await?;
            }
        }
        let metrics = &self.0.deps.metrics;
        metrics.redis_op(
            "launch",
            self.0.deps.clock.now() - before,
            usize::from(self.store().partitions()),
        );
        metrics.campaign_fanout_recipients_total.inc_by(campaign.total);
        Ok(())
    }

    /// Tells every dispatcher to look everywhere: a campaign has messages in all partitions.
    pub(crate) fn ring_everywhere(&self) {
        for partition in self.store().all_partitions() {
            self.ring_in(partition);
        }
    }

    /// Tells every dispatcher to look into a partition.
    pub(super) fn ring_in(&self, partition: Partition) {
        let routes = self.routes();
        let routes = routes.served().iter();
        routes.for_each(|served| self.ring(served.route, partition, false));
    }

    pub(super) fn ring(&self, route: RouteId, partition: Partition, urgent: bool) {
        (self.0.deps.ring)(Way::Route(route), partition, urgent);
    }
}

/// How many a span tells of: an unsigned number would be a text there.
fn recipients(campaign: &Campaign) -> i64 {
    i64::try_from(campaign.total).unwrap_or(i64::MAX)
}

/// Whose a campaign is.
pub(super) const fn owner(campaign: &Campaign) -> Owner {
    Owner {
        tenant: campaign.tenant,
        campaign: campaign.id,
        purpose: campaign.purpose,
    }
}

/// Whether the campaign's whole audience is to be in the queues, or canceled, in the end.
pub(super) fn is_launched(state: CampaignState) -> bool {
    match state {
        CampaignState::Launching | CampaignState::Running | CampaignState::Paused | CampaignState::Stopped => true,
        CampaignState::Draft
        | CampaignState::Scheduled
        | CampaignState::Resolving
        | CampaignState::InReview
        | CampaignState::Blocked
        | CampaignState::Completed
        | CampaignState::Canceled => false,
    }
}
