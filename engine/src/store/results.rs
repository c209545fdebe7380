//! How the messages of a campaign ended, as its books have it.

use super::counters::COUNTERS_LENGTH;
use super::{Store, StoreError, array, bytes, keys};
use crate::domain::{CampaignId, Partition, Recipient, ResultSlot, Row, TenantId};

/// Octets of results that are read at once: some 8,000 of them.
const PIECE: usize = 64 << 10;

/// A message that has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndedRow {
    pub(crate) recipient: Recipient,
    pub(crate) result: ResultSlot,
}

/// Some rows of a campaign in one partition.
#[derive(Debug, Default)]
pub(crate) struct Endings {
    pub(crate) rows: Vec<EndedRow>,
    /// How many rows were looked at, those whose messages have not ended among them.
    pub(crate) looked_at: u32,
}

impl Store {
    /// Those of some rows whose messages have ended, from a position on.
    pub(crate) async fn endings(
        &self,
        campaign: CampaignId,
        partition: Partition,
        (position, count): (u32, u32),
    ) -> Result<Endings, StoreError> {
        let (first, last) = (u64::from(position), u64::from(position) + u64::from(count) - 1);
        let mut rows = redis::cmd("LRANGE");
        rows.arg(format!("{}aud:{}", self.base(partition), campaign.0));
        rows.arg(first).arg(last);
        let octets = |place: u64| COUNTERS_LENGTH as u64 + place * ResultSlot::LENGTH as u64;
        let mut slots = redis::cmd("GETRANGE");
        slots.arg(self.results_key(partition, campaign));
        slots.arg(octets(first)).arg(octets(last + 1) - 1);
        let mut replies = self.run(&self.bulk, vec![rows, slots]).await?.into_iter();
        let rows = array(replies.next().unwrap_or_default())?;
        let slots = bytes(replies.next().unwrap_or_default())?;
        let mut found = Endings {
            looked_at: rows.len() as u32,
            ..Endings::default()
        };
        for (row, slot) in rows.into_iter().zip(slots.chunks(ResultSlot::LENGTH)) {
            let Some(result) = ResultSlot::unpack(slot) else {
                continue;
            };
            let row = bytes(row)?;
            let row = Row::unpack(&row).map_err(|_| StoreError::Corrupt("an audience row"))?;
            let recipient = row.recipient;
            found.rows.push(EndedRow { recipient, result });
        }
        Ok(found)
    }

    /// Tells of each message of a campaign how it ended, if it did; a piece at a time.
    pub(crate) async fn each_result(
        &self,
        campaign: CampaignId,
        mut tell: impl FnMut(&ResultSlot),
    ) -> Result<(), StoreError> {
        for partition in self.all_partitions() {
            let mut from = COUNTERS_LENGTH;
            loop {
                let mut slots = redis::cmd("GETRANGE");
                slots.arg(self.results_key(partition, campaign));
                slots.arg(from).arg(from + PIECE - 1);
                let mut replies = self.run(&self.bulk, vec![slots]).await?;
                let slots = bytes(replies.pop().unwrap_or_default())?;
                slots
                    .chunks(ResultSlot::LENGTH)
                    .filter_map(ResultSlot::unpack)
                    .for_each(|slot| tell(&slot));
                if slots.len() < PIECE {
                    break;
                }
                from += PIECE;
            }
        }
        Ok(())
    }

    /// The ids of a tenant's newest campaigns, the newest last.
    pub(crate) async fn newest_campaigns(&self, tenant: TenantId, count: u32) -> Result<Vec<CampaignId>, StoreError> {
        let mut range = redis::cmd("LRANGE");
        range.arg(keys::campaigns(tenant)).arg(-i64::from(count)).arg(-1);
        let ids: Vec<u64> = self.ask(&range).await?;
        Ok(ids.into_iter().map(CampaignId).collect())
    }
}
