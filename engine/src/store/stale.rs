//! Spans that were cut under other routes or gates, and how they are cut anew.

use super::queues::{Owner, Stretch, number, read_cut};
use super::{Store, StoreError, array, bytes};
use crate::domain::{CampaignId, Line, Partition, TenantId, Way};

/// A campaign's queue in one partition whose spans were cut under older routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StaleQueue {
    /// Where.
    pub(crate) partition: Partition,
    /// The line.
    pub(crate) line: Line,
    /// Whose.
    pub(crate) tenant: TenantId,
    /// The campaign.
    pub(crate) campaign: CampaignId,
}

impl Store {
    /// The spans of a draft in one partition, and how many there are.
    pub(crate) async fn draft_spans(
        &self,
        campaign: CampaignId,
        partition: Partition,
    ) -> Result<Vec<Stretch>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range
            .arg(format!("{}cut:{}", self.base(partition), campaign.0))
            .arg(0)
            .arg(-1);
        let mut replies = self.run(&self.bulk, vec![range]).await?;
        let cuts = array(replies.pop().unwrap_or_default())?;
        cuts.into_iter().map(|cut| read_cut(&bytes(cut)?)).collect()
    }

    /// Cuts a draft's spans in a partition anew. `spans`: how many there were. `false`: they are others by now.
    pub(crate) async fn recut_draft(
        &self,
        owner: Owner,
        partition: Partition,
        spans: usize,
        cut: (&[Stretch], u32),
    ) -> Result<bool, StoreError> {
        self.recut(owner, partition, ("", spans.to_string().into_bytes()), cut)
            .await
    }

    /// Cuts what is queued in a line anew. `first`: the first span as it was read. `false`: it is another by now.
    pub(crate) async fn recut_queue(
        &self,
        owner: Owner,
        (partition, line, first): (Partition, Line, Vec<u8>),
        cut: (&[Stretch], u32),
    ) -> Result<bool, StoreError> {
        self.recut(owner, partition, (&line.to_string(), first), cut).await
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

    /// The spans of a campaign in a line, each as stretch, and the first of them as it is stored.
    pub(crate) async fn queued_spans(&self, queue: &StaleQueue) -> Result<Option<(Vec<u8>, Vec<Stretch>)>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range
            .arg(format!(
                "{}spans:{}:{}",
                self.base(queue.partition),
                queue.line,
                queue.campaign.0
            ))
            .arg(0)
            .arg(-1);
        let mut replies = self.run(&self.bulk, vec![range]).await?;
        let spans: Vec<Vec<u8>> = array(replies.pop().unwrap_or_default())?
            .into_iter()
            .map(bytes)
            .collect::<Result<_, _>>()?;
        let Way::Route(route) = queue.line.way else {
            return Err(StoreError::Corrupt("spans are queued for an SMSC"));
        };
        let stretch = |span: &Vec<u8>| {
            Ok(Stretch {
                route,
                gate: queue.line.gate,
                first: number(span, 0)?,
                count: number(span, 4)?,
            })
        };
        let stretches = spans.iter().map(stretch).collect::<Result<Vec<_>, StoreError>>()?;
        Ok(spans.into_iter().next().map(|first| (first, stretches)))
    }
}
