//! Before anything is leased from a server that an engine does not know, every engine that lives says there what it had leased: a
//! fail-over, or a kill, may have lost the last of it, and only who leased it knows.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::leases::{DEAD_AFTER, Leases, Turn};
use crate::domain::Partition;
use crate::guard::Verdict;
use crate::store::{CheckedIn, LastLease, StoreError};

/// How often an engine looks whether a partition is on another server, where it leases nothing by itself.
const ATTEND: Duration = Duration::from_millis(500);

impl Leases {
    /// Checks in wherever it has not, until `stop`: others wait for it.
    pub(crate) async fn attend(self: std::sync::Arc<Self>, verdict: Verdict, stop: CancellationToken) {
        if self.is_alone() {
            return;
        }
        while stop.run_until_cancelled(tokio::time::sleep(ATTEND)).await.is_some() {
            if verdict.may_write().is_err() {
                continue;
            }
            for (partition, turn) in self.turns() {
                // Whoever has it leases, and checks in by itself.
                let Ok(mut turn) = turn.try_lock() else { continue };
                if let Err(error) = self.check_in(&mut turn, partition).await {
                    tracing::debug!(%error, partition = partition.0, "this engine cannot check in; it is tried again");
                }
            }
        }
    }

    /// Checks in. Returns whether all have, so that something may be leased.
    pub(super) async fn check_in(&self, turn: &mut Turn, partition: Partition) -> Result<bool, StoreError> {
        let last = LastLease {
            first_epoch: self.epochs.first(),
            epoch: turn.epoch,
            number: turn.number,
        };
        let heard = self.store().check_in(partition, last).await?;
        match heard {
            CheckedIn::Older(known) => {
                self.resolve_older(turn, partition, known).await;
                return Ok(false);
            }
            CheckedIn::On { ref server, .. } if *server == turn.server => return Ok(true),
            CheckedIn::On { .. } => {}
        }
        let living = self.living().await?;
        let Some(server) = heard.when_all(&living) else {
            return Ok(false);
        };
        if !turn.server.is_empty() && turn.epoch != 0 {
            self.leave(turn).await;
        }
        turn.server = server;
        Ok(true)
    }

    /// The first epochs of all engines that may have leased something and live.
    async fn living(&self) -> Result<Vec<u32>, StoreError> {
        // After a time in which nobody could say so, an engine that has not said that it lives may live all the same.
        let may_judge = self.may_judge();
        let now = self.store().beat(&self.epochs.own()).await?;
        let introduced: Vec<u32> = self
            .store()
            .peers()
            .await?
            .into_iter()
            .map(|(epoch, _)| epoch)
            .collect();
        let epochs = self.store().epochs().await?.into_iter();
        let living = epochs.filter(|epoch| {
            introduced.contains(&epoch.number) && (!may_judge || now.since(epoch.seen_at) <= DEAD_AFTER)
        });
        Ok(living.map(|epoch| epoch.number).collect())
    }
}
