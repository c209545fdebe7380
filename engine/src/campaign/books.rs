//! Credits follow messages: what campaigns spent and got back is booked from their counters, now and then while they run,
//! and at once when nothing of them is to be sent any more.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustc_hash::FxHashMap;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::direct::HOUR_US;
use crate::clock::Clock;
use crate::domain::{CampaignId, TenantId};
use crate::store::{Campaign, CampaignKind, CampaignState, Counters, Store, StoreError};

/// How often the books are looked at.
const ROUND: Duration = Duration::from_millis(500);

/// A campaign that may be done is looked at no more often than this, any other with news no more often than that.
const URGENT_EVERY_US: u64 = 1_000_000;
const ROUTINE_EVERY_US: u64 = 5_000_000;

/// Looks in one round. One costs Redis some 50 µs: 500 a second are a fortieth of it, and 10,000 campaigns that end
/// together are booked in 20 seconds. Routine ones may wait longer.
const URGENT_MAX: usize = 250;
const ROUTINE_MAX: usize = 25;

/// Looks at the same time: half of the store's pool, so that the API has the other.
const TOGETHER: usize = 8;

/// A direct campaign is open for so long after its hour: messages that were being taken when it ended are in by then.
const GRACE_US: u64 = 60_000_000;

/// What is known of a campaign here.
#[derive(Clone, Copy, Debug)]
struct Line {
    tenant: TenantId,
    /// News since the last look.
    news: u64,
    /// News that it takes at least until nothing is to be sent any more.
    expected: u64,
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
            news: 0,
            expected: u64::MAX,
            looked_at: 0,
            wake_at: None,
        }
    }

    fn urgency(&self, now: u64) -> Option<Urgency> {
        let since = now.saturating_sub(self.looked_at);
        if self.news >= self.expected && since >= URGENT_EVERY_US {
            return Some(Urgency::Urgent);
        }
        let awake = self.wake_at.is_some_and(|at| at <= now);
        (awake || self.news > 0 && since >= ROUTINE_EVERY_US).then_some(Urgency::Routine)
    }
}

/// What a look found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// So many messages are still to be sent; a direct campaign ends then at the earliest.
    Open { left: u64, ends_at: Option<u64> },
    /// Everything is booked.
    Closed,
}

/// The books. Cheap to clone.
///
/// A line for each campaign that is under way or had news since it was: some 60 octets, where Redis holds more for each
/// of its messages.
#[derive(Clone)]
pub struct Books {
    store: Store,
    clock: Clock,
    lines: Arc<Mutex<FxHashMap<CampaignId, Line>>>,
}

impl Books {
    /// Empty books; [`super::Campaigns::resume_all`] opens what is under way.
    pub(super) fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            clock,
            lines: Arc::default(),
        }
    }

    /// Something happened to a message of that campaign: it was answered, or a receipt came. Cheap: called for each.
    pub fn touch(&self, tenant: TenantId, id: CampaignId) {
        self.with(tenant, id, |line| line.news += 1);
    }

    /// The campaign was launched now, with so many messages.
    pub(super) fn open(&self, tenant: TenantId, id: CampaignId, messages: u64, now_us: u64) {
        self.with(tenant, id, |line| {
            line.expected = messages;
            line.looked_at = now_us;
        });
    }

    /// The campaign is to be looked at in the next round.
    pub(super) fn look_soon(&self, tenant: TenantId, id: CampaignId) {
        self.with(tenant, id, |line| line.expected = 0);
    }

    /// Books until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
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
    }

    /// The campaigns to be looked at now, those that waited longest first.
    fn due(&self, now: u64) -> Vec<(CampaignId, TenantId)> {
        let (mut urgent, mut routine) = (Vec::new(), Vec::new());
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, line) in lines.iter_mut() {
            match line.urgency(now) {
                Some(Urgency::Urgent) => urgent.push((line.looked_at, *id, line.tenant)),
                Some(Urgency::Routine) if line.looked_at > 0 => routine.push((line.looked_at, *id, line.tenant)),
                // The first news of a campaign that nobody opened: with those that come next, in a while.
                Some(Urgency::Routine) => line.looked_at = now,
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

    /// Books one campaign.
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
            Ok(Found::Open { left, ends_at }) => self.with(tenant, id, |line| {
                line.expected = left.max(1);
                line.wake_at = ends_at;
            }),
            Ok(Found::Closed) => {
                let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
                if lines.get(&id).is_some_and(|line| line.news == 0 && line.expected > 0) {
                    lines.remove(&id);
                }
            }
            Err(error) => {
                tracing::warn!(%error, campaign = %id, "credits could not be booked; it is tried again");
                self.look_soon(tenant, id);
            }
        }
    }

    async fn book(&self, tenant: TenantId, id: CampaignId) -> Result<Found, StoreError> {
        let now = self.clock.unix_us();
        let Some(campaign) = self.store.campaign(tenant, id).await? else {
            return Ok(Found::Closed);
        };
        let counters = self.store.counters(id).await?;
        let found = found(&campaign, &counters, now);
        let close = match found {
            Found::Open { .. } => None,
            Found::Closed => closing(campaign.state),
        };
        if close.is_some() && campaign.held > 0 || close.flatten().is_some() || has_news(&campaign, &counters) {
            self.store.settle_campaign((tenant, id), &counters, close, now).await?;
        }
        if found == Found::Closed && campaign.state != CampaignState::Draft && campaign.state != CampaignState::Blocked
        {
            self.store.set_active(tenant, id, false).await?;
        }
        Ok(found)
    }

    fn with(&self, tenant: TenantId, id: CampaignId, change: impl FnOnce(&mut Line)) {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        change(lines.entry(id).or_insert_with(|| Line::new(tenant)));
    }
}

/// Whether anything of a campaign is still to be sent.
fn found(campaign: &Campaign, counters: &Counters, now: u64) -> Found {
    let unsent = counters.queued() + counters.in_doubt;
    let (left, ends_at) = match campaign.kind {
        CampaignKind::Audience => (unsent + campaign.total.saturating_sub(counters.expanded), None),
        CampaignKind::Direct => {
            let ends_at = (campaign.created_at / HOUR_US + 1) * HOUR_US + GRACE_US;
            (unsent, Some(ends_at).filter(|ends_at| *ends_at > now))
        }
    };
    let done = left == 0 && ends_at.is_none();
    match campaign.state {
        // The expansion moves it on, and then it is looked at again.
        CampaignState::Launching => Found::Open { left, ends_at },
        CampaignState::Running | CampaignState::Paused | CampaignState::Stopped if !done => {
            Found::Open { left, ends_at }
        }
        CampaignState::Running | CampaignState::Paused | CampaignState::Stopped => Found::Closed,
        CampaignState::Draft | CampaignState::Blocked | CampaignState::Completed | CampaignState::Canceled => {
            Found::Closed
        }
    }
}

/// How the books of a campaign are closed that has nothing to send any more: the state that it then has, if another.
const fn closing(state: CampaignState) -> Option<Option<CampaignState>> {
    match state {
        CampaignState::Running | CampaignState::Paused => Some(Some(CampaignState::Completed)),
        CampaignState::Completed | CampaignState::Stopped => Some(None),
        CampaignState::Draft | CampaignState::Blocked | CampaignState::Launching | CampaignState::Canceled => None,
    }
}

/// Whether the counters say more than was booked.
fn has_news(campaign: &Campaign, counters: &Counters) -> bool {
    let spend = counters.accepted_credits > campaign.spent && campaign.held > 0;
    spend || counters.recredited_credits > campaign.recredited
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId(1);

    fn line(news: u64, expected: u64, looked_at: u64) -> Line {
        Line {
            news,
            expected,
            looked_at,
            ..Line::new(TENANT)
        }
    }

    #[test]
    fn a_campaign_that_may_be_done_is_looked_at_at_once_and_others_now_and_then() {
        let (second, five) = (URGENT_EVERY_US, ROUTINE_EVERY_US);
        assert_eq!(line(10, 10, 1).urgency(1 + second), Some(Urgency::Urgent));
        assert_eq!(line(10, 10, 1).urgency(second), None, "not twice within a second");
        assert_eq!(line(9, 10, 1).urgency(second + 1), None);
        assert_eq!(line(9, 10, 1).urgency(five + 1), Some(Urgency::Routine));
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
