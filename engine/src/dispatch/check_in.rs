//! Before anything is leased from a server that an engine does not know, every engine that lives says there what it had leased: a
//! fail-over, or a kill, may have lost the last of it, and only who leased it knows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

use super::given_back;
use super::leases::{DEAD_AFTER, Leases, Turn};
use super::wanted::Wanted;
use crate::bind::Events;
use crate::domain::Partition;
use crate::guard::Verdict;
use crate::store::{CheckedIn, LastLease, StoreError};

/// How often an engine looks whether a partition is on another server, where it leases nothing by itself.
const ATTEND: Duration = Duration::from_millis(500);

impl Leases {
    /// Checks in wherever it has not, until `stop`: others wait for it. Asks for the reply of leases that nobody asks for any more, since
    /// their SMSC has no session: what they brought goes back.
    pub(crate) async fn attend(
        self: Arc<Self>,
        verdict: Verdict,
        feed: mpsc::WeakSender<Events>,
        stop: CancellationToken,
    ) {
        while stop.run_until_cancelled(tokio::time::sleep(ATTEND)).await.is_some() {
            if verdict.may_write().is_err() {
                continue;
            }
            for (partition, turn) in self.turns() {
                let Some(unsent) = self.attend_to(partition, turn, &stop).await else {
                    continue;
                };
                let Some(feed) = feed.upgrade() else { return };
                if feed.send(unsent).await.is_err() {
                    tracing::error!("what was leased cannot be given back: its messages will be in doubt");
                }
            }
        }
    }

    /// Returns what goes back.
    async fn attend_to(&self, partition: Partition, turn: &Mutex<Turn>, stop: &CancellationToken) -> Option<Events> {
        // Whoever has it leases, and checks in by itself.
        let mut turn = turn.try_lock().ok()?;
        if !self.is_alone() {
            self.attend_server(partition, &mut turn).await;
        }
        let smsc = turn.forsaken(self.now())?;
        let wanted = Wanted::nothing(smsc, partition);
        let got = self.lease_in(&mut turn, &wanted, stop).await.ok()?;
        Some(given_back(smsc, &got.messages, &got.lease))
    }

    async fn attend_server(&self, partition: Partition, turn: &mut Turn) {
        if let Err(error) = self.check_in(turn, partition).await {
            tracing::debug!(%error, partition = partition.0, "this engine cannot check in; it is tried again");
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
