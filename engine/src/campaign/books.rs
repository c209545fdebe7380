//! The books follow the journal: results and counters of each campaign, exactly once, and the credits behind them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::booking::Found;
use crate::clock::Clock;
use crate::domain::{BadForm, CampaignId, ENDED, JournalEvent, Partition, TenantId, events};
use crate::metrics::Metrics;
use crate::store::{Applied, CampaignChanges, JournalEntry, Store, StoreError, changes};

/// How often the journal is looked at.
const ROUND: Duration = Duration::from_millis(700);

/// A campaign that may be done is looked at no more often than this, any other with news no more often than that.
const URGENT_EVERY_US: u64 = 500_000;
const ROUTINE_EVERY_US: u64 = 2_000_000;

/// Looks in one round. One costs Redis some 100 µs.
const URGENT_MAX: usize = 10_000;
const ROUTINE_MAX: usize = 50;

/// What is known of a campaign here.
#[derive(Clone, Copy, Debug)]
struct Line {
    tenant: TenantId,
    /// Messages of which nothing more is to be sent, since the last look.
    sent: u64,
    /// There were other news.
    news: bool,
    /// Messages that are still to be sent, as of the last look.
    left: u64,
    /// The last look, µs since 1970; 0: none yet.
    looked_at: u64,
    /// To be looked at then, news or not.
    wake_at: Option<u64>,
}

/// How much a look at a campaign is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// It may be done.
    Urgent,
    /// There are news.
    Routine,
}

impl Line {
    const fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            sent: 0,
            news: false,
            left: u64::MAX,
            looked_at: 0,
            wake_at: None,
        }
    }

    fn urgency(&self, now: u64) -> Option<Urgency> {
        let since = now.saturating_sub(self.looked_at);
        if self.sent >= self.left && (self.sent > 0 || self.news) && since >= URGENT_EVERY_US {
            return Some(Urgency::Urgent);
        }
        let awake = self.wake_at.is_some_and(|at| at <= now);
        (awake || (self.sent > 0 || self.news) && since >= ROUTINE_EVERY_US).then_some(Urgency::Routine)
    }
}

/// The books. Cheap to clone.
///
/// A line for each campaign that is under way or had news since it was: some 60 octets, where Redis holds more for each
/// of its messages.
#[derive(Clone)]
pub(crate) struct Books {
    pub(super) store: Store,
    pub(super) clock: Clock,
    pub(super) metrics: Metrics,
    /// How long a campaign stays after it has ended, µs.
    pub(super) keep_us: u64,
    lines: Arc<Mutex<FxHashMap<CampaignId, Line>>>,
    /// Where the books are in each partition's journal; held while it is followed. `None`: not asked yet.
    positions: Arc<Vec<tokio::sync::Mutex<Option<String>>>>,
}

impl Books {
    /// Empty books; [`super::Campaigns::resume_all`] opens what is under way.
    pub(super) fn new(store: Store, clock: Clock, metrics: Metrics, keep: Duration) -> Self {
        let positions = store.all_partitions().map(|_| tokio::sync::Mutex::default()).collect();
        Self {
            store,
            clock,
            metrics,
            keep_us: keep.as_micros() as u64,
            lines: Arc::default(),
            positions: Arc::new(positions),
        }
    }

    /// The campaign is to be looked at in the next round.
    pub(super) fn look_soon(&self, tenant: TenantId, id: CampaignId) {
        self.with(tenant, id, |line| {
            line.left = 0;
            line.news = true;
        });
    }

    /// Follows the journal until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_none();
            self.round().await;
            if stopped {
                return;
            }
        }
    }

    /// One look at every partition's journal, then at the campaigns that are due.
    pub(super) async fn round(&self) {
        let followed = join_all(self.store.all_partitions().map(|partition| self.follow(partition))).await;
        if let Some(error) = followed.into_iter().find_map(Result::err) {
            tracing::warn!(%error, "the books cannot follow the journal; it is tried again");
        }
        self.look(&self.due(self.clock.unix_us())).await;
    }

    /// Applies what a partition's journal has beyond the books.
    ///
    /// # Errors
    /// When the store does not answer, or the journal holds something unexpected.
    pub(crate) async fn follow(&self, partition: Partition) -> Result<(), StoreError> {
        let mut position = self.positions[usize::from(partition.0)].lock().await;
        loop {
            let from = match position.take() {
                Some(known) => known,
                None => self.store.books_position(partition).await?,
            };
            let entries = self.store.journal(partition, &from).await?;
            let Some(last) = entries.last() else {
                *position = Some(from);
                return Ok(());
            };
            let to = last.id.clone();
            let stretch = self.read(&entries)?;
            let changes: Vec<_> = stretch.iter().map(|(id, read)| (*id, read.changes.clone())).collect();
            match self.store.apply(partition, (&from, &to), &changes).await? {
                Applied::Done => {
                    self.note(&stretch);
                    *position = Some(to);
                }
                Applied::Elsewhere(known) => *position = Some(known),
            }
        }
    }

    /// What entries say, campaign by campaign.
    fn read(&self, entries: &[JournalEntry]) -> Result<FxHashMap<CampaignId, Read>, StoreError> {
        let mut read: FxHashMap<CampaignId, Read> = FxHashMap::default();
        for entry in entries {
            for event in events(&entry.events, entry.at()) {
                let event = event.map_err(|form| bad_entry(entry, form))?;
                read.entry(campaign_of(&event))
                    .or_default()
                    .add(&event, self.store.partitions());
            }
        }
        read.values_mut().for_each(Read::finish);
        Ok(read)
    }

    fn note(&self, stretch: &FxHashMap<CampaignId, Read>) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, read) in stretch {
            let line = lines.entry(*id).or_insert_with(|| Line::new(read.tenant));
            line.sent += read.sent;
            line.news = true;
        }
    }

    /// The campaigns to be looked at now, those that waited longest first.
    fn due(&self, now: u64) -> Vec<(TenantId, CampaignId)> {
        let (mut urgent, mut routine) = (Vec::new(), Vec::new());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, line) in lines.iter_mut() {
            match line.urgency(now) {
                Some(Urgency::Urgent) => urgent.push((line.looked_at, *id, line.tenant)),
                Some(Urgency::Routine) => routine.push((line.looked_at, *id, line.tenant)),
                None => {}
            }
        }
        drop(lines);
        urgent.sort_unstable();
        routine.sort_unstable();
        let due = urgent
            .into_iter()
            .take(URGENT_MAX)
            .chain(routine.into_iter().take(ROUTINE_MAX));
        due.map(|(_, id, tenant)| (tenant, id)).collect()
    }

    /// These are looked at now: news that come from here on are news again, though the look may have them already. One
    /// look too many, at most.
    pub(super) fn begin(&self, due: &[(TenantId, CampaignId)]) {
        let looked_at = self.clock.unix_us();
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for (tenant, id) in due {
            let line = Line::new(*tenant);
            lines.insert(*id, Line { looked_at, ..line });
        }
    }

    /// What a look found.
    pub(super) fn found(&self, tenant: TenantId, id: CampaignId, found: &Found) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let line = lines.entry(id).or_insert_with(|| Line::new(tenant));
        if found.closed {
            if !line.news {
                lines.remove(&id);
            }
            return;
        }
        // What is in doubt may be resolved in any order: each news of it is worth a look.
        line.left = match found.left {
            0 => found.in_doubt.min(1),
            left => left,
        };
        line.wake_at = found.ends_at;
    }

    fn with(&self, tenant: TenantId, id: CampaignId, change: impl FnOnce(&mut Line)) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        change(lines.entry(id).or_insert_with(|| Line::new(tenant)));
    }
}

/// What a stretch of the journal says of one campaign.
#[derive(Clone, Debug)]
struct Read {
    tenant: TenantId,
    changes: CampaignChanges,
    sums: [i32; 32],
    sent: u64,
}

impl Default for Read {
    fn default() -> Self {
        Self {
            tenant: TenantId(0),
            changes: CampaignChanges::default(),
            sums: [0; 32],
            sent: 0,
        }
    }
}

impl Read {
    fn add(&mut self, event: &JournalEvent, partitions: u16) {
        for (counter, by) in changes(event) {
            self.sums[usize::from(counter)] += by;
        }
        match event {
            JournalEvent::Moved {
                from,
                to,
                id,
                tenant,
                result,
                ..
            } => {
                self.tenant = *tenant;
                // In doubt, it is not among those that are still to be sent either.
                self.sent += u64::from(*from != b'E' && [b'E', b'I', ENDED].contains(to));
                if let Some(result) = result {
                    self.changes.results.push((id.place(partitions).1, *result));
                }
            }
            JournalEvent::Range {
                result,
                tenant,
                position,
                count,
                ..
            } => {
                self.tenant = *tenant;
                self.sent += u64::from(*count);
                // A canceled row needs no result: behind the cursors of a stopped campaign, what has none is canceled.
                if result.ending != crate::domain::Ending::Canceled {
                    let rows = *position..*position + *count;
                    self.changes.results.extend(rows.map(|position| (position, *result)));
                }
            }
        }
    }

    fn finish(&mut self) {
        let changed = (0u8..).zip(self.sums).filter(|(_, by)| *by != 0);
        self.changes.counters = changed.collect();
        self.changes.results.sort_by_key(|(position, _)| *position);
        // A message ends once; should the journal say otherwise, the first end stands.
        self.changes.results.dedup_by_key(|(position, _)| *position);
    }
}

fn campaign_of(event: &JournalEvent) -> CampaignId {
    match event {
        JournalEvent::Moved { id, .. } => id.campaign(),
        JournalEvent::Range { campaign, .. } => *campaign,
    }
}

fn bad_entry(entry: &JournalEntry, form: BadForm) -> StoreError {
    StoreError::BadForm {
        key: format!("journal entry {}", entry.id),
        form,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId(1);

    fn line(sent: u64, left: u64, looked_at: u64) -> Line {
        Line {
            sent,
            left,
            looked_at,
            ..Line::new(TENANT)
        }
    }

    #[test]
    fn a_campaign_that_may_be_done_is_looked_at_at_once_and_others_now_and_then() {
        let (soon, late) = (URGENT_EVERY_US, ROUTINE_EVERY_US);
        assert_eq!(line(10, 10, 1).urgency(1 + soon), Some(Urgency::Urgent));
        assert_eq!(line(10, 10, 1).urgency(soon), None, "not twice in a moment");
        assert_eq!(line(9, 10, 1).urgency(soon + 1), None);
        assert_eq!(line(9, 10, 1).urgency(late + 1), Some(Urgency::Routine));
        assert_eq!(
            line(0, 10, 1).urgency(u64::MAX),
            None,
            "without news there is nothing to book"
        );
    }

    #[test]
    fn a_direct_campaign_is_looked_at_when_its_hour_is_over() {
        let line = Line {
            wake_at: Some(50),
            ..line(0, 1, 1)
        };
        assert_eq!((line.urgency(49), line.urgency(50)), (None, Some(Urgency::Routine)));
    }
}
