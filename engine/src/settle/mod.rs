//! The group commit: answers and receipts of all sessions, into the store in batches, and only then acknowledged.
//!
//! Two tasks, one behind the other: while the store carries a group out, the next one is gathered and decided. Groups reach
//! the store in their order, so that a receipt never overtakes the answer to its own message.

mod group;
mod rounds;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

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

/// Groups that may wait for the store: one is enough to keep it busy.
const GROUPS_MAX: usize = 1;

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

/// By SMSC, shared by both tasks.
pub type Sides = Arc<HashMap<SmscId, SmscSide>>;

/// The first task: gathers what comes, and decides what answers mean.
pub struct Gatherer {
    /// The time.
    pub clock: Clock,
    /// The SMSCs.
    pub smscs: Sides,
    /// What becomes of messages that may have been sent.
    pub in_doubt: InDoubt,
    /// Messages of several segments that wait for some of their answers.
    pub collector: Collector,
}

/// The second task: the group commit.
pub struct Settler {
    /// Where to.
    pub store: Store,
    /// The time.
    pub clock: Clock,
    /// Metrics.
    pub metrics: Metrics,
    /// The SMSCs.
    pub smscs: Sides,
    /// Credits follow messages.
    pub books: Books,
    /// Give up: the engine is told to end at once.
    pub abandon: CancellationToken,
    /// Receipts that were settled lately.
    pub recent: Recent,
}

/// Starts both. They settle until every session and dispatcher is gone and nothing is left.
pub fn start(
    (gatherer, settler): (Gatherer, Settler),
    events: mpsc::Receiver<Events>,
    unparked: mpsc::Receiver<Unparked>,
    tasks: &TaskTracker,
) {
    let (sender, groups) = mpsc::channel(GROUPS_MAX);
    tasks.spawn(gatherer.run((events, unparked), sender));
    tasks.spawn(settler.run(groups));
}

impl Settler {
    async fn run(mut self, mut groups: mpsc::Receiver<Group>) {
        let abandon = self.abandon.clone();
        while let Some(group) = groups.recv().await {
            if abandon.run_until_cancelled(self.settle(group)).await.is_none() {
                tracing::warn!(
                    "the store is away and time is up: what was not settled will be in doubt at the next start"
                );
                return;
            }
        }
    }
}

impl Gatherer {
    async fn run(
        mut self,
        (mut events, mut unparked): (mpsc::Receiver<Events>, mpsc::Receiver<Unparked>),
        groups: mpsc::Sender<Group>,
    ) {
        while let Some(group) = self.gather(&mut events, &mut unparked).await {
            if groups.send(group).await.is_err() {
                // The settler has given up, and has said so.
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
