//! The roll call: where is every message? Queued, in its recipient's record, or ended, and never two of these.
//!
//! A partition is read in the order in which messages go through it, so that one that moves meanwhile is seen twice rather than
//! never: what is seen nowhere is lost. For what is in two places it is read in the other order. Whatever is suspected is
//! looked at once more as of one instant, and mended there: see `mend.lua`.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use rustc_hash::FxHashSet;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::{CampaignId, Line, MessageId, Partition, Recipient, Record, State, TenantId, Way};
use crate::guard::Verdict;
use crate::metrics::Metrics;
use crate::store::{MendAsk, Mended, Misplaced, ParkedOf, Queued, Store, StoreError, Suspicion};

/// A walk through all partitions takes at least so long.
const ROUND: Duration = Duration::from_secs(20);

/// The pause behind a partition, in times of what it took: the walk is a small part of what Redis does, however much there is.
const REST: u32 = 11;

/// Records in one step: some 250 µs of Redis.
const RECORDS: usize = 500;

/// How often, and how many times, the books are asked whether they have what the journal had.
const BOOKS_EVERY: Duration = Duration::from_millis(100);
const BOOKS_TRIES: u32 = 100;

/// Lost messages that are remembered as said. Beyond, they are said again in every round: that many have one cause.
const MISSED_MAX: usize = 10_000;

/// Where a message was seen, as bits of an octet.
const QUEUED: u8 = 1;
const RECORDED: u8 = 2;
const ENDED: u8 = 4;
/// It is looked at, whatever else was seen of it.
const SUSPECTED: u8 = 8;

/// Walks through the partitions.
pub(crate) struct RollCall {
    store: Store,
    metrics: Metrics,
    clock: Clock,
    verdict: Verdict,
    /// Parked receipts of what was lost and is in its record again.
    unparked: mpsc::Sender<Vec<ParkedOf>>,
    /// Campaigns that had messages in a record in the last rounds, and those that are under way.
    known: BTreeMap<CampaignId, TenantId>,
    /// Of these, those that had something open in this round.
    open: BTreeSet<CampaignId>,
    /// Messages that were seen nowhere and could not be put back yet: each is said once.
    missed: BTreeSet<MessageId>,
    /// By how many rows the counts of what is queued in lines were too high at the last look.
    counts_off: BTreeMap<(Partition, String), i64>,
    /// How long the books were waited for in this partition.
    waited: Duration,
}

/// What is seen of a campaign in one partition.
struct Sighting {
    id: CampaignId,
    tenant: TenantId,
    /// As of the beginning.
    queued: Queued,
    /// An octet a row.
    rows: Vec<u8>,
    /// Positions of those that were seen nowhere.
    lost: Vec<u32>,
}

impl Sighting {
    fn mark(&mut self, position: u32, bit: u8) {
        if let Some(row) = self.rows.get_mut(position as usize) {
            *row |= bit;
        }
    }

    fn mark_ended(&mut self, ended: &[bool]) {
        for (row, _) in self.rows.iter_mut().zip(ended).filter(|(_, ended)| **ended) {
            *row |= ENDED;
        }
    }

    fn mark_queued(&mut self, spans: &[(u32, u32)]) {
        for (first, count) in spans {
            for position in *first..first.saturating_add(*count).min(self.rows.len() as u32) {
                let twice = self.rows[position as usize] & QUEUED != 0;
                self.mark(position, if twice { SUSPECTED } else { QUEUED });
            }
        }
    }

    /// Whether something is to come of it here. Behind a stop, what has no result is canceled.
    fn is_open(&self, stopped: bool) -> bool {
        let is_open = |row: &u8| row & RECORDED != 0 || row & ENDED == 0 && !stopped;
        self.rows.iter().any(is_open)
    }

    fn positions(&self, wanted: impl Fn(u8) -> bool) -> Vec<u32> {
        let all = (0..).zip(&self.rows);
        all.filter(|(_, row)| wanted(**row))
            .map(|(position, _)| position)
            .collect()
    }
}

/// A message that waits to be leased again.
type Waiting = (Recipient, MessageId, [Line; 2]);

impl RollCall {
    /// One that has seen nothing yet.
    pub(crate) fn new(
        (store, metrics, clock): (Store, Metrics, Clock),
        verdict: Verdict,
        unparked: mpsc::Sender<Vec<ParkedOf>>,
    ) -> Self {
        Self {
            store,
            metrics,
            clock,
            verdict,
            unparked,
            known: BTreeMap::new(),
            open: BTreeSet::new(),
            missed: BTreeSet::new(),
            counts_off: BTreeMap::new(),
            waited: Duration::ZERO,
        }
    }

    /// Walks until `stop`.
    pub(crate) async fn walk(mut self, stop: CancellationToken) {
        stop.run_until_cancelled(async {
            loop {
                for partition in self.store.all_partitions() {
                    self.rest_behind(partition).await;
                }
                self.end_round();
            }
        })
        .await;
    }

    async fn rest_behind(&mut self, partition: Partition) {
        let began = self.clock.now();
        self.waited = Duration::ZERO;
        if self.verdict.may_write().is_err() {
            tracing::debug!("the database is not ours any more");
        } else if let Err(error) = self.look_through(partition).await {
            tracing::debug!(%error, "the auditor cannot read a partition; it goes on with the next");
        }
        let share = ROUND / u32::from(self.store.partitions());
        let worked = self.clock.now().duration_since(began).saturating_sub(self.waited);
        tokio::time::sleep(share.max(REST * worked)).await;
    }

    /// What had nothing open in a whole round, and is not under way, is not asked for any more.
    pub(crate) fn end_round(&mut self) {
        let open = std::mem::take(&mut self.open);
        self.known.retain(|id, _| open.contains(id));
        self.missed.retain(|id| open.contains(&id.campaign()));
        let now = self.clock.unix().0 as f64 / 1e6;
        self.metrics.roll_call_last_run_timestamp_seconds.set(now);
    }

    /// Looks where each message of a partition is, and mends what is in no place or in two.
    ///
    /// # Errors
    /// When the store does not answer, or holds a record that cannot be read.
    pub(crate) async fn look_through(&mut self, partition: Partition) -> Result<(), StoreError> {
        let depths = self.store.depths(partition).await?;
        let under_way = self.store.active().await?;
        self.known
            .extend(under_way.into_iter().map(|(tenant, id)| (id, tenant)));
        let mut seen = self.begin(partition).await?;
        let before: Vec<Vec<bool>> = self.ends(partition, &seen).await?;
        let waiting = self.records(partition, &mut seen).await?;
        let booked = self.wait_for_books(partition).await?;
        let after = self.ends(partition, &seen).await?;
        let ids: Vec<CampaignId> = seen.keys().copied().collect();
        let queued = self.store.queued_of(partition, &ids).await?;
        if self.store.depths(partition).await? == depths {
            self.check_counts(partition, depths, &queued).await?;
        }
        let waits = self.never_due(partition, &waiting).await?;
        let ends = before.iter().zip(&after).zip(&queued);
        for (sighting, ((before, after), queued)) in seen.values_mut().zip(ends) {
            let mut suspects: BTreeSet<u32> = doubled(sighting, before, queued).into_iter().collect();
            let own = waits.iter().filter(|id| id.campaign() == sighting.id);
            suspects.extend(own.map(|id| id.place(self.store.partitions()).1));
            sighting.mark_ended(after);
            if booked && !queued.stopped {
                sighting.lost = sighting.positions(|row| row & (QUEUED | RECORDED | ENDED) == 0);
            }
            if sighting.is_open(queued.stopped) {
                self.open.insert(sighting.id);
            }
            let suspects: Vec<_> = suspects.into_iter().map(|at| (at, Suspicion::Misplaced)).collect();
            if !suspects.is_empty() || sighting.queued.adrift > 0 && queued.adrift > 0 {
                self.mend(partition, sighting, &suspects).await?;
            }
        }
        seen.retain(|_, sighting| !sighting.lost.is_empty());
        if !seen.is_empty() {
            self.miss(partition, &seen);
            self.find_again(partition, &seen).await?;
        }
        Ok(())
    }

    /// Puts counts of what is queued right that are as wrong as they were at the last look, nothing having been queued or leased meanwhile.
    async fn check_counts(
        &mut self,
        partition: Partition,
        depths: BTreeMap<String, i64>,
        queued: &[Queued],
    ) -> Result<(), StoreError> {
        let mut off = depths;
        for (line, count) in queued.iter().flat_map(|queued| &queued.by_line) {
            *off.entry(line.clone()).or_default() -= count;
        }
        for (line, rows) in off {
            let place = (partition, line);
            let before = self.counts_off.remove(&place);
            if rows == 0 {
                continue;
            }
            if before != Some(rows) {
                self.counts_off.insert(place, rows);
                continue;
            }
            let (line, found) = (place.1, Misplaced::Miscounted.code());
            self.store.count_less(partition, &line, rows).await?;
            let total = self.metrics.misplaced_messages_total.with_label_values(&[found]);
            total.inc_by(rows.unsigned_abs());
            tracing::error!(
                partition = partition.0,
                line,
                rows,
                found,
                "what is queued in a line was counted wrongly"
            );
        }
        Ok(())
    }

    /// What is queued of every campaign that is known.
    async fn begin(&self, partition: Partition) -> Result<BTreeMap<CampaignId, Sighting>, StoreError> {
        let ids: Vec<CampaignId> = self.known.keys().copied().collect();
        let all = self.store.queued_of(partition, &ids).await?;
        let mut seen = BTreeMap::new();
        for ((id, tenant), queued) in self.known.iter().zip(all) {
            let mut sighting = Sighting {
                id: *id,
                tenant: *tenant,
                rows: vec![0; queued.rows as usize],
                queued,
                lost: Vec::new(),
            };
            let spans = std::mem::take(&mut sighting.queued.spans);
            sighting.mark_queued(&spans);
            // Whether spans overlap is seen at the end: these may be others by then.
            sighting.rows.iter_mut().for_each(|row| *row &= QUEUED);
            seen.insert(*id, sighting);
        }
        Ok(seen)
    }

    async fn ends(
        &self,
        partition: Partition,
        seen: &BTreeMap<CampaignId, Sighting>,
    ) -> Result<Vec<Vec<bool>>, StoreError> {
        let mut all = Vec::with_capacity(seen.len());
        for sighting in seen.values() {
            let rows = sighting.rows.len() as u32;
            all.push(self.store.ended_rows(partition, sighting.id, rows).await?);
        }
        Ok(all)
    }

    /// Marks what is in records. Returns what waits there to be leased again.
    async fn records(
        &mut self,
        partition: Partition,
        seen: &mut BTreeMap<CampaignId, Sighting>,
    ) -> Result<Vec<Waiting>, StoreError> {
        let (mut cursor, mut waiting) = (0, Vec::new());
        loop {
            let step = self.store.scan_records(partition, cursor, RECORDS).await?;
            for (recipient, bytes) in &step.entries {
                self.note_record((*recipient, bytes), seen, &mut waiting)?;
            }
            cursor = step.cursor;
            if cursor == 0 {
                return Ok(waiting);
            }
        }
    }

    fn note_record(
        &mut self,
        (recipient, bytes): (Recipient, &[u8]),
        seen: &mut BTreeMap<CampaignId, Sighting>,
        waiting: &mut Vec<Waiting>,
    ) -> Result<(), StoreError> {
        let record = Record::unpack(recipient, bytes).map_err(|form| StoreError::bad_record(recipient, form))?;
        for (nth, message) in record.messages.iter().enumerate() {
            let (campaign, position) = (message.id.campaign(), message.id.place(self.store.partitions()).1);
            let twice = record.messages[..nth].iter().any(|other| other.id == message.id);
            if let Some(sighting) = seen.get_mut(&campaign) {
                sighting.mark(position, RECORDED | if twice { SUSPECTED } else { 0 });
            } else {
                // Looked at in the next round.
                self.known.insert(campaign, message.tenant);
                self.open.insert(campaign);
            }
            if matches!(message.state, State::Waiting | State::Deferred) {
                let line = |way| Line {
                    way,
                    ..message.line(None)
                };
                let lines = [line(Way::Route(message.route)), line(Way::Pinned(message.smsc))];
                waiting.push((recipient, message.id, lines));
            }
        }
        Ok(())
    }

    /// Waits until the books have what the journal has now. `false`: they are too far behind.
    async fn wait_for_books(&mut self, partition: Partition) -> Result<bool, StoreError> {
        let end = entry_number(&self.store.journal_end(partition).await?);
        for _ in 0..BOOKS_TRIES {
            if entry_number(&self.store.books_position(partition).await?) >= end {
                return Ok(true);
            }
            tokio::time::sleep(BOOKS_EVERY).await;
            self.waited += BOOKS_EVERY;
        }
        Ok(false)
    }

    /// What waits and is not due in any line.
    async fn never_due(&self, partition: Partition, waiting: &[Waiting]) -> Result<Vec<MessageId>, StoreError> {
        let mut found = Vec::new();
        for some in waiting.chunks(RECORDS) {
            let never = self.store.never_due(partition, some).await?;
            let those = some.iter().zip(never).filter(|(_, never)| *never);
            found.extend(those.map(|((_, id, _), _)| *id));
        }
        Ok(found)
    }

    /// Says which messages are nowhere, each once.
    fn miss(&mut self, partition: Partition, seen: &BTreeMap<CampaignId, Sighting>) {
        for sighting in seen.values() {
            for position in &sighting.lost {
                let message = MessageId::new(sighting.id, partition, self.store.partitions(), *position);
                if self.missed.len() >= MISSED_MAX || self.missed.insert(message) {
                    self.say((sighting, message), Misplaced::Lost);
                }
            }
        }
    }

    /// Puts messages that are nowhere back into their records. Under which state each is counted follows from how many are, and how
    /// many of these are in records: where a campaign does not move while both are counted. Where it does, it is left for the
    /// next round.
    async fn find_again(
        &mut self,
        partition: Partition,
        lost: &BTreeMap<CampaignId, Sighting>,
    ) -> Result<(), StoreError> {
        let ids: Vec<CampaignId> = lost.keys().copied().collect();
        if !self.wait_for_books(partition).await? {
            return Ok(());
        }
        let before = self.store.counters_in(partition, &ids).await?;
        let recorded = self.recorded_states(partition).await?;
        if !self.wait_for_books(partition).await? {
            return Ok(());
        }
        let after = self.store.counters_in(partition, &ids).await?;
        for (sighting, (before, after)) in lost.values().zip(before.iter().zip(&after)) {
            if before != after {
                tracing::debug!(campaign = %sighting.id, "lost messages are put back when their campaign does not move");
                continue;
            }
            let (enroute, in_doubt) = recorded.get(&sighting.id).copied().unwrap_or_default();
            let taken = after.enroute().saturating_sub(enroute);
            let doubtful = after.in_doubt().saturating_sub(in_doubt);
            let suspects = suspicions(&sighting.lost, (taken, doubtful));
            self.mend(partition, sighting, &suspects).await?;
            for position in &sighting.lost {
                let id = MessageId::new(sighting.id, partition, self.store.partitions(), *position);
                self.missed.remove(&id);
            }
        }
        Ok(())
    }

    /// How many messages of each campaign are in a partition's records as taken, and as in doubt.
    async fn recorded_states(&self, partition: Partition) -> Result<BTreeMap<CampaignId, (u64, u64)>, StoreError> {
        let (mut cursor, mut states) = (0, BTreeMap::new());
        // A step through a hash may show a record twice.
        let mut seen = FxHashSet::default();
        loop {
            let step = self.store.scan_records(partition, cursor, RECORDS).await?;
            for (recipient, bytes) in step.entries.iter().filter(|(recipient, _)| seen.insert(*recipient)) {
                let bad = |form| StoreError::bad_record(*recipient, form);
                for message in &Record::unpack(*recipient, bytes).map_err(bad)?.messages {
                    let (enroute, in_doubt): &mut (u64, u64) = states.entry(message.id.campaign()).or_default();
                    *enroute += u64::from(message.state == State::Enroute);
                    *in_doubt += u64::from(message.state == State::InDoubt);
                }
            }
            cursor = step.cursor;
            if cursor == 0 {
                return Ok(states);
            }
        }
    }

    async fn mend(
        &self,
        partition: Partition,
        sighting: &Sighting,
        suspects: &[(u32, Suspicion)],
    ) -> Result<(), StoreError> {
        let owner = (sighting.tenant, sighting.id);
        let Some(Some(campaign)) = self.store.campaigns_of(&[owner]).await?.pop() else {
            return Ok(());
        };
        let mended = self
            .store
            .mend(&MendAsk {
                partition,
                campaign: sighting.id,
                lane: campaign.purpose.lane(),
                now: self.clock.unix(),
                suspects,
            })
            .await?;
        self.report(partition, sighting, &mended);
        if !mended.parked.is_empty() && self.unparked.send(mended.parked).await.is_err() {
            tracing::debug!("parked receipts stay parked: the engine ends");
        }
        Ok(())
    }

    fn report(&self, partition: Partition, sighting: &Sighting, mended: &Mended) {
        let id = |position| MessageId::new(sighting.id, partition, self.store.partitions(), position);
        for (position, what) in &mended.messages {
            match what {
                // Said when it was missed.
                Misplaced::Lost => tracing::info!(id = %id(*position), "a lost message is in its record again"),
                Misplaced::QueuedTwice
                | Misplaced::RecordedTwice
                | Misplaced::EndedTwice
                | Misplaced::NeverDue
                | Misplaced::Adrift
                | Misplaced::Miscounted => self.say((sighting, id(*position)), *what),
            }
        }
        if mended.lines > 0 {
            let (tenant, found) = (sighting.tenant.0, Misplaced::Adrift.code());
            let total = self.metrics.misplaced_messages_total.with_label_values(&[found]);
            total.inc_by(u64::from(mended.lines));
            tracing::error!(tenant, campaign = %sighting.id, found, "rows of a campaign would never have been leased");
        }
    }

    fn say(&self, (sighting, message): (&Sighting, MessageId), what: Misplaced) {
        let (tenant, found) = (sighting.tenant.0, what.code());
        self.metrics.misplaced_messages_total.with_label_values(&[found]).inc();
        tracing::error!(tenant, id = %message, campaign = %sighting.id, found, "a message was not in one place");
    }
}

/// What lost messages are, of which so many are counted as taken and so many as in doubt: the first were taken first.
fn suspicions(lost: &[u32], (taken, in_doubt): (u64, u64)) -> Vec<(u32, Suspicion)> {
    let of = |nth: u64| match nth {
        nth if nth < taken => Suspicion::LostTaken,
        nth if nth < taken + in_doubt => Suspicion::LostInDoubt,
        _ => Suspicion::Lost,
    };
    lost.iter()
        .zip(0..)
        .map(|(position, nth)| (*position, of(nth)))
        .collect()
}

/// Seen in a place and afterwards in an earlier one: ended at first and in a record then, or in either and queued at last.
fn doubled(sighting: &Sighting, ended_at_first: &[bool], queued_at_last: &Queued) -> Vec<u32> {
    let mut last = Sighting {
        rows: sighting.rows.iter().map(|row| row & !QUEUED).collect(),
        queued: Queued::default(),
        lost: Vec::new(),
        ..*sighting
    };
    last.mark_ended(ended_at_first);
    last.mark_queued(&queued_at_last.spans);
    last.positions(|row| row & SUSPECTED != 0 || (row & (QUEUED | RECORDED | ENDED)).count_ones() > 1)
}

/// An id of the journal in its order; an empty one comes before all.
fn entry_number(id: &str) -> (u64, u64) {
    let mut parts = id.split('-').map(|part| part.parse().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}
