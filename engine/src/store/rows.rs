//! The rows of audiences.

use super::{Store, StoreError, array, bytes};
use crate::domain::{CampaignId, Partition};

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

    /// Puts rows in the place of those at their positions.
    pub(crate) async fn set_rows(
        &self,
        campaign: CampaignId,
        rows: &[(Partition, u32, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let set = |(partition, position, row): &(Partition, u32, Vec<u8>)| {
            let mut set = redis::cmd("LSET");
            set.arg(format!("{}aud:{}", self.base(*partition), campaign.0))
                .arg(*position)
                .arg(&row[..]);
            set
        };
        self.run(&self.bulk, rows.iter().map(set).collect()).await.map(drop)
    }
}
