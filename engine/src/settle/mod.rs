//! The group commit: answers and receipts of all sessions, into the store in batches, and only then acknowledged.
//!
//! One task gathers and decides, the settlers carry out, each for its share of the recipients: while the store is busy with the
//! group of one, that of the other is prepared. The groups of a settler reach the store in their order, so that a receipt
//! never overtakes the answer to its own message.

mod case;
mod group;
mod insist;
mod sheet;
mod tray;
mod matching;
mod places;
mod rounds;
mod traced;
mod unreached;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bind::Events;
use crate::campaign::Orders;
use crate::clock::Clock;
use crate::config::InDoubt;
use crate::dispatch::{Bells, Outlet};
use crate::domain::{PartitionSet, SmscId};
use crate::encryption::TextKey;
use crate::guard::Verdict;
use crate::inbound::Inbox;
use crate::metrics::Metrics;
use crate::outcome::Collector;
use crate::pressure::Pressure;
use crate::receipt::Whereabouts;
use crate::store::{ParkedOf, Store};

use group::{Gathered, Group};
pub(crate) use traced::Traced;
use unreached::Unreached;

/// How long answers and deliveries are gathered: an SMSC that sends one receipt at a time waits for it each time.
const LINGER: Duration = Duration::from_millis(10);

/// The same at full speed, for some hundred messages in each partition: a script call for one message costs Redis twenty
/// times what one of a hundred costs each, and windows are wide then.
const LINGER_BUSY: Duration = Duration::from_millis(40);

/// So many gathered at once are full speed.
const BUSY: usize = 500;

/// Answers and deliveries that are gathered at once: Redis is busy with them for some 20 ms.
const GATHERED_MAX: usize = 8_000;

/// Settlers, each for a share of the recipients.
pub(crate) const SETTLERS: usize = 2;

/// Groups that may wait for a settler: one is enough to keep it busy.
const GROUPS_MAX: usize = 1;

/// Parked receipts of messages that were moved elsewhere, or that somebody wants to try again.
pub(crate) type Unparked = Vec<ParkedOf>;

/// Lists of them that may wait: one a step of the sweep, which waits in turn.
pub(crate) const UNPARKED_MAX: usize = 16;

/// The SMSCs that answers and receipts come from, shared by all tasks: each knows what its codes mean, and its metrics are
/// told what it says. Those that are configured no longer stay for a while, since they may have answered before.
#[derive(Clone, Default)]
pub(crate) struct Sides(Arc<ArcSwap<HashMap<SmscId, Arc<Outlet>>>>);

impl Sides {
    pub(crate) fn replace(&self, outlets: impl IntoIterator<Item = Arc<Outlet>>) {
        let by_id = outlets.into_iter().map(|outlet| (outlet.id, outlet));
        self.0.store(Arc::new(by_id.collect()));
    }

    fn of(&self, smsc: SmscId) -> Option<Arc<Outlet>> {
        self.0.load().get(&smsc).cloned()
    }

    /// Those of now.
    pub(crate) fn all(&self) -> Arc<HashMap<SmscId, Arc<Outlet>>> {
        self.0.load_full()
    }
}

/// The first task: gathers what comes, and decides what answers mean.
pub(crate) struct Gatherer {
    pub(crate) clock: Clock,
    /// Partitions of the database.
    pub(crate) partitions: u16,
    pub(crate) smscs: Sides,
    /// What becomes of messages that may have been sent.
    pub(crate) in_doubt: InDoubt,
    /// Messages of several segments that wait for some of their answers.
    pub(crate) collector: Collector,
    /// Told of submissions of the messages that are traced.
    pub(crate) traced: Traced,
    /// What parked receipts quote is encrypted with.
    pub(crate) text_key: Arc<TextKey>,
    /// Whether much was gathered last.
    pub(crate) busy: bool,
}

/// The group commit, for a share of the recipients.
#[derive(Clone)]
pub(crate) struct Settler {
    pub(crate) store: Store,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) smscs: Sides,
    /// Those of them that there were when the group that is being settled came.
    pub(crate) present: Arc<HashMap<SmscId, Arc<Outlet>>>,
    /// What becomes of messages that may have been sent.
    pub(crate) in_doubt: InDoubt,
    /// How long ids are kept in the store, of SMSCs whose receipts do not say whom they are about.
    pub(crate) receipt_timeout: Duration,
    /// Where inbound messages go.
    pub(crate) inbox: Inbox,
    /// What the messages say, for receipts that quote them.
    pub(crate) orders: Orders,
    /// Told of receipts of the messages that are traced.
    pub(crate) traced: Traced,
    /// Rung when a message is due again.
    pub(crate) bells: Bells,
    /// Told how far settling is behind.
    pub(crate) pressure: Pressure,
    /// Whether the database is still ours.
    pub(crate) verdict: Verdict,
    /// Give up: the engine is told to end at once.
    pub(crate) abandon: CancellationToken,
    /// Whose the recent ids are.
    pub(crate) whereabouts: Whereabouts,
    /// What parked receipts quote is encrypted with.
    pub(crate) text_key: Arc<TextKey>,
    /// It asks a partition until that has done it. If not, what is left waits as unreached.
    pub(crate) is_patient: bool,
}

/// Starts them. They settle until every session and dispatcher is gone and nothing is left.
pub(crate) fn start(
    (gatherer, settler): (Gatherer, Settler),
    events: mpsc::Receiver<Events>,
    unparked: mpsc::Receiver<Unparked>,
    tasks: &TaskTracker,
) {
    let mut settlers = Vec::with_capacity(SETTLERS);
    for which in 0..SETTLERS {
        let (sender, groups) = mpsc::channel(GROUPS_MAX);
        let unreached = Arc::new(Unreached::default());
        if !settler.is_patient {
            tasks.spawn(settler.clone().see_to(unreached.clone()));
        }
        tasks.spawn(settler.clone().run(which, groups, unreached));
        settlers.push(sender);
    }
    tasks.spawn(gatherer.run((events, unparked), settlers));
}

impl Settler {
    async fn run(mut self, which: usize, mut groups: mpsc::Receiver<Group>, unreached: Arc<Unreached>) {
        let partitions = self.store.partitions();
        while let Some(group) = groups.recv().await {
            self.pressure.set(which, group.oldest());
            let abandon = self.abandon.clone();
            if abandon.run_until_cancelled(unreached.has_room()).await.is_none() {
                break;
            }
            let Some(left) = self.settle(unreached.part(group, partitions)).await else {
                break;
            };
            if !left.is_empty() {
                unreached.put(left, partitions);
            }
            if groups.is_empty() {
                self.pressure.set(which, None);
            }
        }
        unreached.close();
    }

    /// Sees to what has not reached its partition: each partition that answers again goes on, whatever the others do.
    async fn see_to(mut self, unreached: Arc<Unreached>) {
        let partitions = self.store.partitions();
        let mut pauses = insist::pauses();
        while let Some(groups) = unreached.all().await {
            let Some(still) = self.settle_again(groups).await else {
                return;
            };
            let is_done = still.is_empty();
            unreached.put_back(still, partitions);
            if is_done {
                pauses = insist::pauses();
                continue;
            }
            let pause = tokio::time::sleep(pauses.next().unwrap_or_default());
            if self.abandon.clone().run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    /// Returns what is still to be done, in order. `None`: time is up.
    async fn settle_again(&mut self, groups: VecDeque<Group>) -> Option<Vec<Group>> {
        let partitions = self.store.partitions();
        let (mut failing, mut still) = (PartitionSet::default(), Vec::new());
        for mut group in groups {
            let behind = group.split_off(failing, partitions);
            if !group.is_empty() {
                let left = self.settle(group).await?;
                failing.extend(left.partitions(partitions));
                still.push(left);
            }
            still.push(behind);
        }
        still.retain(|group| !group.is_empty());
        Some(still)
    }

    /// Returns what is left over. `None`: time is up.
    async fn settle(&mut self, group: Group) -> Option<Group> {
        self.present = self.smscs.all();
        let abandon = self.abandon.clone();
        abandon.run_until_cancelled(self.verdict.writes_allowed()).await?;
        // Behind a pointer: the compiler gives up on what its type would say otherwise.
        let left = abandon.run_until_cancelled(self.carry_out(group).boxed()).await;
        if left.is_none() {
            tracing::warn!("the store is away and time is up: what was not settled will be in doubt at the next start");
        }
        left
    }
}

impl Gatherer {
    async fn run(
        mut self,
        (mut events, mut unparked): (mpsc::Receiver<Events>, mpsc::Receiver<Unparked>),
        settlers: Vec<mpsc::Sender<Group>>,
    ) {
        while let Some(gathered) = self.gather(&mut events, &mut unparked).await {
            for (settler, group) in settlers.iter().zip(gathered.groups) {
                if !group.is_empty() && settler.send(group).await.is_err() {
                    // The settler has given up, and has said so.
                    return;
                }
            }
        }
        if self.collector.count() > 0 {
            tracing::warn!(
                messages = self.collector.count(),
                "messages were answered in part: they will be in doubt at the next start"
            );
        }
    }

    /// Takes what comes within a moment of the first.
    async fn gather(
        &mut self,
        events: &mut mpsc::Receiver<Events>,
        unparked: &mut mpsc::Receiver<Unparked>,
    ) -> Option<Gathered> {
        let mut gathered = Gathered::new(self.clock.now(), self.partitions);
        tokio::select! {
            first = events.recv() => self.add(first?, &mut gathered),
            Some(receipts) = unparked.recv() => {
                gathered.add_parked(&receipts, &self.text_key);
                return Some(gathered);
            }
        }
        let linger = if self.busy { LINGER_BUSY } else { LINGER };
        let deadline = self.clock.deadline(linger);
        while gathered.count < GATHERED_MAX {
            match timeout_at(deadline, events.recv()).await {
                Ok(Some(more)) => self.add(more, &mut gathered),
                Ok(None) | Err(_) => break,
            }
        }
        self.busy = gathered.count >= BUSY;
        Some(gathered)
    }
}
