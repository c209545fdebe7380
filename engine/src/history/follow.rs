//! Following the journal: what it says becomes rows, in the change that keeps how far it was read.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustc_hash::FxHashSet;
use tokio_util::sync::CancellationToken;

use super::erase::NOBODY;
use super::gather::{Fate, Gathered};
use super::obeyed::Packs;
use super::{History, HistoryFault, Shared, campaigns};
use crate::clock::watched;
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{Country, MessageId, Partition, Recipient, Row, Status, UnixMicros};
use crate::engagement::{self, Engagement, Seen};
use crate::store::{JOURNAL_READ_MAX, RowsAsked, StoreError};

/// How often the journal is looked at when it was read to its end: what comes in between is written down together.
const ROUND: Duration = Duration::from_secs(1);

/// Messages that are written down in one step, about: a second's work on a slow disk.
const TOGETHER: usize = 10_000;

/// Rows of one statement: SQLite takes 32,766 values.
const ROWS: usize = 500;

/// Rows of an audience that are read although nobody asks for them: less than another call costs.
const GAP_MAX: u32 = 20;

/// While more comes than is written down, it rests after work for so many times as long: while little of the journal's room is used,
/// and while less than half is.
const LONG_REST: u32 = 9;
const REST: u32 = 3;

/// The longest rest.
const REST_MAX: Duration = Duration::from_secs(5);

/// Little of the journal's room is used: this part of it.
const LITTLE: u64 = 8;

/// It stops nothing any more when the journal is down to so many percent of its room.
const RELIEVED: u64 = 75;

/// What was read of the journal, and is not written down yet.
pub(super) struct Batch {
    read: Vec<(Partition, Gathered, String)>,
    /// How far each partition is read with it.
    places: Vec<String>,
    /// The partition whose turn it is then.
    next: u16,
    /// There is more to be read now.
    more: bool,
    /// When it was begun.
    at: UnixMicros,
}

/// What a step has come to.
pub(super) struct Step {
    /// There is more to be read now.
    pub(super) more: bool,
    /// How long it took.
    took: Duration,
}

impl History {
    pub(super) async fn follow(self, stop: CancellationToken) {
        let (mut failed, mut rest, mut ahead) = (false, ROUND, None);
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(rest)).await.is_none();
            if stopped {
                return;
            }
            let step = self.0.watched_step(&mut ahead).await;
            if let (Err(error), false) = (&step, failed) {
                tracing::warn!(%error, "history does not follow what happens; it is tried again");
            }
            failed = step.is_err();
            rest = match step {
                Err(_) | Ok(Step { more: false, .. }) => ROUND,
                Ok(step) => (step.took * self.0.rest.load(Ordering::Relaxed)).min(REST_MAX),
            };
        }
    }

    /// Looks how long the journal is: beside, since a database that hangs must not be waited for.
    pub(super) async fn watch_room(self, stop: CancellationToken) {
        let _watch = Watch::begin(&self.0);
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            if let Err(error) = self.0.look_at_room().await {
                tracing::debug!(%error, "nobody knows how long the journal is");
            }
        }
    }
}

/// As long as this engine says how long the journal is; another one does then.
struct Watch<'h>(&'h Shared);

impl<'h> Watch<'h> {
    fn begin(history: &'h Shared) -> Self {
        *history.told_full.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Self(history)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.0.deps.fullness.set(false);
    }
}

impl Shared {
    /// A step, while it is shown how far history is behind: most of all when the database is away or hangs.
    pub(super) async fn watched_step(&self, ahead: &mut Option<Batch>) -> Result<Step, HistoryFault> {
        let step = watched(self.step(ahead), ROUND, || self.show_lag()).await;
        self.show_lag();
        step
    }

    fn show_lag(&self) {
        let read_at = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        let lag = self.deps.clock.unix().since(read_at);
        self.deps.metrics.history_lag_seconds.set(lag.as_secs_f64());
    }

    /// Writes down some of what there is: what the step before has read ahead, if it has. When this is not to rest, it reads on meanwhile.
    pub(super) async fn step(&self, ahead: &mut Option<Batch>) -> Result<Step, HistoryFault> {
        let begun = self.deps.clock.now();
        let batch = match ahead.take() {
            Some(batch) => batch,
            None => self.gather(self.positions(), self.next.load(Ordering::Relaxed)).await?,
        };
        let (more, at, next) = (batch.more, batch.at, batch.next);
        let reads_on = more && self.rest.load(Ordering::Relaxed) == 0;
        let after = reads_on.then(|| batch.places.clone());
        let read_on = async {
            match after {
                // What cannot be read now is read by the next step.
                Some(after) => self.gather(after, next).await.ok(),
                None => None,
            }
        };
        let (kept, read) = tokio::join!(self.keep(batch.read), read_on);
        if kept? {
            self.next.store(next, Ordering::Relaxed);
            *ahead = read;
        }
        self.trim().await?;
        if !more {
            *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = at;
        }
        Ok(Step {
            more,
            took: self.deps.clock.now().duration_since(begun),
        })
    }

    /// Reads what comes behind these places, from the partition `first` on, each of which comes first in its turn.
    async fn gather(&self, mut places: Vec<String>, first: u16) -> Result<Batch, HistoryFault> {
        let (at, partitions) = (self.deps.clock.unix(), self.deps.store.partitions());
        let (mut more, mut read, mut count, mut next) = (false, Vec::new(), 0, first);
        for turn in 0..partitions {
            let partition = Partition((first + turn) % partitions);
            let place = &mut places[usize::from(partition.0)];
            let (gathered, end, full) = self.read(partition, place).await?;
            more |= full;
            count += gathered.fates.len();
            if let Some(end) = end {
                place.clone_from(&end);
                read.push((partition, gathered, end));
            }
            if count >= TOGETHER {
                more = true;
                next = (partition.0 + 1) % partitions;
                break;
            }
        }
        Ok(Batch {
            read,
            places,
            next,
            more,
            at,
        })
    }

    /// What the next entries of a partition say, and whom the messages are for, where they end, and whether there are more.
    async fn read(&self, partition: Partition, from: &str) -> Result<(Gathered, Option<String>, bool), HistoryFault> {
        let partitions = self.deps.store.partitions();
        let entries = self.deps.store.journal(partition, from).await?;
        let mut gathered = Gathered::default();
        for entry in &entries {
            let read = gathered.read(entry, (partition, partitions));
            read.map_err(|form| StoreError::BadForm {
                key: format!("journal entry {}", entry.id),
                form,
            })?;
        }
        self.look_up(partition, &mut gathered).await?;
        let place = entries.last().map(|last| last.id.clone());
        Ok((gathered, place, entries.len() == JOURNAL_READ_MAX))
    }

    /// Writes it down. Returns whether it did: another process may have had the duty meanwhile.
    async fn keep(&self, all: Vec<(Partition, Gathered, String)>) -> Result<bool, HistoryFault> {
        if all.is_empty() {
            return Ok(true);
        }
        let fresh = self
            .fresh_campaigns(all.iter().map(|(_, gathered, _)| gathered))
            .await?;
        let packs = self.packs(all.iter().map(|(_, gathered, _)| gathered)).await?;
        let (mut rows, mut delivered) = (0, Vec::new());
        let mut change = self.deps.database.change_of_history().await?;
        self.deps.erased.look_again(&mut change).await?;
        for some in fresh.chunks(ROWS) {
            change.run(campaigns::statement(some)).await?;
        }
        for (partition, gathered, place) in &all {
            rows += self.put(&mut change, (gathered, &packs), &mut delivered).await?;
            let before = self.position(*partition);
            if change.run(move_on(*partition, &before, place)).await? == 0 {
                drop(change);
                self.read_positions().await?;
                return Ok(false);
            }
        }
        engagement::add(&mut change, &delivered).await?;
        change.commit().await?;
        self.are_known(&fresh);
        self.deps.metrics.history_rows_total.inc_by(rows as u64);
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        for (partition, _, place) in all {
            positions[usize::from(partition.0)] = place;
        }
        Ok(true)
    }

    /// Whom the messages are for: in the rows of their audiences. A row that has left says nothing any more.
    async fn look_up(&self, partition: Partition, gathered: &mut Gathered) -> Result<(), StoreError> {
        let partitions = self.deps.store.partitions();
        let mut ids: Vec<MessageId> = gathered.fates.keys().copied().collect();
        ids.sort_unstable();
        let near = |one: &MessageId, other: &MessageId| {
            one.campaign() == other.campaign() && other.place(partitions).1 - one.place(partitions).1 <= GAP_MAX
        };
        let runs: Vec<RowsAsked> = ids
            .chunk_by(near)
            .map(|run| {
                let (first, last) = (run[0].place(partitions).1, run[run.len() - 1].place(partitions).1);
                RowsAsked {
                    campaign: run[0].campaign(),
                    first,
                    count: last - first + 1,
                }
            })
            .collect();
        let read = self.deps.store.rows_of(partition, &runs).await?;
        for (run, rows) in runs.iter().zip(read) {
            for (position, row) in (run.first..).zip(rows) {
                let id = MessageId::new(run.campaign, partition, partitions, position);
                if let Ok(row) = Row::unpack(&row) {
                    gathered.recipients.insert(id, row.recipient);
                }
            }
        }
        Ok(())
    }

    async fn put(
        &self,
        change: &mut Change,
        (gathered, packs): (&Gathered, &Packs),
        delivered: &mut Vec<Seen>,
    ) -> Result<usize, DatabaseError> {
        let known = |(id, fate): (&MessageId, &Fate)| Some((*id, *fate, *gathered.recipients.get(id)?));
        let mut all: Vec<(MessageId, Fate, Recipient)> = gathered.fates.iter().filter_map(known).collect();
        // In the order of the table.
        all.sort_unstable_by_key(|(id, ..)| *id);
        for some in all.chunks(ROWS) {
            delivered.extend(self.newly_delivered(change, some).await?);
            change.run(self.statement(some, packs)).await?;
        }
        Ok(all.len())
    }

    /// Those of these that were delivered, and are not known as that yet: a Redis that has come back older may say so again.
    async fn newly_delivered(
        &self,
        change: &mut Change,
        some: &[(MessageId, Fate, Recipient)],
    ) -> Result<Vec<Seen>, DatabaseError> {
        let is_delivered = |fate: &Fate| fate.status() == Status::Delivered.code();
        let delivered: Vec<_> = some
            .iter()
            .filter(|(_, fate, recipient)| is_delivered(fate) && !self.is_erased(fate, *recipient))
            .collect();
        if delivered.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = Sql::new("SELECT id FROM message WHERE status = ");
        query.value(Status::Delivered.code()).push(" AND id IN (");
        query.list(delivered.iter().map(|(id, ..)| id.0 as i64)).push(")");
        let known: FxHashSet<i64> = change.rows(query, |row| row.number(0)).await?.into_iter().collect();
        let fresh = delivered.into_iter().filter(|(id, ..)| !known.contains(&(id.0 as i64)));
        let seen = fresh.map(|(_, fate, recipient)| Seen {
            tenant: fate.tenant,
            number: *recipient,
            what: Engagement {
                delivered_count: 1,
                last_delivered_at: UnixMicros(fate.ended_at.map_or(0, |(at, _)| at as u64 * 1_000)),
                ..Engagement::default()
            },
        });
        Ok(seen.collect())
    }

    /// Whether a message is of somebody whom its tenant is not to know.
    fn is_erased(&self, fate: &Fate, recipient: Recipient) -> bool {
        let then = UnixMicros(fate.at().cast_unsigned() * 1_000);
        self.deps.erased.had(fate.tenant, recipient, then)
    }

    fn statement(&self, some: &[(MessageId, Fate, Recipient)], packs: &Packs) -> Sql {
        let mut put = Sql::new("INSERT INTO message ");
        put.push("(id, tenant, recipient, smsc, status, reason, code, segments, credits, at, taken_at, ended_at, ");
        put.push("country, spent, within_3_minutes, bought, pack, cost, cost_currency, cost_prefix) VALUES ");
        for (at, (id, fate, recipient)) in some.iter().enumerate() {
            let is_erased = self.is_erased(fate, *recipient);
            let written = if is_erased { NOBODY } else { *recipient };
            let smsc = fate.smsc.and_then(|smsc| (self.deps.names)(smsc)).unwrap_or_default();
            put.push(if at == 0 { "(" } else { ", (" });
            put.list([id.0 as i64, fate.tenant.0.into(), written.0 as i64])
                .push(", ")
                .value(smsc)
                .push(", ");
            put.value(fate.status()).push(", ").value(fate.reason()).push(", ");
            put.list([i64::from(fate.code()), fate.segments.into(), fate.credits.into()]);
            let ended_at = fate.ended_at.map(|(at, _)| at);
            put.push(", ").value(fate.at());
            put.push(", ").value(fate.taken_at).push(", ").value(ended_at);
            let country = Country::of(*recipient).map(|country| country.to_string());
            put.push(", ").value(country.unwrap_or_default()).push(", ");
            put.list([
                i64::from(fate.spent()),
                fate.is_within_3_minutes().into(),
                fate.bought().into(),
            ]);
            put.push(", ").value(packs.of(fate));
            self.cost(&mut put, fate, *recipient);
            put.push(")");
        }
        put.push(" ON CONFLICT (id) DO UPDATE SET smsc = excluded.smsc, status = excluded.status, reason = excluded.reason, ");
        put.push("code = excluded.code, segments = excluded.segments, credits = excluded.credits, ");
        put.push("taken_at = COALESCE(message.taken_at, excluded.taken_at), ended_at = excluded.ended_at, ");
        put.push("spent = excluded.spent, within_3_minutes = excluded.within_3_minutes");
        // What held when it was handed over is known best with what was taken: a receipt says nothing of it.
        put.push(", pack = CASE WHEN excluded.taken_at IS NULL THEN COALESCE(message.pack, excluded.pack) ");
        put.push("ELSE COALESCE(excluded.pack, message.pack) END");
        // What it cost is said once, with what was taken: a receipt knows no better.
        for column in ["bought", "cost", "cost_currency", "cost_prefix"] {
            put.push(&format!(
                ", {column} = CASE WHEN message.bought > 0 THEN message.{column} ELSE excluded.{column} END"
            ));
        }
        put
    }

    /// Appends what a message cost, and by which price.
    fn cost(&self, put: &mut Sql, fate: &Fate, recipient: Recipient) {
        let prices = fate.smsc.filter(|_| fate.bought() > 0);
        let prices = prices.and_then(|smsc| (self.deps.prices)(smsc));
        let at = fate.taken_at.or(fate.ended_at.map(|(at, _)| at)).unwrap_or_default();
        let at = UnixMicros(at.unsigned_abs() * 1_000);
        let priced = prices.and_then(|prices| Some((prices.priced_by(recipient, at)?, prices.currency()?)));
        let cost = priced.map(|((_, price), _)| price.0 as i64 * i64::from(fate.bought()));
        let currency = priced.map(|(_, currency)| currency.to_string());
        put.push(", ")
            .value(cost)
            .push(", ")
            .value(currency.unwrap_or_default());
        put.push(", ").value(priced.map(|((prefix, _), _)| prefix as i64));
    }

    /// The books trim the journal with what they write. When they have nothing to write, and were ahead, it is done here.
    async fn trim(&self) -> Result<(), StoreError> {
        let books = self.deps.store.books_positions().await?;
        let trims = |(partition, books): (Partition, String)| (partition, self.trims(partition, &books));
        let all = self.deps.store.all_partitions().zip(books).map(trims);
        let all: Vec<_> = all.filter(|(_, place)| !place.is_empty()).collect();
        self.deps.store.trim_journals(&all).await
    }

    /// How much room is left in the journal; the guard is told when there is none.
    pub(super) async fn look_at_room(&self) -> Result<(), StoreError> {
        let max = self.deps.settings.journal_max;
        let octets = self.deps.store.journal_octets().await?;
        self.deps.metrics.history_journal_bytes.set(octets as i64);
        let full = &self.deps.fullness;
        if octets >= max {
            full.set(true);
        } else if octets * 100 < max * RELIEVED {
            full.set(false);
        }
        let is_full = full.get();
        if *self.told_full.lock().unwrap_or_else(PoisonError::into_inner) != Some(is_full) {
            self.deps.store.tell_journal_full(is_full).await?;
            *self.told_full.lock().unwrap_or_else(PoisonError::into_inner) = Some(is_full);
        }
        let before = self.octets.swap(octets, Ordering::Relaxed);
        let rest = match octets {
            // Less is sent: now it has the machine.
            octets if octets < before => 0,
            octets if octets * LITTLE < max => LONG_REST,
            octets if octets * 2 < max => REST,
            _ => 0,
        };
        self.rest.store(rest, Ordering::Relaxed);
        Ok(())
    }
}

/// Writes no row where it was read on elsewhere.
fn move_on(partition: Partition, before: &str, place: &str) -> Sql {
    let mut put = Sql::new("INSERT INTO history_position (partition_number, place) VALUES (");
    put.value(i64::from(partition.0)).push(", ").value(place);
    put.push(") ON CONFLICT (partition_number) DO UPDATE SET place = excluded.place WHERE history_position.place = ");
    put.value(before);
    put
}
