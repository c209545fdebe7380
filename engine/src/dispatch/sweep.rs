//! Looks through the records for what nobody will move: leases of the dead, receipts that never came, trails that are old.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Bells;
use super::leases::{DEAD_AFTER, Leases};
use super::pending::Pending;
use crate::bind::Reply;
use crate::clock::Clock;
use crate::config::InDoubt;
use crate::domain::{Event, Mark, Message, Note, Partition, Recipient, Record, SmscId, State, Transition, UnixMicros};
use crate::guard::Verdict;
use crate::metrics::Metrics;
use crate::outcome::{Meanings, Policy, decide};
use crate::receipt::{Parked, Unmatched};
use crate::store::{ParkedOf, Store, StoreError, Swap};

/// Records in one step, and the pause between steps of the slow round: a million records take a quarter of an hour.
const STEP: usize = 500;
const PAUSE: Duration = Duration::from_millis(500);

/// How often the dead are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// What is swept, and how it is decided.
pub(crate) struct Sweeper {
    pub(crate) store: Store,
    /// Who is alive.
    pub(crate) leases: Arc<Leases>,
    pub(crate) clock: Clock,
    /// Whether the clock may be trusted to end something, and the database to be ours.
    pub(crate) verdict: Verdict,
    /// What becomes of messages that may have been sent.
    pub(crate) in_doubt: InDoubt,
    /// Any SMSC's: what answers mean is not asked here, only what their absence does.
    pub(crate) meanings: Meanings,
    /// How long receipts are waited for.
    pub(crate) receipt_timeout: Duration,
    /// After how long one that did not come counts as missing.
    pub(crate) receipt_overdue: Duration,
    /// What an SMSC is called.
    pub(crate) name: Arc<dyn Fn(SmscId) -> Option<String> + Send + Sync>,
    pub(crate) metrics: Metrics,
    /// How long trails are kept.
    pub(crate) trails_kept: Duration,
    /// Whether this process is the one that looks through everything.
    pub(crate) has_duty: Arc<dyn Fn() -> bool + Send + Sync>,
    /// No other process uses this database: whoever was there before is dead.
    pub(crate) alone: bool,
    /// Receipts that waited for messages that are moved here.
    pub(crate) unparked: mpsc::Sender<Vec<ParkedOf>>,
    /// Rung for what is due again.
    pub(crate) bells: Bells,
}

/// Why messages are looked for.
#[derive(Clone, Copy)]
enum Search {
    /// Leased by a process that is gone, or before the database came back older: may have been sent.
    Lost(u32),
    /// Older than receipts take.
    Expired,
}

impl Sweeper {
    /// Sweeps until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let slow = self.expire_for_ever();
        let quick = self.recover_for_ever();
        tokio::select! {
            () = stop.cancelled() => {}
            () = slow => {}
            () = quick => {}
        }
    }

    async fn recover_for_ever(&self) {
        let mut has_asked = false;
        loop {
            if self.verdict.may_write().is_err() {
                tracing::debug!("the database is not ours any more");
            } else if let Err(error) = self.recover().await {
                tracing::debug!(%error, "cannot look for leases of the dead; it is tried again");
            } else if !has_asked {
                has_asked = self.ask_early().await.is_ok();
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    /// Once, at the start: receipts that waited for messages that are in doubt by now. Whoever was to look at them again may have ended.
    async fn ask_early(&self) -> Result<(), StoreError> {
        for partition in self.store.all_partitions() {
            let mut cursor = 0;
            loop {
                let step = self.store.scan_parked(partition, cursor, STEP).await?;
                let mut early = Vec::new();
                for (key, packed) in &step.entries {
                    let waiting = Parked::split(packed).filter(|(parked, _)| parked.reason == Unmatched::Early);
                    early.extend(waiting.map(|(_, one)| (*key, one.to_vec())));
                }
                if !early.is_empty() && self.unparked.send(early).await.is_err() {
                    return Ok(());
                }
                cursor = step.cursor;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// One look at all epochs, by the server's clock.
    pub(super) async fn recover(&self) -> Result<(), StoreError> {
        let own = self.leases.epochs.own();
        let now = self.store.beat(&own).await?;
        let others = self.store.epochs().await?.into_iter();
        for epoch in others.filter(|epoch| !own.contains(&epoch.number)) {
            if self.alone || (self.leases.may_judge() && now.since(epoch.seen_at) > DEAD_AFTER) {
                let found = self.everywhere(Search::Lost(epoch.number)).await?;
                self.store.bury_epoch(epoch.number).await?;
                let epoch = epoch.number;
                match found {
                    // Also one of a process that lives, which never heard that this epoch had begun.
                    0 => tracing::info!(
                        epoch,
                        "nobody leases under this epoch any more, and nothing is leased under it"
                    ),
                    messages => tracing::warn!(epoch, messages, "an engine process died; its leases are resolved"),
                }
            }
        }
        let epochs = &self.leases.epochs;
        for epoch in epochs.unreachable() {
            self.leases.take_leave(epoch).await?;
            let found = self.everywhere(Search::Lost(epoch)).await?;
            epochs.forget(epoch);
            // The first is what this process is known by.
            if epoch == epochs.first() {
                self.store.forget_leases(epoch).await?;
            } else {
                self.store.forget_epoch(epoch).await?;
            }
            match found {
                0 => tracing::info!(epoch, "nothing is leased under the epoch that this engine had before"),
                messages => tracing::warn!(
                    epoch,
                    messages,
                    "what this engine had leased before it could not be reached, or of an older database, is resolved"
                ),
            }
        }
        Ok(())
    }

    async fn everywhere(&self, search: Search) -> Result<usize, StoreError> {
        let mut found = 0;
        for partition in self.store.all_partitions() {
            let mut cursor = 0;
            loop {
                let step = self.store.scan_records(partition, cursor, STEP).await?;
                found += self.move_on(&step.entries, search).await?;
                cursor = step.cursor;
                if cursor == 0 {
                    break;
                }
            }
        }
        Ok(found)
    }

    async fn expire_for_ever(&self) {
        loop {
            if (self.has_duty)() {
                self.walk().await;
            } else {
                tokio::time::sleep(ROUND).await;
            }
        }
    }

    /// One look at everything.
    async fn walk(&self) {
        let (mut pending, mut whole) = (Pending::default(), true);
        for partition in self.store.all_partitions() {
            let looked = if self.verdict.may_expire() {
                self.expire(partition, &mut pending).await
            } else {
                tracing::debug!("nothing expires while the clocks disagree");
                whole = false;
                Ok(())
            };
            if let Err(error) = looked {
                tracing::debug!(%error, "cannot look for old messages; it is tried again");
                whole = false;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if whole {
            self.show(&pending);
        }
    }

    pub(super) fn show(&self, pending: &Pending) {
        pending.show(&self.metrics, &*self.name, self.clock.unix());
    }

    pub(super) async fn expire(&self, partition: Partition, pending: &mut Pending) -> Result<(), StoreError> {
        let mut cursor = 0;
        loop {
            let step = self.store.scan_records(partition, cursor, STEP).await?;
            self.count(&step.entries, pending);
            self.move_on(&step.entries, Search::Expired).await?;
            self.forget_trails(&step.entries).await?;
            cursor = step.cursor;
            if cursor == 0 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        self.forget_parked(partition).await
    }

    /// One that is unreadable is said by who moves on.
    fn count(&self, records: &[(Recipient, Vec<u8>)], pending: &mut Pending) {
        let overdue = self.clock.unix().minus(self.receipt_overdue);
        for (recipient, bytes) in records {
            if let Ok(record) = Record::unpack(*recipient, bytes) {
                pending.add(&record, overdue);
            }
        }
    }

    async fn forget_trails(&self, records: &[(Recipient, Vec<u8>)]) -> Result<(), StoreError> {
        let oldest = self.clock.unix().seconds().saturating_sub(self.trails_kept.as_secs());
        let is_old = |(recipient, bytes): &&(Recipient, Vec<u8>)| {
            let record = Record::unpack(*recipient, bytes).unwrap_or_default();
            record.trails.iter().any(|trail| u64::from(trail.at) < oldest)
        };
        let mut swaps = Vec::new();
        for (recipient, bytes) in records.iter().filter(is_old) {
            let mut swap = self.store.swap_of(*recipient, bytes.clone().into());
            let bad = |form| StoreError::bad_record(*recipient, form);
            swap.draft.forget_trails(oldest).map_err(bad)?;
            swaps.push(swap);
        }
        // One that has changed meanwhile is looked at in the next round.
        let swaps: Vec<&Swap> = swaps.iter().collect();
        self.store.swap(self.clock.unix(), &swaps).await.map(drop)
    }

    /// Receipts that found no message within the time for receipts never will.
    async fn forget_parked(&self, partition: Partition) -> Result<(), StoreError> {
        let oldest = self.clock.unix().minus(self.receipt_timeout);
        let step = self.store.scan_parked(partition, 0, STEP).await?;
        let mut old = Vec::new();
        for (key, packed) in &step.entries {
            let parked = Parked::split(packed).filter(|(parked, _)| parked.at < oldest);
            old.extend(parked.map(|(_, one)| (*key, one.to_vec())));
        }
        if old.is_empty() {
            return Ok(());
        }
        tracing::warn!(receipts = old.len(), "parked receipts are dropped: their time is over");
        self.store.unpark(&old).await.map(drop)
    }

    async fn move_on(&self, records: &[(Recipient, Vec<u8>)], search: Search) -> Result<usize, StoreError> {
        let now = self.clock.unix();
        let mut moves = Vec::new();
        for (recipient, bytes) in records {
            let bad = |form| StoreError::bad_record(*recipient, form);
            let record = Record::unpack(*recipient, bytes).map_err(bad)?;
            let decided = record.messages.iter();
            moves.extend(decided.filter_map(|message| self.decide(message, search, now)));
        }
        if moves.is_empty() {
            return Ok(0);
        }
        let made = self.store.make(now, &moves).await?;
        for (transition, _) in &moves {
            if let Some((line, _)) = transition.due {
                let partition = transition.recipient.partition(self.store.partitions());
                self.bells.ring(line.way, partition, false);
            }
        }
        if !made.parked.is_empty() && self.unparked.send(made.parked).await.is_err() {
            tracing::debug!("parked receipts stay parked: the engine ends");
        }
        Ok(made.done.iter().filter(|done| **done).count())
    }

    fn decide(&self, message: &Message<'_>, search: Search, now: UnixMicros) -> Option<(Transition, Note)> {
        let (event, note) = match search {
            Search::Lost(epoch) if message.state == State::Leased && message.epoch == epoch => self.lost(message, now),
            Search::Expired if self.is_expired(message, now) => (Event::Expired, Note::None),
            Search::Lost(_) | Search::Expired => return None,
        };
        let transition = message
            .apply(event, now)
            .inspect_err(|error| tracing::error!(%error, "the sweep moves nothing"))
            .ok()?;
        Some((transition, note))
    }

    /// Every segment that was to be submitted may have been.
    fn lost(&self, message: &Message<'_>, now: UnixMicros) -> (Event, Note) {
        let policy = Policy {
            meanings: &self.meanings,
            in_doubt: self.in_doubt,
            pause: Duration::ZERO,
            retry_for: Duration::MAX,
            next: None,
        };
        let segments = message.segments.max(1);
        let open = message.traces_or(Mark::Open, segments).segments.into_iter();
        let replies: Vec<(u8, Reply)> = (0u8..)
            .zip(open)
            .filter(|(_, trace)| trace.mark == Mark::Open)
            .map(|(part, _)| (part, Reply::Lost))
            .collect();
        let decision = decide(message, (segments, &replies), &policy, now);
        let note = if matches!(decision.event, Event::Accepted(_)) {
            Note::Taken(0)
        } else {
            Note::None
        };
        (decision.event, note)
    }

    fn is_expired(&self, message: &Message<'_>, now: UnixMicros) -> bool {
        let oldest = now.minus(self.receipt_timeout);
        let waits = matches!(message.state, State::Enroute | State::InDoubt);
        waits && message.traces().is_some_and(|traces| traces.at < oldest)
    }
}
