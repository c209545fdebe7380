//! Routes and gates change; spans that were cut under others are cut anew, from their rows.

use super::Campaigns;
use super::pages::Pages;
use crate::domain::{Event, GateId, Line, Message, Partition, RouteId, Row, TenantId, Way};
use crate::store::{Owner, Span, StaleQueue, StoreError};

impl Campaigns {
    /// Gives a draft's spans the gate of their campaign's purpose: which that is, is known when the whole draft is.
    pub(super) async fn set_gates(&self, owner: Owner) -> Result<(), StoreError> {
        let gate = self.0.deps.gates.of(owner.purpose);
        if gate == GateId::OPEN {
            return Ok(());
        }
        for partition in self.store().all_partitions() {
            let spans = self.store().draft_spans(owner.campaign, partition).await?;
            if spans.all.iter().all(|span| span.gate == gate) {
                continue;
            }
            let cut: Vec<Span> = spans.all.iter().map(|span| Span { gate, ..*span }).collect();
            let version = self.0.deps.routes.version();
            self.store()
                .recut_draft(owner, partition, spans, (&cut, version))
                .await?;
        }
        Ok(())
    }

    /// A draft was cut under other routes.
    pub(super) async fn recut_draft(&self, owner: Owner, partition: Partition) -> Result<(), StoreError> {
        let spans = self.store().draft_spans(owner.campaign, partition).await?;
        let cut = self.cut(owner, partition, &spans.all).await?;
        let version = self.0.deps.routes.version();
        self.store()
            .recut_draft(owner, partition, spans, (&cut, version))
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
        let (place, version) = ((queue.partition, queue.line), self.0.deps.routes.version());
        loop {
            let spans = self.store().queued_spans(queue).await?;
            if spans.version >= version {
                return Ok(());
            }
            let cut = self.cut(owner, queue.partition, &spans.all).await?;
            if self.store().recut_queue(owner, place, spans, (&cut, version)).await? {
                for span in &cut {
                    self.ring(span.route, queue.partition, false);
                }
                tracing::debug!(campaign = %queue.campaign, line = %queue.line, "routes have changed: queued anew");
                return Ok(());
            }
        }
    }

    /// The spans of rows under the routes of now.
    async fn cut(&self, owner: Owner, partition: Partition, spans: &[Span]) -> Result<Vec<Span>, StoreError> {
        let (gate, routes) = (self.0.deps.gates.of(owner.purpose), &self.0.deps.routes);
        let mut cut: Vec<Span> = Vec::new();
        for span in spans {
            let end = span.first + span.count;
            let mut pages = Pages::of(owner.campaign, partition, span.first);
            while let Some(page) = pages.next(self.store()).await?.into_iter().next() {
                if page.position >= end {
                    break;
                }
                for (position, packed) in (page.position..end).zip(&page.rows) {
                    let row = Row::unpack(packed).map_err(|_| StoreError::Corrupt("an audience row"))?;
                    add(&mut cut, position, (routes.route(row.recipient), gate));
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
        for (partition, lines) in self.store().lines().await? {
            for line in lines {
                if matches!(line.way, Way::Route(route) if !self.0.deps.routes.is_served(route)) {
                    self.rescue(partition, line).await?;
                }
            }
        }
        Ok(())
    }

    /// Says which messages wait for an SMSC that is gone.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn warn_of_pinned(&self) -> Result<(), StoreError> {
        let is_gone = |smsc| !self.0.deps.routes.smscs().any(|(_, smscs)| smscs.contains(&smsc));
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
        let routes = self.0.deps.routes.clone();
        let reroute = |message: &Message<'_>| match routes.route(message.recipient) {
            RouteId::NONE => None,
            route => Some(Event::Rerouted(route)),
        };
        let moved = self.each_due(None, (partition, line), reroute).await?;
        self.ring_everywhere();
        tracing::info!(%line, partition = partition.0, messages = moved, "a route is gone: its messages are queued anew");
        Ok(())
    }
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
