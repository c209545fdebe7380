//! Tenants with a rate of their own. As those of campaigns with one, their rows are leased with permits alone, and the engine that has the duty
//! gives them: where leases have found some that had none, what is urgent first.

use std::time::Instant;

use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::Campaigns;
use super::rates::{Budget, IDLE, TICK, TOGETHER, UNUSED};
use crate::domain::{Partition, Tempo, TenantId};
use crate::guard::Verdict;
use crate::store::{Allowed, StoreError};

impl Campaigns {
    /// Gives tenants with a rate their permits, until `stop`.
    pub(crate) async fn keep_allowances(self, verdict: Verdict, stop: CancellationToken) {
        let mut allowances = FxHashMap::default();
        let mut pause = IDLE;
        while stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_some() {
            if verdict.may_write().is_err() {
                continue;
            }
            let begun = self.0.deps.clock.now();
            pause = match self.give_allowances(&mut allowances).await {
                Ok(false) => IDLE,
                // Thousands that want something are asked for less often.
                Ok(true) => TICK.max(4 * self.0.deps.clock.now().saturating_duration_since(begun)),
                Err(error) => {
                    tracing::debug!(%error, "tenants with a rate cannot be given permits; it is tried again");
                    TICK
                }
            };
        }
    }

    /// Returns whether there is any tenant with a rate.
    async fn give_allowances(&self, allowances: &mut FxHashMap<TenantId, Allowance>) -> Result<bool, StoreError> {
        if allowances.is_empty() && !self.store().has_rated().await? {
            return Ok(false);
        }
        let now = self.0.deps.clock.now();
        let partitions = usize::from(self.store().partitions());
        for want in self.store().wants().await? {
            let allowance = allowances
                .entry(want.tenant)
                .or_insert_with(|| Allowance::new(partitions, now));
            allowance.wanted(usize::from(want.partition.0), want.is_urgent);
        }
        let tenants: Vec<TenantId> = allowances.keys().copied().collect();
        let rates = self.store().tenant_rates(&tenants).await?;
        let mut all = Vec::new();
        for (tenant, rate) in tenants.into_iter().zip(rates) {
            let of_one = allowances.get_mut(&tenant).map(|allowance| allowance.asks(rate, now));
            all.extend(of_one.into_iter().flatten().map(|(place, permits)| Allowed {
                tenant,
                partition: Partition(place as u16),
                permits: rate.map(|_| permits),
            }));
        }
        if !all.is_empty() {
            let left = self.store().allow(&all).await?;
            for (allowed, left) in all.iter().zip(left) {
                if let Some(allowance) = allowances.get_mut(&allowed.tenant) {
                    allowance.heard(usize::from(allowed.partition.0), (allowed.permits, left), now);
                }
                if allowed.permits != Some(0) {
                    self.ring_in(allowed.partition);
                }
            }
        }
        allowances.retain(|_, allowance| !allowance.rests());
        Ok(true)
    }
}

/// What a tenant may be given at its rate: pure.
struct Allowance {
    budget: Budget,
    /// By partition.
    places: Vec<Place>,
    /// Which partition is next.
    turn: usize,
    rate: Option<Tempo>,
}

#[derive(Clone, Copy)]
struct Place {
    /// What a lease has found there without permits; whether some of it is urgent.
    wants: Option<bool>,
    /// What it may have there is taken back then, if nobody has used it.
    back_at: Option<Instant>,
}

impl Allowance {
    fn new(partitions: usize, now: Instant) -> Self {
        let unknown = Place {
            wants: None,
            // Whoever had the duty before may have given it some.
            back_at: Some(now),
        };
        Self {
            budget: Budget::new(now),
            places: vec![unknown; partitions],
            turn: 0,
            rate: None,
        }
    }

    fn wanted(&mut self, at: usize, is_urgent: bool) {
        self.places[at].wants = Some(is_urgent);
    }

    /// How many permits which partition is to be given now; 0: those that it has are taken back.
    fn asks(&mut self, rate: Option<Tempo>, now: Instant) -> Vec<(usize, u32)> {
        self.rate = rate;
        let mut whole = rate.map_or(0, |rate| self.budget.refill(rate, now));
        let mut asks = Vec::new();
        for urgent in [true, false] {
            let wanting = self.places.iter().filter(|place| place.wants == Some(urgent)).count() as u32;
            let share = whole.div_ceil(wanting.max(1)).max(TOGETHER);
            for _ in 0..self.places.len() {
                let at = self.turn;
                if whole == 0 {
                    break;
                }
                self.turn = (self.turn + 1) % self.places.len();
                if self.places[at].wants == Some(urgent) {
                    let permits = share.min(whole);
                    whole -= permits;
                    self.budget.take(permits);
                    asks.push((at, permits));
                }
            }
        }
        for (at, place) in self.places.iter_mut().enumerate() {
            let is_given = asks.iter().any(|(asked, _)| *asked == at);
            // Who has no rate any more wants no permits.
            let is_idle = place.wants.take().is_some() && rate.is_none();
            let is_unused = place.back_at.is_some_and(|back_at| back_at <= now);
            if !is_given && (is_idle || is_unused) {
                asks.push((at, 0));
            }
        }
        asks
    }

    /// What came of one of these: how many of those before were not used, `None` where it has no rate any more.
    fn heard(&mut self, at: usize, (asked, left): (Option<u32>, Option<u32>), now: Instant) {
        let asked = asked.unwrap_or(0);
        self.budget.put_back(left.unwrap_or(asked));
        self.places[at].back_at = (asked > 0).then_some(now + UNUSED);
    }

    /// Whether nothing is known of it that one would not have that was never seen.
    fn rests(&self) -> bool {
        let nothing_out = self.places.iter().all(|place| place.back_at.is_none());
        nothing_out && self.rate.is_none_or(|rate| self.budget.is_full(rate))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// Rows of a tenant by partition, and what is permitted there.
    struct Played {
        allowance: Allowance,
        start: Instant,
        ticks: u32,
        rows: Vec<u64>,
        permits: Vec<u32>,
        /// Nothing is leased there.
        shut: Vec<usize>,
        /// Those with urgent rows.
        urgent: Vec<usize>,
    }

    impl Played {
        fn new(rows: &[u64]) -> Self {
            let start = Clock::new().now();
            Self {
                allowance: Allowance::new(rows.len(), start),
                start,
                ticks: 0,
                rows: rows.to_vec(),
                permits: vec![0; rows.len()],
                shut: Vec::new(),
                urgent: Vec::new(),
            }
        }

        /// Leases what is permitted, and gives permits: how many were leased where.
        fn tick(&mut self, rate: Option<&str>) -> Vec<u64> {
            let leased = (0..self.rows.len()).map(|at| self.lease(at)).collect();
            let now = self.start + TICK * self.ticks;
            self.ticks += 1;
            let rate = rate.map(|rate| rate.parse().unwrap());
            for (at, permits) in self.allowance.asks(rate, now) {
                let left = std::mem::replace(&mut self.permits[at], permits);
                self.allowance
                    .heard(at, (rate.map(|_| permits), rate.map(|_| left)), now);
            }
            leased
        }

        fn lease(&mut self, at: usize) -> u64 {
            if self.shut.contains(&at) {
                return 0;
            }
            let taken = u64::from(self.permits[at]).min(self.rows[at]);
            self.permits[at] -= taken as u32;
            self.rows[at] -= taken;
            if self.rows[at] > 0 && self.permits[at] == 0 {
                self.allowance.wanted(at, self.urgent.contains(&at));
            }
            taken
        }

        fn ticks(&mut self, rate: &str, ticks: usize) -> Vec<u64> {
            (0..ticks).map(|_| self.tick(Some(rate)).iter().sum()).collect()
        }
    }

    #[test]
    fn a_rate_is_kept_in_every_second_and_used() {
        for (rate, a_second) in [("1/s", 1_u64), ("7/s", 7), ("400/s", 400), ("3000/s", 3_000)] {
            let mut played = Played::new(&[1_000_000; 16]);
            let leased = played.ticks(rate, 300);
            let of_second = leased.windows(10).map(|second| second.iter().sum::<u64>());
            let most = of_second.max().unwrap();
            assert!(
                most <= a_second + a_second.div_ceil(4).max(1),
                "{rate}: {most} in a second"
            );
            let all: u64 = leased.iter().sum();
            assert!(
                (29 * a_second..=30 * a_second + a_second.div_ceil(4).max(1)).contains(&all),
                "{rate}: {all} in 30 s"
            );
        }
    }

    #[test]
    fn what_is_urgent_goes_first_and_what_nobody_leases_holds_nothing_up() {
        let mut played = Played::new(&[1_000; 4]);
        played.urgent = vec![2];
        played.ticks("10/s", 30);
        assert_eq!(played.rows[..2], [1_000; 2], "all of it goes where something is urgent");
        played.urgent.clear();
        let before: u64 = played.rows.iter().sum();
        // It has permits when it is shut.
        played.shut = vec![1];
        played.ticks("10/s", 60);
        let gone = before - played.rows.iter().sum::<u64>();
        assert!((55..=65).contains(&gone), "{gone} in 6 s");
    }

    #[test]
    fn a_tenant_that_rests_is_forgotten_when_its_next_message_could_go_at_once() {
        let mut played = Played::new(&[3, 0]);
        // Two of an hour: the first at once, the second half an hour later.
        let leased = played.ticks("2/h", 18_002);
        assert_eq!(leased.iter().sum::<u64>(), 2);
        assert!(!played.allowance.rests());
        played.rows = vec![0, 0];
        played.ticks("2/h", 17_990);
        assert!(!played.allowance.rests());
        played.ticks("2/h", 20);
        assert!(played.allowance.rests());
        // Without a rate nothing is permitted, and nothing kept in mind.
        let mut free = Played::new(&[5]);
        free.ticks("1/s", 3);
        free.tick(None);
        free.ticks += 10;
        free.tick(None);
        assert!(free.allowance.rests());
    }
}
