//! The books follow the journal: results and counters of each campaign, exactly once, and the credits behind them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use rustc_hash::FxHashMap;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::direct::HOUR_US;
use crate::clock::Clock;
use crate::domain::{BadForm, CampaignId, ENDED, JournalEvent, Partition, TenantId, events};
use crate::store::{
    Applied, Campaign, CampaignChanges, CampaignKind, CampaignState, Counters, JournalEntry, Store, StoreError, changes,
};

/// How often the journal is looked at.
const ROUND: Duration = Duration::from_millis(700);

/// A campaign that may be done is looked at no more often than this, any other with news no more often than that.
const URGENT_EVERY_US: u64 = 500_000;
const ROUTINE_EVERY_US: u64 = 2_000_000;

/// Looks in one round. One costs Redis some 100 µs.
const URGENT_MAX: usize = 4_000;
const ROUTINE_MAX: usize = 50;

/// Looks at the same time: most of the store's pool, so that the API has the rest.
const TOGETHER: usize = 12;

/// A direct campaign is open for so long after its hour: messages that were being taken when it ended are in by then.
const GRACE_US: u64 = 120_000_000;

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

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    /// Messages that are still to be sent, those in doubt left aside.
    left: u64,
    /// Messages in doubt.
    in_doubt: u64,
    /// A direct campaign ends then at the earliest.
    ends_at: Option<u64>,
    /// Nothing more happens to its hold.
    closed: bool,
}

/// The books. Cheap to clone.
///
/// A line for each campaign that is under way or had news since it was: some 60 octets, where Redis holds more for each
/// of its messages.
#[derive(Clone)]
pub(crate) struct Books {
    store: Store,
    clock: Clock,
    /// How long a campaign stays after it has ended, µs.
    keep_us: u64,
    lines: Arc<Mutex<FxHashMap<CampaignId, Line>>>,
    /// Where the books are in each partition's journal; held while it is followed. `None`: not asked yet.
    positions: Arc<Vec<tokio::sync::Mutex<Option<String>>>>,
}

impl Books {
    /// Empty books; [`super::Campaigns::resume_all`] opens what is under way.
    pub(super) fn new(store: Store, clock: Clock, keep: Duration) -> Self {
        let positions = store.all_partitions().map(|_| tokio::sync::Mutex::default()).collect();
        Self {
            store,
            clock,
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
        let due = self.due(self.clock.unix_us());
        let mut looks = JoinSet::new();
        for (id, tenant) in due {
            if looks.len() >= TOGETHER {
                looks.join_next().await;
            }
            let books = self.clone();
            looks.spawn(async move { books.look(tenant, id).await });
        }
        while looks.join_next().await.is_some() {}
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
    fn due(&self, now: u64) -> Vec<(CampaignId, TenantId)> {
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
        due.map(|(_, id, tenant)| (id, tenant)).collect()
    }

    /// Books one campaign's credits.
    pub(super) async fn look(&self, tenant: TenantId, id: CampaignId) {
        // News that come from here on are news again, though the counters may have them: one look too many, at most.
        let now = self.clock.unix_us();
        self.with(tenant, id, |line| {
            *line = Line {
                looked_at: now,
                ..Line::new(tenant)
            }
        });
        match self.book(tenant, id).await {
            Ok(found) if found.closed => {
                let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.get(&id).is_some_and(|line| !line.news) {
                    lines.remove(&id);
                }
            }
            Ok(found) => self.with(tenant, id, |line| {
                // What is in doubt may be resolved in any order: each news of it is worth a look.
                line.left = if found.left == 0 {
                    found.in_doubt.min(1)
                } else {
                    found.left
                };
                line.wake_at = found.ends_at;
            }),
            Err(error) => {
                tracing::warn!(%error, campaign = %id, "credits could not be booked; it is tried again");
                self.look_soon(tenant, id);
            }
        }
    }

    async fn book(&self, tenant: TenantId, id: CampaignId) -> Result<Found, StoreError> {
        let now = self.clock.unix_us();
        let Some(campaign) = self.store.campaign(tenant, id).await? else {
            self.store.set_active(tenant, id, false).await?;
            return Ok(Found::NOTHING);
        };
        let counters = self.store.counters(id).await?;
        let found = found(&campaign, &counters, now);
        let keep = (found.left == 0 && found.ends_at.is_none()).then(|| counters.doubtful_credits());
        let state = found.closed.then(|| ended(campaign.state)).flatten();
        let releases = keep.is_some_and(|keep| campaign.held > keep) && campaign.state != CampaignState::Launching;
        if releases || state.is_some() || has_news(&campaign, &counters) {
            let keep = keep.filter(|_| campaign.state != CampaignState::Launching);
            self.store
                .settle_campaign((tenant, id), &counters, (keep, state), now)
                .await?;
        }
        if found.closed && !is_before_launch(campaign.state) {
            self.store
                .retire_at(tenant, id, (now + self.keep_us) / 1_000_000)
                .await?;
            self.store.set_active(tenant, id, false).await?;
        }
        Ok(found)
    }

    fn with(&self, tenant: TenantId, id: CampaignId, change: impl FnOnce(&mut Line)) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        change(lines.entry(id).or_insert_with(|| Line::new(tenant)));
    }
}

impl Found {
    const NOTHING: Self = Self {
        left: 0,
        in_doubt: 0,
        ends_at: None,
        closed: true,
    };
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

/// Whether anything of a campaign is still to be sent.
fn found(campaign: &Campaign, counters: &Counters, now: u64) -> Found {
    let open = campaign.total.saturating_sub(counters.sent());
    let in_doubt = counters.in_doubt().min(open);
    let ends_at = (campaign.created_at / HOUR_US + 1) * HOUR_US + GRACE_US;
    let ends_at = Some(ends_at).filter(|ends_at| campaign.kind == CampaignKind::Direct && *ends_at > now);
    let done = open == 0 && ends_at.is_none();
    let closed = match campaign.state {
        // The launch moves it on, and then it is looked at again.
        CampaignState::Launching => false,
        CampaignState::Running | CampaignState::Paused | CampaignState::Stopped => done,
        CampaignState::Draft | CampaignState::Blocked | CampaignState::Completed | CampaignState::Canceled => true,
    };
    Found {
        left: open - in_doubt,
        in_doubt,
        ends_at,
        closed,
    }
}

/// The state of a campaign that has nothing to send any more, if another.
const fn ended(state: CampaignState) -> Option<CampaignState> {
    match state {
        CampaignState::Running | CampaignState::Paused => Some(CampaignState::Completed),
        CampaignState::Completed
        | CampaignState::Stopped
        | CampaignState::Draft
        | CampaignState::Blocked
        | CampaignState::Launching
        | CampaignState::Canceled => None,
    }
}

fn is_before_launch(state: CampaignState) -> bool {
    matches!(state, CampaignState::Draft | CampaignState::Blocked)
}

/// Whether the counters say more than was booked.
fn has_news(campaign: &Campaign, counters: &Counters) -> bool {
    let spend = counters.spent() > campaign.spent && campaign.held > 0;
    spend || counters.recredited() > campaign.recredited
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
