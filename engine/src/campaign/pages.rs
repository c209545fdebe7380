//! An audience, read in bounded steps from all partitions at once.

use crate::domain::{CampaignId, Partition};
use crate::store::{AudienceRow, Store, StoreError};

/// Rows of each partition in one step: 4,000 of the usual 16, some milliseconds of rendering and of Redis.
const STEP: u32 = 250;

/// How far each partition has been read.
pub(super) struct Pages {
    campaign: CampaignId,
    /// The partitions that are not at their end, and the position of the next row.
    next: Vec<(Partition, u32)>,
}

/// Some rows of one partition.
pub(super) struct Stretch {
    pub(super) partition: Partition,
    /// The position of the first row.
    pub(super) position: u32,
    pub(super) rows: Vec<AudienceRow>,
}

impl Pages {
    /// From that position in each partition.
    pub(super) fn from(campaign: CampaignId, positions: &[u32]) -> Self {
        let next = (0..).map(Partition).zip(positions.iter().copied()).collect();
        Self { campaign, next }
    }

    /// From the first row on.
    pub(super) fn all(campaign: CampaignId, partitions: u16) -> Self {
        Self::from(campaign, &vec![0; usize::from(partitions)])
    }

    /// The next rows of each partition; none when all are at their end.
    ///
    /// # Errors
    /// When the store does not answer; the same step may be asked for again.
    pub(super) async fn next(&mut self, store: &Store) -> Result<Vec<Stretch>, StoreError> {
        if self.next.is_empty() {
            return Ok(Vec::new());
        }
        let read = store.audience(self.campaign, &self.next, STEP).await?;
        let mut stretches = Vec::with_capacity(read.len());
        let mut next = Vec::with_capacity(read.len());
        for (&(partition, position), rows) in self.next.iter().zip(read) {
            if rows.len() == STEP as usize {
                next.push((partition, position + STEP));
            }
            if !rows.is_empty() {
                stretches.push(Stretch {
                    partition,
                    position,
                    rows,
                });
            }
        }
        self.next = next;
        Ok(stretches)
    }
}
