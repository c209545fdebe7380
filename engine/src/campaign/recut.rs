//! Routes and gates change; spans that were cut under others are cut anew, from their rows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::pages::Pages;
use super::{Campaigns, Chooser, Order, Routes, Whose};
use crate::domain::{
    Event, GateId, Line, Message, MessageId, Partition, Purpose, Recipient, RouteId, Row, SmscId, TenantId, Way,
};
use crate::store::{Campaign, CampaignKind, Owner, Span, StaleQueue, StoreError};

/// A message that waits for a route that is gone.
type Stranded = (MessageId, TenantId, Recipient);

impl Campaigns {
    /// Gives a draft's spans the gates of their campaign's purpose, which is known when the whole draft is: advertising to the first
    /// zone goes by its hours, what is transactional to any other at any. `finding`: that it is of; 0, where it was not found out, or is
    /// launched.
    pub(super) async fn set_gates(&self, owner: Owner, finding: u64) -> Result<(), StoreError> {
        let territory = self.territory_of(owner.tenant).await?;
        let home = self.0.deps.gates.home_in(territory);
        if home == GateId::OPEN {
            return Ok(());
        }
        let gate_of = |span: &Span| match owner.purpose {
            Purpose::Transactional => GateId::OPEN,
            Purpose::Marketing if span.gate == GateId::OPEN => home,
            Purpose::Marketing => span.gate,
        };
        for partition in self.store().all_partitions() {
            let spans = self.store().draft_spans(owner.campaign, partition).await?;
            if spans.all.iter().all(|span| span.gate == gate_of(span)) {
                continue;
            }
            let cut = spans.all.iter().map(|span| Span {
                gate: gate_of(span),
                ..*span
            });
            let cut: Vec<Span> = cut.collect();
            let version = spans.version;
            self.store()
                .recut_draft((owner, finding), partition, spans, (&cut, version))
                .await?;
        }
        Ok(())
    }

    /// A draft was cut under other routes.
    pub(super) async fn recut_draft(&self, campaign: &Campaign, partition: Partition) -> Result<(), StoreError> {
        let owner = super::launch::owner(campaign);
        let spans = self.store().draft_spans(owner.campaign, partition).await?;
        let routes = self.routes();
        let cut = self
            .cut((campaign, &routes, campaign.purpose), partition, &spans.all)
            .await?;
        self.store()
            .recut_draft((owner, 0), partition, spans, (&cut, routes.version()))
            .await?;
        Ok(())
    }

    /// Cuts anew what leases found queued under older routes, in one partition. Returns how many queues.
    ///
    /// # Errors
    /// When the store does not answer: what is left is found again.
    pub(crate) async fn recut_stale(&self, partition: Partition) -> Result<usize, StoreError> {
        let queues = self.store().stale_queues(partition).await?;
        for queue in &queues {
            self.recut_queue(queue).await?;
            self.store().forget_stale(queue).await?;
        }
        Ok(queues.len())
    }

    async fn recut_queue(&self, queue: &StaleQueue) -> Result<(), StoreError> {
        let Some(campaign) = self.store().campaign(queue.tenant, queue.campaign).await? else {
            return Ok(());
        };
        let owner = super::launch::owner(&campaign);
        // Another task may cut it at the same time, or append to it what it cuts from another line: what is there then is
        // read again.
        let (place, routes) = ((queue.partition, queue.line), self.routes());
        let version = routes.version();
        // What waited in a gate keeps hours, whatever its purpose.
        let hours = if queue.line.gate == GateId::OPEN {
            campaign.purpose
        } else {
            Purpose::Marketing
        };
        loop {
            let spans = self.store().queued_spans(queue).await?;
            if spans.version >= version {
                return Ok(());
            }
            let cut = self
                .cut((&campaign, &routes, hours), queue.partition, &spans.all)
                .await?;
            if self.store().recut_queue(owner, place, spans, (&cut, version)).await? {
                for span in &cut {
                    self.ring(span.route, queue.partition, false);
                }
                tracing::debug!(campaign = %queue.campaign, line = %queue.line, "routes have changed: queued anew");
                return Ok(());
            }
        }
    }

    /// The spans of rows under the routes of now, in the hours of that purpose.
    async fn cut(
        &self,
        (campaign, table, hours): (&Campaign, &Arc<Routes>, Purpose),
        partition: Partition,
        spans: &[Span],
    ) -> Result<Vec<Span>, StoreError> {
        let (gates, order) = (&self.0.deps.gates, self.0.orders.of(campaign)?);
        let routes = routes_of(table, &order, &[]);
        let territory = self.territory_of(campaign.tenant).await?;
        let route_of = |row: &Row<'_>| match order.kind {
            CampaignKind::Audience => Ok::<_, StoreError>(routes.route(row.recipient)),
            CampaignKind::Direct => {
                let variables = order.open(row.variables)?;
                Ok(routes_of(table, &order, &variables).route(row.recipient))
            }
        };
        let mut cut: Vec<Span> = Vec::new();
        for span in spans {
            let end = span.first + span.count;
            let mut pages = Pages::of(campaign.id, partition, span.first);
            while let Some(page) = pages.next(self.store()).await?.into_iter().next() {
                if page.position >= end {
                    break;
                }
                for (position, packed) in (page.position..end).zip(&page.rows) {
                    let row = Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
                    let route = route_of(&row)?;
                    let gate = gates.of(hours, (row.recipient, territory));
                    add(&mut cut, position, (route, gate));
                }
            }
        }
        Ok(cut)
    }

    /// What is queued for routes that nobody serves any more would never be leased, and so never be found. A campaign that
    /// is paused is found when it is resumed.
    ///
    /// # Errors
    /// When the store does not answer: what is left is found again.
    pub(crate) async fn rescue_stranded(&self) -> Result<(), StoreError> {
        let routes = self.routes();
        for (partition, lines) in self.store().lines().await? {
            for line in lines {
                if matches!(line.way, Way::Route(route) if !routes.is_served(route)) {
                    self.rescue(partition, line).await?;
                }
            }
        }
        Ok(())
    }

    /// Passes on the messages that wait by name for SMSCs that are out, since others do not take them: to whom `next` says. Returns
    /// how many.
    ///
    /// # Errors
    /// When the store does not answer: what is left is found again.
    pub(crate) async fn pass_on(
        &self,
        is_out: impl Fn(SmscId) -> bool,
        next: impl Fn(&Message<'_>) -> Option<SmscId>,
    ) -> Result<usize, StoreError> {
        let mut passed = 0;
        let turned = |message: &Message<'_>| {
            // What an SMSC has a part of stays with it.
            let is_free = message.tries.is_turned_away() && message.traces().is_none();
            is_free.then(|| next(message)).flatten().map(Event::Turned)
        };
        for (partition, lines) in self.store().lines().await? {
            for line in lines {
                if matches!(line.way, Way::Pinned(smsc) if is_out(smsc)) {
                    passed += self.each_due(None, (partition, line), turned).await?;
                }
            }
        }
        if passed > 0 {
            self.ring_everywhere();
        }
        Ok(passed)
    }

    /// Says which messages wait for an SMSC that is gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn warn_of_pinned(&self) -> Result<(), StoreError> {
        let routes = self.routes();
        let is_gone = |smsc| !routes.knows(smsc);
        for (partition, lines) in self.store().lines().await? {
            for line in lines
                .iter()
                .filter(|line| matches!(line.way, Way::Pinned(smsc) if is_gone(smsc)))
            {
                tracing::warn!(%line, partition = partition.0, "messages of which an SMSC has some segments wait for it, and it is no longer configured");
            }
        }
        Ok(())
    }

    /// Says that there are sandboxes, and nothing that takes what they send.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn warn_of_sandboxes(&self) -> Result<(), StoreError> {
        if self.has_sandbox() {
            return Ok(());
        }
        let tenants = self.store().tenant_ids(0, None).await?;
        let sandboxes = tenants.iter().filter(|tenant| tenant.is_sandbox()).count();
        if sandboxes > 0 {
            tracing::warn!(
                sandboxes,
                "what sandboxes send has no route: no [[smsc]] has sandbox = true"
            );
        }
        Ok(())
    }

    async fn rescue(&self, partition: Partition, line: Line) -> Result<(), StoreError> {
        for (tenant, campaign) in self.store().queued_in(partition, line).await? {
            let queue = StaleQueue {
                partition,
                line,
                tenant: TenantId(tenant.0),
                campaign,
            };
            self.recut_queue(&queue).await?;
        }
        let routes = self.routes_of_stranded((partition, line)).await?;
        let reroute = |message: &Message<'_>| match routes.get(&message.id).copied().unwrap_or(RouteId::NONE) {
            RouteId::NONE => None,
            route => Some(Event::Rerouted(route)),
        };
        let moved = self.each_due(None, (partition, line), reroute).await?;
        self.ring_everywhere();
        tracing::info!(%line, partition = partition.0, messages = moved, "a route is gone: its messages are queued anew");
        Ok(())
    }

    /// Where the messages that are due in a line lead now.
    async fn routes_of_stranded(&self, place: (Partition, Line)) -> Result<HashMap<MessageId, RouteId>, StoreError> {
        let stranded: Mutex<Vec<Stranded>> = Mutex::default();
        let note = |message: &Message<'_>| {
            let mut list = stranded.lock().unwrap_or_else(PoisonError::into_inner);
            list.push((message.id, message.tenant, message.recipient));
            None
        };
        self.each_due(None, place, note).await?;
        let (table, mut routes) = (self.routes(), HashMap::new());
        for (id, tenant, recipient) in stranded.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let Some(order) = self.0.orders.get(tenant, id.campaign()).await? else {
                continue;
            };
            let partitions = self.store().partitions();
            let row = match order.kind {
                CampaignKind::Audience => None,
                CampaignKind::Direct => {
                    let at = id.place(partitions);
                    let rows = self.store().audience(id.campaign(), &[at], 1).await?;
                    rows.into_iter().flatten().next()
                }
            };
            let row = row.as_deref().and_then(|packed| Row::unpack(packed).ok());
            let variables = order.open(row.map_or(&[], |row| row.variables)).unwrap_or_default();
            let routes_of = routes_of(&table, &order, &variables);
            routes.insert(id, routes_of.route(recipient));
        }
        Ok(routes)
    }
}

/// The routes of an order's message with these packed variables.
fn routes_of(routes: &Arc<Routes>, order: &Order, variables: &[u8]) -> Chooser {
    let sender = order.sender(variables).map(|sender| sender.text());
    routes.chooser(&Whose {
        tenant: order.tenant,
        purpose: order.purpose,
        sender: sender.as_deref().unwrap_or_default(),
    })
}

fn add(cut: &mut Vec<Span>, position: u32, (route, gate): (RouteId, GateId)) {
    match cut.last_mut() {
        Some(last) if (last.route, last.gate) == (route, gate) && last.first + last.count == position => {
            last.count += 1;
        }
        _ => cut.push(Span {
            route,
            gate,
            first: position,
            count: 1,
        }),
    }
}
