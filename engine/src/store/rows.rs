//! The rows of audiences.

use redis::Value;

use super::scripts::Name;
use super::{Store, StoreError, array, bytes};
use crate::domain::{CampaignId, Partition};

/// Rows that are put in place in one call.
const ROWS_SET: usize = 1_000;

/// Consecutive rows of an audience in one partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RowsAsked {
    pub(crate) campaign: CampaignId,
    pub(crate) first: u32,
    /// From 1.
    pub(crate) count: u32,
}

impl Store {
    /// Some rows of each of some partitions, packed, from a position each, in the order of the audience.
    pub(crate) async fn audience(
        &self,
        campaign: CampaignId,
        from: &[(Partition, u32)],
        count: u32,
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        let range = |(partition, position): &(Partition, u32)| {
            let mut range = redis::cmd("LRANGE");
            range.arg(format!("{}aud:{}", self.base(*partition), campaign.0));
            range.arg(*position).arg(u64::from(*position) + u64::from(count) - 1);
            range
        };
        let replies = self.run(&self.bulk, from.iter().map(range).collect()).await?;
        replies
            .into_iter()
            .map(|reply| array(reply)?.into_iter().map(bytes).collect())
            .collect()
    }

    /// Rows of audiences in a partition, packed, in the order asked for.
    pub(crate) async fn rows_of(
        &self,
        partition: Partition,
        asked: &[RowsAsked],
    ) -> Result<Vec<Vec<Vec<u8>>>, StoreError> {
        let range = |rows: &RowsAsked| {
            let mut range = redis::cmd("LRANGE");
            range.arg(format!("{}aud:{}", self.base(partition), rows.campaign.0));
            range
                .arg(rows.first)
                .arg(u64::from(rows.first) + u64::from(rows.count) - 1);
            range
        };
        let replies = self.run(&self.bulk, asked.iter().map(range).collect()).await?;
        replies
            .into_iter()
            .map(|reply| array(reply)?.into_iter().map(bytes).collect())
            .collect()
    }

    /// Puts rows in the place of those at their positions. `finding`: that they are of, or 0.
    ///
    /// # Errors
    /// [`StoreError::TakenOver`] when another finding has begun since.
    pub(crate) async fn set_rows(
        &self,
        (campaign, finding): (CampaignId, u64),
        rows: &[(Partition, u32, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let mut calls = Vec::new();
        for some in rows.chunk_by(|(one, ..), (other, ..)| one == other) {
            for some in some.chunks(ROWS_SET) {
                let mut call = self.partition_script(Name::SetRows, some[0].0);
                call.arg(campaign.0).arg(finding);
                for (_, position, row) in some {
                    call.arg(*position).arg(&row[..]);
                }
                calls.push(call);
            }
        }
        let replies = self.run(&self.bulk, calls).await?;
        match replies.iter().all(|reply| *reply == Value::Int(1)) {
            true => Ok(()),
            false => Err(StoreError::TakenOver),
        }
    }
}
