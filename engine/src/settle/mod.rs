//! The group commit: answers and receipts of all sessions, into the store in batches, and only then acknowledged.
//!
//! Two tasks, one behind the other: while the store carries a group out, the next one is gathered and decided. Groups reach
//! the store in their order, so that a receipt never overtakes the answer to its own message.

mod case;
mod group;
mod insist;
mod matching;
mod rounds;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bind::Events;
use crate::campaign::Orders;
use crate::clock::Clock;
use crate::config::InDoubt;
use crate::dispatch::{Bells, Meter};
use crate::domain::SmscId;
use crate::guard::Verdict;
use crate::metrics::{Metrics, SmscMetrics};
use crate::outcome::{Collector, Meanings};
use crate::pressure::Pressure;
use crate::receipt::Whereabouts;
use crate::store::{ParkedOf, Store};

use group::Group;

/// How long a group is gathered: at full speed, some hundred messages for each partition. A script call for one message
/// costs Redis twenty times what one of a hundred costs each; nobody waits for an answer to be stored, and an SMSC waits
/// longer than this for its acknowledgement without noticing.
const LINGER: Duration = Duration::from_millis(25);

/// Answers and deliveries in one group: Redis is busy with it for some 20 ms.
const GROUP_MAX: usize = 6_000;

/// Groups that may wait for the store: one is enough to keep it busy.
const GROUPS_MAX: usize = 1;

/// Parked receipts of messages that were moved elsewhere, or that somebody wants to try again.
pub(crate) type Unparked = Vec<ParkedOf>;

/// Lists of them that may wait: one a step of the sweep, which waits in turn.
pub(crate) const UNPARKED_MAX: usize = 16;

/// What is needed of one SMSC.
pub(crate) struct SmscSide {
    /// What its codes mean.
    pub(crate) meanings: Meanings,
    /// Told what it says to our pace.
    pub(crate) meter: Meter,
    /// Its metrics.
    pub(crate) metrics: SmscMetrics,
    /// How long its ids are kept in the store, since its receipts do not say whom they are about; `None`: they are not.
    pub(crate) index_for: Option<Duration>,
}

/// By SMSC, shared by both tasks.
pub(crate) type Sides = Arc<HashMap<SmscId, SmscSide>>;

/// The first task: gathers what comes, and decides what answers mean.
pub(crate) struct Gatherer {
    /// The time.
    pub(crate) clock: Clock,
    /// The SMSCs.
    pub(crate) smscs: Sides,
    /// What becomes of messages that may have been sent.
    pub(crate) in_doubt: InDoubt,
    /// Messages of several segments that wait for some of their answers.
    pub(crate) collector: Collector,
}

/// The second task: the group commit.
pub(crate) struct Settler {
    /// Where to.
    pub(crate) store: Store,
    /// The time.
    pub(crate) clock: Clock,
    /// Metrics.
    pub(crate) metrics: Metrics,
    /// The SMSCs.
    pub(crate) smscs: Sides,
    /// What becomes of messages that may have been sent.
    pub(crate) in_doubt: InDoubt,
    /// What the messages say, for receipts that quote them.
    pub(crate) orders: Orders,
    /// Rung when a message is due again.
    pub(crate) bells: Bells,
    /// Told how far settling is behind.
    pub(crate) pressure: Pressure,
    /// Whether the database is still ours.
    pub(crate) verdict: Verdict,
    /// Give up: the engine is told to end at once.
    pub(crate) abandon: CancellationToken,
    /// Whose the ids of late are.
    pub(crate) whereabouts: Whereabouts,
}

/// Starts both. They settle until every session and dispatcher is gone and nothing is left.
pub(crate) fn start(
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
            self.pressure.set(group.oldest());
            if abandon
                .run_until_cancelled(self.verdict.writes_allowed())
                .await
                .is_none()
            {
                return;
            }
            if abandon.run_until_cancelled(self.settle(group)).await.is_none() {
                tracing::warn!(
                    "the store is away and time is up: what was not settled will be in doubt at the next start"
                );
                return;
            }
            self.pressure.set(None);
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
        let mut group = Group::new(self.clock.now());
        tokio::select! {
            first = events.recv() => self.add(first?, &mut group),
            Some(receipts) = unparked.recv() => {
                group.add_parked(&receipts);
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
