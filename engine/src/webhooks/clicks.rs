//! First clicks, which wait in SQL: each leaves in the change in which it is told.

use rustc_hash::FxHashMap;

use super::backlog::{DeliveryKind, News};
use super::event::{CLICKED, Clicked};
use super::marks::Marks;
use super::other::wanting;
use super::{Shared, WebhookFault};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{EndpointId, MessageId, TenantId, UnixMicros};

/// Clicks that are read at once.
const READ_MAX: usize = 1_000;

/// Clicks in one delivery: less than 20,000 octets.
const BATCH_MAX: usize = 100;

impl Shared {
    /// Has endpoints be told of first clicks.
    pub(super) async fn look_clicks(&self) -> Result<(), WebhookFault> {
        loop {
            let found = self.first_clicks().await?;
            let mut batches: FxHashMap<EndpointId, Vec<Clicked>> = FxHashMap::default();
            let active = self.active.load_full();
            for (message, tenant, at) in &found {
                let clicked = Clicked::new(*message, *at);
                let endpoints = wanting(active.get(tenant), &[CLICKED]);
                let wanting = endpoints.iter().filter(|endpoint| *at >= endpoint.told_from);
                wanting.for_each(|endpoint| batches.entry(endpoint.id).or_default().push(clicked));
            }
            let clicks: Vec<MessageId> = found.iter().map(|(message, ..)| *message).collect();
            let marks = Marks {
                clicks: &clicks,
                ..Marks::default()
            };
            self.keep(in_deliveries(batches), marks).await?;
            if found.len() < READ_MAX {
                return Ok(());
            }
        }
    }

    async fn first_clicks(&self) -> Result<Vec<(MessageId, TenantId, UnixMicros)>, DatabaseError> {
        let mut query = Sql::new("SELECT message, tenant, at FROM click_news ORDER BY message LIMIT ");
        query.value(READ_MAX as i64);
        let read = |row: &Found<'_>| {
            let at = UnixMicros(row.number(2)?.cast_unsigned());
            Ok((MessageId(row.number(0)? as u64), TenantId(row.number(1)? as u32), at))
        };
        self.database.rows(query, read).await
    }
}

fn in_deliveries(batches: FxHashMap<EndpointId, Vec<Clicked>>) -> Vec<News> {
    let mut all = Vec::new();
    for (endpoint, clicks) in batches {
        all.extend(clicks.chunks(BATCH_MAX).map(|some| News {
            endpoint,
            kind: DeliveryKind::Clicks,
            // Numbers always can be written.
            news: serde_json::to_string(some).unwrap_or_default(),
            events: some.len() as u32,
        }));
    }
    all
}

/// These were told; `false`: another process has told some of them meanwhile.
pub(super) async fn leave(change: &mut Change, clicks: &[MessageId]) -> Result<bool, DatabaseError> {
    if clicks.is_empty() {
        return Ok(true);
    }
    let mut leave = Sql::new("DELETE FROM click_news WHERE message IN (");
    leave.list(clicks.iter().map(|message| message.0 as i64)).push(")");
    Ok(change.run(leave).await? == clicks.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Recipient;
    use crate::webhooks::event::batch;

    #[test]
    fn a_delivery_of_clicks_is_short_enough() {
        let longest = Clicked::new(MessageId(u64::MAX >> 1), UnixMicros(1_800_000_000_123_000));
        let told = vec![longest.told(Some(Recipient(999_999_999_999_999))); BATCH_MAX];
        assert!(batch(told, 1).to_string().len() < 20_000);
        let clicks = [(EndpointId(1), vec![longest; BATCH_MAX + 1])].into_iter().collect();
        let sizes: Vec<u32> = in_deliveries(clicks).iter().map(|news| news.events).collect();
        assert_eq!(sizes, [100, 1]);
    }
}
