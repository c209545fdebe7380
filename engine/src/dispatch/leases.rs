//! How this process leases, how a lost reply is asked for again, and its signs of life.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::epochs::Epochs;
use crate::bind::{Lease, Seats};
use crate::clock::Clock;
use crate::domain::{GateId, Partition, Recipient, RouteId, SmscId, UnixMicros};
use crate::guard::Verdict;
use crate::metrics::Metrics;
use crate::store::{
    CheckedIn, Kept, LastLease, LeaseAsk, Leased, LeasedMessage, ParkedOf, RestoreAsk, Store, StoreError,
};

/// How often a process shows that it lives.
const BEAT: Duration = Duration::from_secs(1);

/// Silent for longer by the server's clock, a process is dead, and what it leased is in doubt.
pub(crate) const DEAD_AFTER: Duration = Duration::from_secs(5);

/// So much earlier this process holds itself for dead.
const MARGIN: Duration = Duration::from_millis(250);

/// How long leases are remembered at least: `appendfsync everysec` loses the last two seconds at most.
const REMEMBERED_FOR: Duration = Duration::from_secs(4);

/// How long they are, as far as there is room: a replica may be ten seconds behind (`min-replicas-max-lag`).
const REMEMBERED_WITH_ROOM: Duration = Duration::from_secs(15);

/// Messages of a partition for which there is.
const ROOM: usize = 10_000;

/// How long a lease is waited for before another epoch begins.
const FREE_WITHIN: Duration = Duration::from_secs(1);

/// The pause before a lease is asked for again, doubled up to a second.
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// How long it is waited for somebody else's lease in a partition: one that has no answer keeps one worker, and not all of them.
const TURN_WITHIN: Duration = Duration::from_millis(100);

/// How soon it is looked again whether other engines have checked in.
const OTHERS_WITHIN: Duration = Duration::from_millis(50);

/// Messages in one call that puts them in doubt.
const RESTORE_MAX: usize = 1_000;

/// What a dispatcher wants.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    pub(super) smsc: SmscId,
    pub(super) partition: Partition,
    pub(super) segments: usize,
    pub(super) routes: &'a [RouteId],
    pub(super) gates: &'a [GateId],
    pub(super) version: u32,
}

/// What it got.
#[derive(Debug)]
pub(super) struct Got {
    pub(super) lease: Arc<Lease>,
    /// When it was asked for first: opt-outs and hours were looked at then, at the earliest.
    pub(super) since: Instant,
    /// As many replicas have it as have to. What they do not have goes back.
    pub(super) is_kept: bool,
    pub(super) messages: Vec<LeasedMessage>,
    pub(super) more: bool,
    pub(super) next_due: Option<UnixMicros>,
    pub(super) stale: bool,
}

/// The leases of this process.
pub(crate) struct Leases {
    store: Store,
    clock: Clock,
    metrics: Metrics,
    /// Where it stands until when others hold this process for alive.
    seats: Seats,
    pub(super) epochs: Epochs,
    /// The rules of sending that this process has obeyed so far, by their numbers.
    obeyed: tokio::sync::Mutex<Vec<u32>>,
    /// One lease at a time in a partition, so that each can say which was the one before.
    turns: Vec<tokio::sync::Mutex<Turn>>,
    /// A lease was asked for, and nobody knows what it brought.
    unanswered: AtomicBool,
    /// Receipts that waited for messages that are in doubt by now.
    unparked: mpsc::Sender<Vec<ParkedOf>>,
}

/// What is known of a partition's leases.
#[derive(Debug, Default)]
pub(super) struct Turn {
    pub(super) epoch: u32,
    /// The number of the last lease.
    pub(super) number: u64,
    /// The server with which all engines have checked in.
    pub(super) server: String,
    /// What no reply has come for yet.
    pending: Option<Unheard>,
    /// The server is another one than when its epoch began.
    is_elsewhere: bool,
    /// The last leases, oldest first.
    recent: VecDeque<Recent>,
    /// Messages of these.
    remembered: usize,
}

/// A lease that was asked for, by when and under what.
#[derive(Clone, Debug)]
struct Unheard {
    since: Instant,
    lease: Arc<Lease>,
}

#[derive(Debug)]
struct Recent {
    at: Instant,
    number: u64,
    messages: Vec<(Recipient, Bytes)>,
}

impl Leases {
    /// A first epoch, under rules of that number.
    pub(crate) async fn new(
        store: &Store,
        (clock, metrics, seats): (Clock, Metrics, Seats),
        (unparked, rules): (mpsc::Sender<Vec<ParkedOf>>, u32),
    ) -> Result<Self, StoreError> {
        let begun = clock.now();
        let epoch = store.new_epoch(&[rules]).await?;
        seats.alive_until(begun + DEAD_AFTER - MARGIN);
        Ok(Self {
            store: store.clone(),
            clock,
            metrics,
            seats,
            epochs: Epochs::new(epoch),
            obeyed: tokio::sync::Mutex::new(vec![rules]),
            turns: store.all_partitions().map(|_| tokio::sync::Mutex::default()).collect(),
            unanswered: AtomicBool::new(false),
            unparked,
        })
    }

    /// What this process is known by: the epoch that it began with.
    pub(crate) fn number(&self) -> u32 {
        self.epochs.first()
    }

    /// The epoch to lease under now.
    pub(crate) fn epoch(&self) -> u32 {
        self.epochs.current().epoch
    }

    /// Notes that rules of that number are about to be obeyed. Returns which of this process's they are, for [`Leases::obey`].
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn prepare_rules(&self, rules: u32) -> Result<u16, StoreError> {
        let mut obeyed = self.obeyed.lock().await;
        let mut all = obeyed.clone();
        all.push(rules);
        for epoch in self.epochs.own() {
            self.store.note_obeyed(epoch, &all).await?;
        }
        *obeyed = all;
        Ok(u16::try_from(obeyed.len()).unwrap_or(u16::MAX))
    }

    /// What is leased from now on is leased under these rules; what is leased already was leased under those before.
    pub(crate) fn obey(&self, edition: u16) {
        self.epochs.obey(edition);
    }

    /// Leases. A reply that is lost is asked for again until it comes; `None` when `stop` comes first, or somebody else waits there.
    pub(super) async fn lease(&self, wanted: &Wanted<'_>, stop: &CancellationToken) -> Option<Got> {
        let turn = self.turns[usize::from(wanted.partition.0)].lock();
        let mut turn = tokio::time::timeout(TURN_WITHIN, turn).await.ok()?;
        let mut pause = PAUSE_MIN;
        loop {
            if turn.server.is_empty() && !self.is_alone() {
                stop.run_until_cancelled(self.wait_for_all(&mut turn, wanted)).await?;
                continue;
            }
            // What nobody knows the reply of is asked for under its own epoch, and held for in flight until it comes.
            let asked = turn.pending.clone().unwrap_or_else(|| Unheard {
                since: self.clock.now(),
                lease: self.epochs.current(),
            });
            // Before a new epoch begins, the old one's last lease is compared: an older database would be missed.
            let farewell = turn.epoch != asked.lease.epoch && turn.epoch != 0;
            if turn.epoch == 0 {
                turn.epoch = asked.lease.epoch;
            }
            let segments = if farewell { 0 } else { wanted.segments };
            match self.ask(&turn, wanted, segments, stop).await {
                Ok((Leased::Messages { .. }, _)) if farewell => turn.begin_anew(),
                Ok((
                    Leased::Messages {
                        messages,
                        more,
                        next_due,
                        stale,
                    },
                    is_kept,
                )) => {
                    turn.remember(&messages, self.clock.now());
                    turn.pending = None;
                    self.unanswered.store(false, Ordering::Relaxed);
                    if turn.is_elsewhere {
                        self.leave(&mut turn).await;
                    }
                    let Unheard { since, lease } = asked;
                    return Some(Got {
                        lease,
                        since,
                        is_kept,
                        messages,
                        more,
                        next_due,
                        stale,
                    });
                }
                Ok((Leased::Older(known), _)) => self.resolve_older(&mut turn, wanted.partition, known).await,
                Ok((Leased::Elsewhere, _)) => stop.run_until_cancelled(self.wait_for_all(&mut turn, wanted)).await?,
                Err(error) => {
                    self.metrics.redis_errors_total.with_label_values(&["lease"]).inc();
                    tracing::warn!(%error, "a lease has no reply; it is asked for again");
                    self.unanswered.store(true, Ordering::Relaxed);
                    if !farewell {
                        turn.pending = Some(asked);
                    }
                    stop.run_until_cancelled(tokio::time::sleep(pause)).await?;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Asks for a lease, and waits for its replicas. Returns whether they have it: `stop` may come before.
    async fn ask(
        &self,
        turn: &Turn,
        wanted: &Wanted<'_>,
        segments: usize,
        stop: &CancellationToken,
    ) -> Result<(Leased, bool), StoreError> {
        let (since, now) = (self.clock.now(), self.clock.unix());
        let ask = LeaseAsk {
            smsc: wanted.smsc,
            partition: wanted.partition,
            epoch: turn.epoch,
            number: turn.number + 1,
            segments,
            now,
            routes: wanted.routes,
            gates: wanted.gates,
            version: wanted.version,
            server: &turn.server,
        };
        let leased = self.store.lease(&ask).await?;
        let mut is_kept = true;
        if let Leased::Messages { messages, .. } = &leased {
            self.metrics.redis_op("lease", self.clock.now() - since, messages.len());
            if !messages.is_empty() && self.store.wait_replicas() > 0 {
                let lease = (ask.epoch, ask.number);
                let waited = stop.run_until_cancelled(self.wait_for_replicas(wanted.partition, lease));
                is_kept = waited.await.transpose()?.is_some();
            }
        }
        Ok((leased, is_kept))
    }

    /// Until as many replicas have a lease as have to: nothing of it is handed over before.
    async fn wait_for_replicas(&self, partition: Partition, lease: (u32, u64)) -> Result<(), StoreError> {
        let since = self.clock.now();
        let mut is_said = false;
        loop {
            match self.store.wait_for_replicas(partition, lease).await? {
                Kept::Safe => break,
                Kept::Unknown => return Err(StoreError::Corrupt("a lease is gone: its server is another one")),
                Kept::By(have) if !is_said => {
                    is_said = true;
                    let wanted = self.store.wait_replicas();
                    tracing::warn!(
                        have,
                        wanted,
                        "too few replicas have a lease: nothing of it is sent until they do"
                    );
                }
                Kept::By(_) => {}
            }
        }
        self.metrics.redis_op("replicas", self.clock.now() - since, 1);
        Ok(())
    }

    /// Leases under another epoch, on another server: an answer may be lost where its lease is not, and what is leased and in nobody's
    /// hands is found so. A lease whose reply is out is waited for first.
    pub(super) async fn leave(&self, turn: &mut Turn) {
        turn.is_elsewhere = turn.pending.is_some();
        if !turn.is_elsewhere {
            self.renew(turn.epoch).await;
            turn.begin_anew();
        }
    }

    /// Until all engines have checked in with the server on which a partition is now.
    async fn wait_for_all(&self, turn: &mut Turn, wanted: &Wanted<'_>) {
        match self.check_in(turn, wanted.partition).await {
            Ok(true) => {}
            Ok(false) => tokio::time::sleep(OTHERS_WITHIN).await,
            Err(error) => {
                tracing::debug!(%error, "this engine cannot check in; it is tried again");
                tokio::time::sleep(OTHERS_WITHIN).await;
            }
        }
    }

    /// Compares the last lease of a retired epoch where nothing was leased since: what an older database has lost of it would be missed
    /// when the epoch is forgotten.
    pub(super) async fn take_leave(&self, epoch: u32) -> Result<(), StoreError> {
        for (partition, turn) in self.turns() {
            let mut turn = turn.lock().await;
            while turn.epoch == epoch {
                let last = LastLease {
                    first_epoch: self.epochs.first(),
                    epoch,
                    number: turn.number,
                };
                match self.store.check_in(partition, last).await? {
                    CheckedIn::Older(known) => self.resolve_older(&mut turn, partition, known).await,
                    CheckedIn::On { .. } => turn.begin_anew(),
                }
            }
        }
        Ok(())
    }

    /// Each partition with what is known of its leases.
    pub(super) fn turns(&self) -> impl Iterator<Item = (Partition, &tokio::sync::Mutex<Turn>)> {
        self.store.all_partitions().zip(&self.turns)
    }

    /// Whether no other engine can be there.
    pub(super) fn is_alone(&self) -> bool {
        self.seats.are_all_ours()
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The database is older than what this process has seen: what was leased since may have been sent. It is put in doubt,
    /// and another epoch begins, so that what is under way is told from what came back.
    pub(super) async fn resolve_older(&self, turn: &mut Turn, partition: Partition, known: u64) {
        match self.restore(turn, partition, known).await {
            Ok(()) => {
                self.renew(turn.epoch).await;
                turn.begin_anew();
            }
            Err(error) => {
                tracing::warn!(%error, "Redis came back older, and what was leased since cannot be put in doubt yet");
                tokio::time::sleep(PAUSE_MIN).await;
            }
        }
    }

    /// Unless others took this process for dead, and have resolved what it had leased: they have forgotten which lease was the last.
    async fn restore(&self, turn: &Turn, partition: Partition, known: u64) -> Result<(), StoreError> {
        if known == 0 && self.store.is_buried(turn.epoch).await? {
            tracing::debug!(
                partition = partition.0,
                epoch = turn.epoch,
                "others have resolved what was leased"
            );
            return Ok(());
        }
        let messages = self.put_in_doubt(turn, partition, known).await?;
        tracing::error!(
            partition = partition.0,
            messages,
            "Redis came back older than this engine had seen it: what was leased since is in doubt, and not sent again"
        );
        Ok(())
    }

    async fn put_in_doubt(&self, turn: &Turn, partition: Partition, known: u64) -> Result<usize, StoreError> {
        let since = turn.recent.iter().filter(|recent| recent.number > known);
        let messages: Vec<(Recipient, Bytes)> = since.flat_map(|recent| recent.messages.iter().cloned()).collect();
        if turn.recent.front().is_none_or(|oldest| oldest.number > known + 1) {
            tracing::error!(
                partition = partition.0,
                known,
                number = turn.number,
                remembered = turn.recent.len(),
                "more leases were lost than this engine remembers"
            );
        }
        let mut found = 0;
        let mut left = &messages[..];
        loop {
            let (some, rest) = left.split_at(left.len().min(RESTORE_MAX));
            let ask = RestoreAsk {
                partition,
                epoch: turn.epoch,
                known,
                number: if rest.is_empty() { turn.number } else { known },
                messages: some,
                now: self.clock.unix(),
            };
            // `None`: a former attempt had come through, and its reply was lost.
            let Some((some, parked)) = self.store.restore(&ask).await? else {
                return Ok(found);
            };
            found += some;
            if !parked.is_empty() && self.unparked.send(parked).await.is_err() {
                tracing::debug!("parked receipts stay parked: the engine ends");
            }
            if rest.is_empty() {
                return Ok(found);
            }
            left = rest;
        }
    }

    /// Leases under another epoch from now on, unless somebody saw to that already. Waits until the store is there.
    async fn renew(&self, lost: u32) {
        let mut pause = PAUSE_MIN;
        while self.epoch() == lost {
            let obeyed = self.obeyed.lock().await;
            if self.epoch() != lost {
                return;
            }
            let begun = self.store.new_epoch(&obeyed).await;
            match begun {
                Ok(epoch) => self.epochs.replace(lost, epoch),
                Err(_) => {
                    drop(obeyed);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(PAUSE_MAX);
                }
            }
        }
    }

    /// Shows that the process lives, until `stop`; not to a database that is not ours.
    pub(crate) async fn beat(self: Arc<Self>, verdict: Verdict, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(BEAT)).await.is_some() {
            if verdict.may_write().is_err() {
                continue;
            }
            let begun = self.clock.now();
            match self.sign().await {
                Ok(()) => self.seats.alive_until(begun + DEAD_AFTER - MARGIN),
                Err(error) => {
                    tracing::debug!(%error, "the heartbeat could not be written, or another epoch cannot begin yet")
                }
            }
        }
    }

    async fn sign(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let is_alive = self.seats.is_alive(now);
        self.store.beat(&self.epochs.own()).await?;
        self.seats.heard_at(now);
        if is_alive { Ok(()) } else { self.begin_anew().await }
    }

    /// Whether an engine that has not said that it lives may be taken for dead.
    pub(super) fn may_judge(&self) -> bool {
        self.seats.may_judge(self.clock.now())
    }

    /// Nothing was heard of this process for so long that others may have put in doubt what it had leased: it leases under another
    /// epoch. The database may have come back older meanwhile.
    pub(super) async fn begin_anew(&self) -> Result<(), StoreError> {
        let lost = self.epoch();
        let mut turns = Vec::with_capacity(self.turns.len());
        for (partition, turn) in self.turns() {
            let free = tokio::time::timeout(FREE_WITHIN, turn.lock()).await;
            turns.push((
                partition,
                free.map_err(|_| StoreError::Corrupt("a lease is waited for"))?,
            ));
        }
        for (partition, turn) in &turns {
            if turn.number == 0 {
                continue;
            }
            let last = LastLease {
                first_epoch: self.epochs.first(),
                epoch: turn.epoch,
                number: turn.number,
            };
            if let CheckedIn::Older(known) = self.store.check_in(*partition, last).await? {
                self.restore(turn, *partition, known).await?;
            }
        }
        self.renew(lost).await;
        // Another epoch may have begun while the turns were waited for: where it was leased under already, that lease was handed
        // over, and asked for by its number it would come a second time.
        let current = self.epoch();
        for (_, turn) in turns.iter_mut().filter(|(_, turn)| turn.epoch != current) {
            turn.begin_anew();
        }
        tracing::warn!("this process was silent for too long: what it had leased and not handed over is in doubt");
        Ok(())
    }

    /// At an orderly end: an epoch with nothing in flight and no lost reply needs no recovery. The others are left to whoever
    /// comes next, who puts what is leased under them in doubt.
    pub(crate) async fn close(&self) {
        if self.unanswered.load(Ordering::Relaxed) || !self.epochs.are_idle() {
            tracing::warn!("some leases were not answered: their messages will be in doubt at the next start");
            return;
        }
        for epoch in self.epochs.own() {
            if let Err(error) = self.store.forget_epoch(epoch).await {
                tracing::warn!(%error, "the epoch could not be closed; the next start looks through its leases");
            }
        }
    }
}

impl Turn {
    /// Under another epoch. What is known of the server stays.
    fn begin_anew(&mut self) {
        let server = std::mem::take(&mut self.server);
        *self = Self {
            server,
            ..Self::default()
        };
    }

    fn remember(&mut self, messages: &[LeasedMessage], now: Instant) {
        self.number += 1;
        while let Some(oldest) = self.recent.pop_front_if(|oldest| {
            let kept = if self.remembered > ROOM {
                REMEMBERED_FOR
            } else {
                REMEMBERED_WITH_ROOM
            };
            oldest.at + kept < now
        }) {
            self.remembered -= oldest.messages.len();
        }
        let messages = messages.iter().map(|leased| (leased.recipient, leased.message.clone()));
        self.remembered += messages.len();
        self.recent.push_back(Recent {
            at: now,
            number: self.number,
            messages: messages.collect(),
        });
    }
}
