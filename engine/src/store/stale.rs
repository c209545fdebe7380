//! Spans that were cut under other routes or gates, and how they are cut anew.

use redis::Value;

use super::queues::{Owner, Span, number, read_cut};
use super::{Store, StoreError, array, bytes};
use crate::domain::{CampaignId, Line, Partition, TenantId, Way};

/// A campaign's queue in one partition whose spans were cut under older routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StaleQueue {
    pub(crate) partition: Partition,
    pub(crate) line: Line,
    pub(crate) tenant: TenantId,
    pub(crate) campaign: CampaignId,
}

/// Spans of one campaign in one partition: as they are stored, and what they say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spans {
    stored: Vec<u8>,
    pub(crate) all: Vec<Span>,
    /// The oldest version of the routes that one was cut under.
    pub(crate) version: u32,
}

impl Spans {
    fn read(reply: Value, unpack: impl Fn(&[u8]) -> Result<Span, StoreError>) -> Result<Self, StoreError> {
        let mut spans = Self {
            version: u32::MAX,
            ..Self::default()
        };
        for stored in array(reply)? {
            let stored = bytes(stored)?;
            spans.all.push(unpack(&stored)?);
            // The last four octets, of a draft's spans and of queued ones.
            spans.version = spans.version.min(number(&stored, stored.len().saturating_sub(4))?);
            spans.stored.extend(stored);
        }
        Ok(spans)
    }
}

impl Store {
    /// The spans of a draft in one partition.
    pub(crate) async fn draft_spans(&self, campaign: CampaignId, partition: Partition) -> Result<Spans, StoreError> {
        let key = format!("{}cut:{}", self.base(partition), campaign.0);
        Spans::read(self.whole_list(key).await?, read_cut)
    }

    /// The spans of a campaign in a line.
    pub(crate) async fn queued_spans(&self, queue: &StaleQueue) -> Result<Spans, StoreError> {
        let Way::Route(route) = queue.line.way else {
            return Err(StoreError::Corrupt("spans are queued for an SMSC"));
        };
        let span = |span: &[u8]| {
            Ok(Span {
                route,
                gate: queue.line.gate,
                first: number(span, 0)?,
                count: number(span, 4)?,
            })
        };
        let (base, line) = (self.base(queue.partition), queue.line);
        let key = format!("{base}spans:{line}:{}", queue.campaign.0);
        Spans::read(self.whole_list(key).await?, span)
    }

    async fn whole_list(&self, key: String) -> Result<Value, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range.arg(key).arg(0).arg(-1);
        let mut replies = self.run(&self.bulk, vec![range]).await?;
        Ok(replies.pop().unwrap_or_default())
    }

    /// Cuts a draft's spans in a partition anew, `version` being that of the routes. `false`: they are others by now.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] when they are of a finding, and another has begun since.
    pub(crate) async fn recut_draft(
        &self,
        (owner, finding): (Owner, u64),
        partition: Partition,
        spans: Spans,
        cut: (&[Span], u32),
    ) -> Result<bool, StoreError> {
        self.recut(owner, partition, ("", spans.stored, finding), cut).await
    }

    /// The same of what is queued in a line.
    pub(crate) async fn recut_queue(
        &self,
        owner: Owner,
        (partition, line): (Partition, Line),
        spans: Spans,
        cut: (&[Span], u32),
    ) -> Result<bool, StoreError> {
        self.recut(owner, partition, (&line.to_string(), spans.stored, 0), cut)
            .await
    }

    /// Takes the queues off that leases found cut under older routes.
    pub(crate) async fn stale_queues(&self, partition: Partition) -> Result<Vec<StaleQueue>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range.arg(format!("{}stale", self.base(partition))).arg(0).arg(-1);
        let texts: Vec<String> = self.ask(&range).await?;
        let queue = |text: String| {
            let mut parts = text.split(' ');
            Some(StaleQueue {
                partition,
                line: parts.next()?.parse().ok()?,
                tenant: TenantId(parts.next()?.parse().ok()?),
                campaign: CampaignId(parts.next()?.parse().ok()?),
            })
        };
        texts
            .into_iter()
            .map(|text| queue(text).ok_or(StoreError::Corrupt("a stale queue")))
            .collect()
    }

    /// A stale queue was cut anew.
    pub(crate) async fn forget_stale(&self, queue: &StaleQueue) -> Result<(), StoreError> {
        let mut remove = redis::cmd("LREM");
        remove
            .arg(format!("{}stale", self.base(queue.partition)))
            .arg(1)
            .arg(format!("{} {} {}", queue.line, queue.tenant.0, queue.campaign.0));
        self.ask::<i64>(&remove).await.map(drop)
    }
}
