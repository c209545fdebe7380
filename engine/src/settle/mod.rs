//! The group commit: answers and receipts of all sessions, into the store in batches, and only then acknowledged.
//!
//! One task, so that a receipt never overtakes the answer to its own message on the way to the store.

mod group;
mod rounds;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::bind::Events;
use crate::campaign::Books;
use crate::clock::Clock;
use crate::config::InDoubt;
use crate::dispatch::{Doorbell, Redo};
use crate::domain::{Recipient, SmscId};
use crate::metrics::{Metrics, SmscMetrics};
use crate::outcome::{Brake, Collector, Meanings};
use crate::receipt::Recent;
use crate::store::Store;

use group::Group;

/// How long a group is gathered. A script call for one message costs Redis ten times what one of fifty costs each; nobody
/// waits for an answer to be stored, and an SMSC waits longer than this for its acknowledgement without noticing.
const LINGER: Duration = Duration::from_millis(8);

/// Answers and deliveries in one group: Redis is busy with it for some 20 ms.
const GROUP_MAX: usize = 6_000;

/// Parked receipts by recipient, packed, of messages that were moved elsewhere: by the look for leases of the dead.
pub type Unparked = Vec<(Recipient, Vec<u8>)>;

/// Lists of them that may wait: one a step of that look, which waits in turn.
pub const UNPARKED_MAX: usize = 16;

/// What is needed of one SMSC.
pub struct SmscSide {
    /// What its codes mean.
    pub meanings: Meanings,
    /// Slowed down when it says so.
    pub brake: Arc<Mutex<Brake>>,
    /// Rung when a message is due again.
    pub doorbell: Doorbell,
    /// Its metrics.
    pub metrics: SmscMetrics,
    /// Segments to be submitted again by themselves.
    pub redo: mpsc::Sender<Redo>,
}

/// The group commit.
pub struct Settler {
    /// Where to.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Metrics.
    pub metrics: Metrics,
    /// The SMSCs.
    pub smscs: HashMap<SmscId, SmscSide>,
    /// What becomes of messages that may have been sent.
    pub in_doubt: InDoubt,
    /// Credits follow messages.
    pub books: Books,
    /// Give up: the engine is told to end at once.
    pub abandon: CancellationToken,
    /// Messages of several segments that wait for some of their answers.
    pub collector: Collector,
    /// Receipts that were settled lately.
    pub recent: Recent,
}

impl Settler {
    /// Settles until every session and dispatcher is gone and nothing is left.
    pub async fn run(mut self, mut events: mpsc::Receiver<Events>, mut unparked: mpsc::Receiver<Unparked>) {
        let abandon = self.abandon.clone();
        while let Some(group) = self.gather(&mut events, &mut unparked).await {
            if abandon.run_until_cancelled(self.settle(group)).await.is_none() {
                tracing::warn!(
                    "the store is away and time is up: what was not settled will be in doubt at the next start"
                );
                return;
            }
        }
        if self.collector.count() > 0 {
            tracing::warn!(
                messages = self.collector.count(),
                "messages were answered in part: they will be in doubt at the next start"
            );
        }
    }

    /// Takes what comes within [`LINGER`] of the first.
    async fn gather(
        &mut self,
        events: &mut mpsc::Receiver<Events>,
        unparked: &mut mpsc::Receiver<Unparked>,
    ) -> Option<Group> {
        let mut group = Group::default();
        tokio::select! {
            first = events.recv() => self.add(first?, &mut group),
            Some(receipts) = unparked.recv() => {
                group.receipts.extend(rounds::questions(&receipts));
                return Some(group);
            }
        }
        let deadline = Instant::from_std(self.clock.now()) + LINGER;
        while group.len() < GROUP_MAX {
            match timeout_at(deadline, events.recv()).await {
                Ok(Some(more)) => self.add(more, &mut group),
                Ok(None) | Err(_) => break,
            }
        }
        Some(group)
    }
}
