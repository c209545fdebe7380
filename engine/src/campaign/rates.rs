//! Campaigns with a rate of their own. Rows of theirs are leased with permits alone, whichever engine asks, and for whichever SMSC; the
//! engine that has the duty gives them: in a time as many as the rate has, each for one partition, and those that nobody has used anew.

use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::launch::is_launched;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, Partition, Tempo, TenantId};
use crate::guard::Verdict;
use crate::store::{Campaign, CampaignKind, CampaignState, Paced, PermitAsk, Permitted, StoreError};

/// How often permits are given, and how often it is looked whether a campaign has a rate.
pub(super) const TICK: Duration = Duration::from_millis(100);
pub(super) const IDLE: Duration = Duration::from_millis(500);

/// So much of a rate is made up for that was missed, or not used: a second never has more than that above it.
const MADE_UP: Duration = Duration::from_millis(250);

/// A permit that nobody has used for so long is given somewhere else.
pub(super) const UNUSED: Duration = Duration::from_millis(250);

/// Where nothing may be leased it is looked again after so long.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// So many permits are given at once, if there are, before another partition has some: leases of a few cost more.
pub(super) const TOGETHER: u32 = 16;

impl Campaigns {
    /// Has a campaign go at that rate at most, or as fast as it can. What an SMSC has is not called back, and what it did not take is tried
    /// again beside it.
    ///
    /// # Errors
    /// [`CampaignFault::WrongState`] when nothing of it is to be sent any more, [`CampaignFault::NotFound`] or [`CampaignFault::Store`].
    pub(crate) async fn set_rate(
        &self,
        (tenant, id): (TenantId, CampaignId),
        rate: Option<Tempo>,
    ) -> Result<Campaign, CampaignFault> {
        let before = self.find(tenant, id).await?;
        if before.kind == CampaignKind::Direct || is_over(before.state) {
            return Err(CampaignFault::WrongState(before.state));
        }
        self.store().set_rate(&before, rate).await?;
        // Launched meanwhile, it may not have seen its rate.
        let campaign = self.find(tenant, id).await?;
        if is_launched(campaign.state) {
            self.keep_pace(&campaign).await?;
        }
        Ok(campaign)
    }

    /// Has the rate of a campaign that is launched be obeyed. Asked again it changes nothing.
    pub(super) async fn keep_pace(&self, campaign: &Campaign) -> Result<(), StoreError> {
        let owner = (campaign.tenant, campaign.id);
        match campaign.rate {
            Some(rate) => {
                let paced = Paced {
                    tenant: owner.0,
                    campaign: owner.1,
                    rate,
                };
                self.store().pace(paced).await
            }
            None => {
                self.store().unpace(owner).await?;
                self.ring_everywhere();
                Ok(())
            }
        }
    }

    /// Gives campaigns with a rate their permits, until `stop`.
    pub(crate) async fn keep_rates(self, verdict: Verdict, stop: CancellationToken) {
        let mut courses = FxHashMap::default();
        let mut pause = IDLE;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            if verdict.may_write().is_err() {
                continue;
            }
            if let Err(error) = self.give_permits(&mut courses).await {
                tracing::debug!(%error, "campaigns with a rate cannot be given permits; it is tried again");
            }
            pause = if courses.is_empty() { IDLE } else { TICK };
        }
    }

    async fn give_permits(&self, courses: &mut FxHashMap<CampaignId, Course>) -> Result<(), StoreError> {
        let paced = self.store().paced().await?;
        let now = self.0.deps.clock.now();
        courses.retain(|id, _| paced.iter().any(|known| known.campaign == *id));
        let mut asks = Vec::new();
        for known in &paced {
            if !courses.contains_key(&known.campaign) {
                // A process may have ended before it had forgotten it.
                self.forget_pace_if_over(*known).await?;
            }
            let partitions = usize::from(self.store().partitions());
            let course = courses
                .entry(known.campaign)
                .or_insert_with(|| Course::new(partitions, now));
            let of_one = course.asks(known.rate, now);
            asks.extend(of_one.into_iter().map(|(place, permits)| PermitAsk {
                tenant: known.tenant,
                campaign: known.campaign,
                partition: Partition(place as u16),
                permits,
            }));
        }
        if asks.is_empty() {
            return Ok(());
        }
        let permitted = self.store().permit(&asks).await?;
        let now = self.0.deps.clock.now();
        for (ask, permitted) in asks.iter().zip(permitted) {
            if let Some(course) = courses.get_mut(&ask.campaign) {
                course.heard(usize::from(ask.partition.0), (ask.permits, permitted), now);
            }
            if permitted.given > 0 {
                self.ring_in(ask.partition);
            }
        }
        for known in paced {
            if courses.get_mut(&known.campaign).is_some_and(Course::has_nothing) {
                self.forget_pace_if_over(known).await?;
            }
        }
        Ok(())
    }

    /// A campaign of which nothing is queued any more, or that has no rate after all, needs no permits.
    async fn forget_pace_if_over(&self, paced: Paced) -> Result<(), StoreError> {
        let owner = (paced.tenant, paced.campaign);
        let campaign = self.store().campaign(owner.0, owner.1).await?;
        let still = campaign.is_some_and(|campaign| campaign.rate.is_some() && !is_over(campaign.state));
        match still {
            true => Ok(()),
            false => self.store().unpace(owner).await,
        }
    }
}

/// Whether nothing of a campaign is to be sent any more.
const fn is_over(state: CampaignState) -> bool {
    match state {
        CampaignState::Completed | CampaignState::Stopped | CampaignState::Canceled => true,
        CampaignState::Draft
        | CampaignState::InReview
        | CampaignState::Resolving
        | CampaignState::Launching
        | CampaignState::Running
        | CampaignState::Paused
        | CampaignState::Scheduled
        | CampaignState::Blocked => false,
    }
}

/// The permits that a rate has left.
pub(super) struct Budget {
    permits: f64,
    at: Instant,
}

impl Budget {
    pub(super) const fn new(now: Instant) -> Self {
        Self {
            // The first message waits for nothing.
            permits: 1.0,
            at: now,
        }
    }

    /// How many there are now.
    pub(super) fn refill(&mut self, rate: Tempo, now: Instant) -> u32 {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.at = now;
        self.permits = (self.permits + rate.per_second() * passed).min(most(rate));
        // What is summed up has its last digits wrong.
        (self.permits + 1e-6) as u32
    }

    /// Whether it has all that it may have.
    pub(super) fn is_full(&self, rate: Tempo) -> bool {
        self.permits + 1e-6 >= most(rate)
    }

    pub(super) fn take(&mut self, permits: u32) {
        self.permits -= f64::from(permits);
    }

    pub(super) fn put_back(&mut self, permits: u32) {
        self.permits += f64::from(permits);
    }
}

/// The most permits that are kept for later.
fn most(rate: Tempo) -> f64 {
    (rate.per_second() * MADE_UP.as_secs_f64()).max(1.0)
}

/// How a campaign goes at its rate: pure.
struct Course {
    budget: Budget,
    /// By partition.
    places: Vec<Place>,
    /// Which partition is next.
    turn: usize,
    /// Partitions that were found to have nothing, one after the other.
    looked: usize,
}

#[derive(Clone, Copy)]
struct Place {
    /// Something may be leased there, as it was seen last.
    has_rows: bool,
    /// It is asked again then, unless it gets permits before: what it has not used goes back, and who has nothing may have something.
    again_at: Instant,
}

impl Course {
    fn new(partitions: usize, now: Instant) -> Self {
        let unknown = Place {
            has_rows: false,
            again_at: now,
        };
        Self {
            budget: Budget::new(now),
            places: vec![unknown; partitions],
            turn: 0,
            looked: 0,
        }
    }

    /// How many permits which partition is to be given now; 0: those that it has are taken back.
    fn asks(&mut self, rate: Tempo, now: Instant) -> Vec<(usize, u32)> {
        let mut whole = self.budget.refill(rate, now);
        let mut asks = Vec::new();
        let live = self.places.iter().filter(|place| place.has_rows).count() as u32;
        let share = whole.div_ceil(live.max(1)).max(TOGETHER);
        for _ in 0..self.places.len() {
            let at = self.turn;
            if whole == 0 {
                break;
            }
            self.turn = (self.turn + 1) % self.places.len();
            if self.places[at].has_rows {
                let permits = share.min(whole);
                whole -= permits;
                self.budget.take(permits);
                asks.push((at, permits));
            }
        }
        for (at, place) in self.places.iter().enumerate() {
            if place.again_at <= now && !asks.iter().any(|(asked, _)| *asked == at) {
                asks.push((at, 0));
            }
        }
        asks
    }

    /// What came of one of these.
    fn heard(&mut self, at: usize, (asked, permitted): (u32, Permitted), now: Instant) {
        self.budget
            .put_back(permitted.left + asked.saturating_sub(permitted.given));
        let has_rows = permitted.rows > 0;
        self.looked = if has_rows { 0 } else { self.looked + 1 };
        let pause = if permitted.given > 0 { UNUSED } else { LOOK_AGAIN };
        self.places[at] = Place {
            has_rows,
            again_at: now + pause,
        };
    }

    /// Whether all partitions were found empty one after the other; asked again, since then.
    fn has_nothing(&mut self) -> bool {
        let nothing = self.looked >= self.places.len();
        if nothing {
            self.looked = 0;
        }
        nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// Plays a campaign of those rows for so long; what was permitted is leased `lag` ticks later, unless its partition is shut. Returns how
    /// many were leased in each tick.
    fn play(rows: &mut [u64], rate: impl Fn(usize) -> Tempo, ticks: usize, shut: &[usize]) -> Vec<u64> {
        let start = Clock::new().now();
        let mut course = Course::new(rows.len(), start);
        let mut permits = vec![0_u32; rows.len()];
        let mut leased = Vec::new();
        for tick in 0..ticks {
            let now = start + TICK * u32::try_from(tick).unwrap();
            for (at, asked) in course.asks(rate(tick), now) {
                let given = asked.min(u32::try_from(rows[at]).unwrap());
                let left = std::mem::replace(&mut permits[at], given);
                let of = Permitted {
                    left,
                    rows: rows[at],
                    given,
                };
                course.heard(at, (asked, of), now);
            }
            let mut count = 0;
            for at in (0..rows.len()).filter(|at| !shut.contains(at)) {
                let taken = std::mem::take(&mut permits[at]);
                rows[at] -= u64::from(taken);
                count += u64::from(taken);
            }
            leased.push(count);
        }
        leased
    }

    /// The most of any second.
    fn most_in_a_second(leased: &[u64]) -> u64 {
        leased.windows(10).map(|second| second.iter().sum()).max().unwrap_or(0)
    }

    #[test]
    fn a_rate_is_kept_in_every_second_and_used() {
        for (text, seconds) in [("1/s", 60), ("5/s", 60), ("30/min", 120), ("40/s", 30), ("1000/s", 10)] {
            let rate: Tempo = text.parse().unwrap();
            let mut rows = vec![1_000; 16];
            let leased = play(&mut rows, |_| rate, 10 * seconds, &[]);
            let all: u64 = leased.iter().sum();
            let wanted = rate.per_second() * seconds as f64;
            assert!(
                (all as f64) <= wanted + 1.0 && all as f64 >= 0.98 * wanted - 1.0,
                "{text}: {all}"
            );
            let most = most_in_a_second(&leased) as f64;
            assert!(
                most <= (rate.per_second() * 1.25).max(rate.per_second() + 1.0),
                "{text}: {most}"
            );
        }
    }

    #[test]
    fn a_changed_rate_holds_at_once() {
        let (fast, slow): (Tempo, Tempo) = ("50/s".parse().unwrap(), "2/s".parse().unwrap());
        let rate = |tick| if (100..200).contains(&tick) { slow } else { fast };
        let leased = play(&mut [1_000; 16], rate, 300, &[]);
        let sums: Vec<u64> = leased.chunks(100).map(|part| part.iter().sum()).collect();
        assert!((480..=505).contains(&sums[0]), "{sums:?}");
        assert!((19..=33).contains(&sums[1]), "{sums:?}");
        assert!((480..=505).contains(&sums[2]), "{sums:?}");
    }

    #[test]
    fn partitions_that_are_empty_or_cannot_send_take_nothing_of_the_rate() {
        let rate: Tempo = "20/s".parse().unwrap();
        let mut rows = vec![0; 16];
        rows[3] = 500;
        let leased: u64 = play(&mut rows, |_| rate, 200, &[]).iter().sum();
        assert!((380..=402).contains(&leased), "{leased}");
        let leased: u64 = play(&mut [500; 16], |_| rate, 200, &[0, 1, 2, 3]).iter().sum();
        assert!((240..=402).contains(&leased), "{leased}");
    }

    #[test]
    fn a_campaign_is_done_when_no_partition_has_any_of_it() {
        let now = Clock::new().now();
        let mut course = Course::new(2, now);
        let none = Permitted {
            left: 0,
            rows: 0,
            given: 0,
        };
        course.heard(0, (1, none), now);
        assert!(!course.has_nothing());
        course.heard(1, (1, none), now);
        assert!(course.has_nothing() && !course.has_nothing());
    }
}
