//! The books follow the journal: results and counters of each campaign, exactly once, and the credits behind them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use futures::{StreamExt, stream};
use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::bookkeeper::{Bookkeeper, Findings};
use super::news::{self, News};
use super::starts::{Start, Starts};
use crate::clock::Clock;
use crate::domain::{CampaignId, Partition, TenantId, UnixMicros};
use crate::history::History;
use crate::message_log::MessageLog;
use crate::metrics::Metrics;
use crate::store::{Applied, Store, StoreError, entered};
use crate::webhooks::Webhooks;

/// How often the journal is looked at.
const ROUND: Duration = Duration::from_millis(700);

/// A campaign that may be done is looked at no more often than this, any other with news no more often than that.
const URGENT_EVERY: Duration = Duration::from_millis(500);
const ROUTINE_EVERY: Duration = Duration::from_secs(2);

/// Looks in one round. One costs Redis some 100 µs.
const URGENT_MAX: usize = 10_000;
const ROUTINE_MAX: usize = 50;

/// Campaigns that are looked at in the same round trips: they keep Redis busy for some 5 ms.
const TOGETHER: usize = 50;

/// Such groups at the same time.
const GROUPS: usize = 3;

/// What is known of a campaign here.
#[derive(Clone, Copy, Debug)]
struct Watched {
    tenant: TenantId,
    /// Messages of which nothing more is to be sent, since the last look.
    sent: u64,
    /// There were other news.
    news: bool,
    /// Messages that are still to be sent, as of the last look.
    left: u64,
    /// The last look; 1970 when there was none yet.
    looked_at: UnixMicros,
    /// To be looked at then, news or not.
    wake_at: Option<UnixMicros>,
}

/// How much a look at a campaign is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Urgency {
    /// It may be done.
    Urgent,
    /// There are news.
    Routine,
}

impl Watched {
    const fn new(tenant: TenantId) -> Self {
        Self {
            tenant,
            sent: 0,
            news: false,
            left: u64::MAX,
            looked_at: UnixMicros(0),
            wake_at: None,
        }
    }

    fn urgency(&self, now: UnixMicros) -> Option<Urgency> {
        let since = now.since(self.looked_at);
        if self.sent >= self.left && (self.sent > 0 || self.news) && since >= URGENT_EVERY {
            return Some(Urgency::Urgent);
        }
        let awake = self.wake_at.is_some_and(|at| at <= now);
        (awake || (self.sent > 0 || self.news) && since >= ROUTINE_EVERY).then_some(Urgency::Routine)
    }
}

/// The books. Cheap to clone.
///
/// What is known of each campaign that is under way, or had news since it was: some 60 octets, where Redis holds more for each
/// of its messages.
#[derive(Clone)]
pub(crate) struct Books {
    store: Store,
    clock: Clock,
    metrics: Metrics,
    message_log: MessageLog,
    webhooks: Option<Webhooks>,
    history: Option<History>,
    bookkeeper: Bookkeeper,
    watched: Arc<Mutex<FxHashMap<CampaignId, Watched>>>,
    begun: Starts,
    /// Where the books are in each partition's journal; held while it is followed. `None`: not asked yet.
    positions: Arc<Vec<tokio::sync::Mutex<Option<String>>>>,
}

impl Books {
    /// Empty books; [`super::Campaigns::resume_all`] opens what is under way.
    pub(super) fn new(
        store: Store,
        (clock, metrics): (Clock, Metrics),
        (message_log, webhooks, history): (MessageLog, Option<Webhooks>, Option<History>),
        keep: Duration,
    ) -> Self {
        let positions = store.all_partitions().map(|_| tokio::sync::Mutex::default()).collect();
        Self {
            bookkeeper: Bookkeeper::new(store.clone(), clock, metrics.clone(), keep),
            metrics,
            message_log,
            webhooks,
            history,
            store,
            clock,
            watched: Arc::default(),
            begun: Starts::default(),
            positions: Arc::new(positions),
        }
    }

    /// A campaign may have another state.
    pub(super) fn campaign_moved(&self, tenant: TenantId, id: CampaignId) {
        if let Some(webhooks) = &self.webhooks {
            webhooks.campaign_moved(tenant, id);
        }
    }

    /// A campaign has another state, since somebody wanted it.
    pub(super) async fn campaign_stepped(&self, tenant: TenantId, id: CampaignId) {
        if let Some(webhooks) = &self.webhooks {
            // Many futures have this one in them.
            Box::pin(webhooks.campaign_stepped(tenant, id)).await;
        }
    }

    /// The campaign is to be looked at in the next round.
    pub(super) fn look_soon(&self, tenant: TenantId, id: CampaignId) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let campaign = watched.entry(id).or_insert_with(|| Watched::new(tenant));
        campaign.left = 0;
        campaign.news = true;
    }

    /// Looks at what was done here, until `stop`, and follows the journal as long as that is this process's duty.
    pub(crate) async fn run(self, has_duty: impl Fn() -> bool, stop: CancellationToken) {
        loop {
            let stopped = stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_none();
            if has_duty() {
                self.follow_all().await;
            }
            self.look_round().await;
            if stopped {
                return;
            }
        }
    }

    /// One look at every partition's journal, then at the campaigns that are due.
    #[cfg(test)]
    pub(crate) async fn round(&self) {
        self.follow_all().await;
        self.look_round().await;
    }

    async fn follow_all(&self) {
        let followed = join_all(self.store.all_partitions().map(|partition| self.follow(partition))).await;
        if let Some(error) = followed.into_iter().find_map(Result::err) {
            tracing::warn!(%error, "the books cannot follow the journal; it is tried again");
        }
    }

    async fn look_round(&self) {
        if let Err(error) = self.begun.count(&self.store, &self.metrics).await {
            tracing::warn!(%error, "campaigns that began could not be counted; it is tried again");
        }
        self.look(&self.due(self.clock.unix())).await;
    }

    /// A campaign's first message was leased, as far as this process knows.
    pub(super) fn begun(&self, start: Start) {
        self.begun.add(start);
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
            let news = news::read(&entries, self.store.partitions())?;
            let noted = self.message_log.note(partition, &entries).await;
            noted.map_err(|(entry, form)| news::bad_entry(&entry, form))?;
            let changes: Vec<_> = news.iter().map(|(id, news)| (*id, news.changes.clone())).collect();
            let history = self.history.as_ref();
            let trim = history.map_or_else(|| to.clone(), |history| history.trims(partition, &to));
            match self.store.apply(partition, (&from, &to, &trim), &changes).await? {
                Applied::Done => {
                    self.note(&news);
                    self.count(&news);
                    *position = Some(to);
                }
                Applied::Elsewhere(known) => *position = Some(known),
            }
        }
    }

    fn note(&self, news: &FxHashMap<CampaignId, News>) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, news) in news {
            let campaign = watched.entry(*id).or_insert_with(|| Watched::new(news.tenant));
            campaign.sent += news.sent;
            campaign.news = true;
        }
    }

    /// Whose messages reached which status: the books are the first that know both.
    fn count(&self, news: &FxHashMap<CampaignId, News>) {
        for news in news.values() {
            let tenant = self.metrics.tenant(news.tenant);
            for (status, count) in entered(&news.changes.counters) {
                let total = &self.metrics.tenant_messages_total;
                total.with_label_values(&[tenant.as_str(), status.code()]).inc_by(count);
            }
            for reason in &news.left_out {
                let skipped = &self.metrics.messages_skipped_total;
                skipped.with_label_values(&[reason.code()]).inc();
            }
        }
    }

    /// The campaigns to be looked at now, those that waited longest first.
    fn due(&self, now: UnixMicros) -> Vec<(TenantId, CampaignId)> {
        let (mut urgent, mut routine) = (Vec::new(), Vec::new());
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, campaign) in watched.iter_mut() {
            match campaign.urgency(now) {
                Some(Urgency::Urgent) => urgent.push((campaign.looked_at, *id, campaign.tenant)),
                Some(Urgency::Routine) => routine.push((campaign.looked_at, *id, campaign.tenant)),
                None => {}
            }
        }
        drop(watched);
        urgent.sort_unstable();
        routine.sort_unstable();
        let due = urgent
            .into_iter()
            .take(URGENT_MAX)
            .chain(routine.into_iter().take(ROUTINE_MAX));
        due.map(|(_, id, tenant)| (tenant, id)).collect()
    }

    /// Books the credits of campaigns.
    pub(crate) async fn look(&self, due: &[(TenantId, CampaignId)]) {
        stream::iter(due.chunks(TOGETHER))
            .for_each_concurrent(GROUPS, |some| self.look_together(some))
            .await;
    }

    /// What Redis holds of one campaign may be unreadable: the others are then looked at by themselves.
    async fn look_together(&self, some: &[(TenantId, CampaignId)]) {
        let Err(error) = self.look_at(some).await else {
            return;
        };
        if some.len() == 1 || matches!(error, StoreError::Unavailable(_)) {
            return self.look_again(some, &error);
        }
        for one in some.chunks(1) {
            if let Err(error) = self.look_at(one).await {
                self.look_again(one, &error);
            }
        }
    }

    fn look_again(&self, some: &[(TenantId, CampaignId)], error: &StoreError) {
        for (tenant, id) in some {
            tracing::warn!(%error, campaign = %id, "credits could not be booked; it is tried again");
            self.look_soon(*tenant, *id);
        }
    }

    async fn look_at(&self, some: &[(TenantId, CampaignId)]) -> Result<(), StoreError> {
        self.begin(some);
        let all = self.bookkeeper.book(some).await?;
        for ((tenant, id), findings) in some.iter().zip(&all) {
            self.found(*tenant, *id, findings);
            self.campaign_moved(*tenant, *id);
        }
        Ok(())
    }

    /// These are looked at now: news that come from here on are news again, though the look may have them already. One
    /// look too many, at most.
    fn begin(&self, due: &[(TenantId, CampaignId)]) {
        let looked_at = self.clock.unix();
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        for (tenant, id) in due {
            let campaign = Watched::new(*tenant);
            watched.insert(*id, Watched { looked_at, ..campaign });
        }
    }

    fn found(&self, tenant: TenantId, id: CampaignId, findings: &Findings) {
        let mut watched = self.watched.lock().unwrap_or_else(PoisonError::into_inner);
        let campaign = watched.entry(id).or_insert_with(|| Watched::new(tenant));
        if findings.closed {
            if !campaign.news {
                watched.remove(&id);
            }
            return;
        }
        // What is in doubt may be resolved in any order: each news of it is worth a look.
        campaign.left = match findings.left {
            0 => findings.in_doubt.min(1),
            left => left,
        };
        campaign.wake_at = findings.ends_at;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId(1);

    fn watched(sent: u64, left: u64, looked_at: UnixMicros) -> Watched {
        Watched {
            sent,
            left,
            looked_at,
            ..Watched::new(TENANT)
        }
    }

    #[test]
    fn a_campaign_that_may_be_done_is_looked_at_at_once_and_others_now_and_then() {
        let looked_at = UnixMicros(1);
        let (soon, late) = (looked_at.plus(URGENT_EVERY), looked_at.plus(ROUTINE_EVERY));
        let shortly_before = |time: UnixMicros| UnixMicros(time.0 - 1);
        assert_eq!(watched(10, 10, looked_at).urgency(soon), Some(Urgency::Urgent));
        assert_eq!(
            watched(10, 10, looked_at).urgency(shortly_before(soon)),
            None,
            "not twice in a moment"
        );
        assert_eq!(watched(9, 10, looked_at).urgency(shortly_before(late)), None);
        assert_eq!(watched(9, 10, looked_at).urgency(late), Some(Urgency::Routine));
        assert_eq!(
            watched(0, 10, looked_at).urgency(UnixMicros(u64::MAX)),
            None,
            "without news there is nothing to book"
        );
    }

    #[test]
    fn a_direct_campaign_is_looked_at_when_its_hour_is_over() {
        let direct = Watched {
            wake_at: Some(UnixMicros(50)),
            ..watched(0, 1, UnixMicros(1))
        };
        assert_eq!(direct.urgency(UnixMicros(49)), None);
        assert_eq!(direct.urgency(UnixMicros(50)), Some(Urgency::Routine));
    }
}
