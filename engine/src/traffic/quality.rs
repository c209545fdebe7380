//! How the receipts of an SMSC compare with its own past: pure.
//!
//! Messages are counted by when they were taken, in cohorts of two seconds. Once a cohort has had its time, which is some times what
//! receipts usually take, it is known how many of it were delivered soon: failures, late receipts and silence all lower that share.
//! The newest cohorts are held against the long past; one that fell far behind it is *probed* until it is as before: it gets little,
//! and shows with that little how it does.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::UnixMicros;

/// Messages that were taken within it are judged together.
const COHORT: Duration = Duration::from_secs(2);

/// How long a cohort's receipts may take: some times what they usually take. Within 60 s it must be known who is slow.
const PATIENCE_MIN: Duration = Duration::from_secs(5);
const PATIENCE_MAX: Duration = Duration::from_secs(30);
const PATIENCE_FIRST: Duration = Duration::from_secs(10);
const PATIENCE_OF_USUAL: f64 = 4.0;

/// Receipts that the usual delay is a running mean of; a delay counts as a minute at most, or one handset that is off for a day
/// would be all that counts.
const DELAYS: f64 = 200.0;
const DELAY_MAX: f64 = 60.0;

/// The newest cohorts are as many as have that many messages and span that long, so that one hiccup is not a trend.
const RECENT: u32 = 50;
const RECENT_SPAN: Duration = Duration::from_secs(10);

/// Fewer messages than that say nothing.
const RECENT_MIN: u32 = 20;

/// Older cohorts are not recent.
const KEPT: Duration = Duration::from_secs(300);

/// So long after its time a cohort belongs to the past: until then it may be the beginning of a bad time.
const PAST_AFTER: Duration = Duration::from_secs(30);

/// How long the past is remembered: after that, a message counts a third.
const PAST: Duration = Duration::from_secs(3_600);

/// Messages without which there is no past.
const PAST_MIN: f64 = 100.0;

/// An SMSC that never delivered this share soon has no quality to lose.
const PAST_SHARE_MIN: f64 = 0.2;

/// What a message counts for the past while its SMSC is probed: what stays for hours is the new usual.
const PROBED_COUNTS: f64 = 0.1;

/// Below this part of its past an SMSC is probed, from that part on it is no longer.
const WORSE: f64 = 0.6;
const BETTER: f64 = 0.8;

/// And it must be that many standard deviations away: chance does not lower a weight.
const DEVIATIONS: f64 = 4.0;

/// One that is probed for so long and got too few messages to be judged gets its share back, and is judged by that.
const FORGIVEN_AFTER: Duration = Duration::from_secs(600);

/// What became of messages of one SMSC, as much as a group of receipts says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Messages that it took just now.
    pub(crate) taken: u32,
    /// Messages that ended by a receipt: when they were taken, and whether they were delivered.
    pub(crate) ended: Vec<(UnixMicros, bool)>,
}

/// How an SMSC does, for operators.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(crate) struct Standing {
    /// The share of its newest messages that was delivered within the usual time.
    pub(crate) recent: f64,
    /// The same of its past.
    pub(crate) usual: f64,
    /// It gets little until it is as before, on routes that prefer quality.
    pub(crate) probed: bool,
}

/// How an SMSC does, and did.
#[derive(Clone, Debug)]
pub(super) struct Quality {
    /// Oldest first.
    cohorts: VecDeque<Cohort>,
    past: Past,
    /// What receipts usually take, in seconds, and of how many that is the mean.
    usual: f64,
    delays: f64,
    probed_since: Option<UnixMicros>,
}

/// Messages that were taken at about the same time.
#[derive(Clone, Copy, Debug)]
struct Cohort {
    begins: UnixMicros,
    patience: Duration,
    taken: u32,
    /// Delivered within the patience.
    soon: u32,
    is_past: bool,
}

/// Sums that fade.
#[derive(Clone, Copy, Debug, Default)]
struct Past {
    taken: f64,
    soon: f64,
    at: UnixMicros,
}

/// Some messages, and those of them that were delivered soon.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    taken: u32,
    soon: u32,
}

impl Default for Quality {
    fn default() -> Self {
        Self {
            cohorts: VecDeque::new(),
            past: Past::default(),
            usual: 0.0,
            delays: 0.0,
            probed_since: None,
        }
    }
}

impl Quality {
    /// What came of its messages.
    pub(super) fn hear(&mut self, heard: &Heard, now: UnixMicros) {
        if heard.taken > 0 {
            self.cohort(now).taken += heard.taken;
        }
        for (taken_at, delivered) in &heard.ended {
            if *delivered {
                self.delivered(*taken_at, now);
            }
        }
    }

    /// Judges it anew. Returns whether it is to be probed.
    pub(super) fn judge(&mut self, now: UnixMicros) -> bool {
        self.age(now);
        let since = self.probed_since;
        self.probed_since = match (self.compared(now), since) {
            (Some((recent, usual)), None) if is_worse(recent, usual) => Some(now),
            (Some((recent, usual)), Some(_)) if recent.share() >= BETTER * usual => None,
            (None, Some(since)) if now.since(since) >= FORGIVEN_AFTER => None,
            _ => since,
        };
        self.probed_since.is_some()
    }

    /// How it does; `None` while too little is known.
    pub(super) fn standing(&self, now: UnixMicros) -> Option<Standing> {
        let (recent, usual) = self.compared(now)?;
        Some(Standing {
            recent: recent.share(),
            usual,
            probed: self.probed_since.is_some(),
        })
    }

    /// Its newest messages, and the share of the past, where both are known.
    fn compared(&self, now: UnixMicros) -> Option<(Sum, f64)> {
        let recent = self.recent(now);
        let usual = self.past.soon / self.past.taken;
        let known = recent.taken >= RECENT_MIN && self.past.taken >= PAST_MIN && usual >= PAST_SHARE_MIN;
        known.then_some((recent, usual))
    }

    fn delivered(&mut self, taken_at: UnixMicros, now: UnixMicros) {
        let waited = now.since(taken_at);
        if self.probed_since.is_none() {
            self.delays = (self.delays + 1.0).min(DELAYS);
            self.usual += (waited.as_secs_f64().min(DELAY_MAX) - self.usual) / self.delays;
        }
        // Those of before the start are of no cohort.
        let begins = begin_of(taken_at);
        let known = self.cohorts.iter_mut().rev().find(|cohort| cohort.begins == begins);
        if let Some(cohort) = known.filter(|cohort| waited <= cohort.patience) {
            cohort.soon += 1;
        }
    }

    /// The cohort of what is taken now.
    fn cohort(&mut self, now: UnixMicros) -> &mut Cohort {
        let begins = begin_of(now);
        let patience = match self.delays > 0.0 {
            true => Duration::from_secs_f64(PATIENCE_OF_USUAL * self.usual).clamp(PATIENCE_MIN, PATIENCE_MAX),
            false => PATIENCE_FIRST,
        };
        let newest = self.cohorts.back().map(|cohort| cohort.begins);
        if newest.is_none_or(|newest| newest < begins) {
            self.cohorts.push_back(Cohort {
                begins,
                patience,
                taken: 0,
                soon: 0,
                is_past: false,
            });
        }
        let last = self.cohorts.len() - 1;
        &mut self.cohorts[last]
    }

    /// What has had its time becomes the past, and what is long past goes.
    fn age(&mut self, now: UnixMicros) {
        let counts = if self.probed_since.is_some() {
            PROBED_COUNTS
        } else {
            1.0
        };
        for cohort in self.cohorts.iter_mut().filter(|cohort| !cohort.is_past) {
            if cohort.judged_at().plus(PAST_AFTER) > now {
                break;
            }
            cohort.is_past = true;
            self.past.add(cohort, counts);
        }
        while self
            .cohorts
            .pop_front_if(|cohort| cohort.is_past && cohort.begins.plus(KEPT) < now)
            .is_some()
        {}
    }

    fn recent(&self, now: UnixMicros) -> Sum {
        let mut sum = Sum::default();
        let judged = self.cohorts.iter().rev().filter(|cohort| cohort.judged_at() <= now);
        let mut newest = None;
        for cohort in judged.take_while(|cohort| cohort.begins.plus(KEPT) >= now) {
            let newest = *newest.get_or_insert(cohort.begins);
            if sum.taken >= RECENT && newest.since(cohort.begins) >= RECENT_SPAN {
                break;
            }
            sum.taken += cohort.taken;
            sum.soon += cohort.soon.min(cohort.taken);
        }
        sum
    }
}

impl Cohort {
    fn judged_at(&self) -> UnixMicros {
        self.begins.plus(COHORT + self.patience)
    }
}

impl Past {
    fn add(&mut self, cohort: &Cohort, counts: f64) {
        let at = cohort.begins;
        let fades = (-at.since(self.at).as_secs_f64() / PAST.as_secs_f64()).exp();
        self.taken = self.taken * fades + counts * f64::from(cohort.taken);
        self.soon = self.soon * fades + counts * f64::from(cohort.soon.min(cohort.taken));
        self.at = at;
    }
}

impl Sum {
    fn share(self) -> f64 {
        f64::from(self.soon) / f64::from(self.taken.max(1))
    }
}

fn begin_of(at: UnixMicros) -> UnixMicros {
    let cohort = COHORT.as_micros() as u64;
    UnixMicros(at.0 / cohort * cohort)
}

/// Far below the past, and not by chance.
fn is_worse(recent: Sum, usual: f64) -> bool {
    let deviation = (usual * (1.0 - usual) / f64::from(recent.taken)).sqrt();
    recent.share() < WORSE * usual && usual - recent.share() > DEVIATIONS * deviation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::SmscId;
    use crate::traffic::balance::Balance;
    use kit::random::{mix, unit};
    use std::time::Instant;

    const SECOND: Duration = Duration::from_secs(1);
    const START: UnixMicros = UnixMicros(1_790_000_000_000_000);

    /// How the receipts of a simulated SMSC are: which share says delivered, and after how long at most.
    #[derive(Clone, Copy)]
    struct Manner {
        delivered: f64,
        delay: f64,
    }

    const GOOD: Manner = Manner {
        delivered: 0.9,
        delay: 4.0,
    };
    const FAILING: Manner = Manner {
        delivered: 0.2,
        delay: 4.0,
    };
    const SLOW: Manner = Manner {
        delivered: 0.9,
        delay: 600.0,
    };
    const SILENT: Manner = Manner {
        delivered: 0.9,
        delay: 1e6,
    };

    /// Two SMSCs that share a route, second by second, with so many messages in each.
    struct Route {
        start: Instant,
        now: UnixMicros,
        /// Numbers drawn so far.
        drawn: u64,
        rate: u32,
        qualities: [Quality; 2],
        balance: Balance,
        /// Receipts under way: when they come, whose, when their message was taken, and what they say.
        receipts: Vec<(UnixMicros, usize, UnixMicros, bool)>,
    }

    impl Route {
        fn new(rate: u32, weights: [u32; 2]) -> Self {
            Self {
                start: Clock::new().now(),
                now: START,
                drawn: 0,
                rate,
                qualities: [Quality::default(), Quality::default()],
                balance: Balance::new([(SmscId(0), weights[0]), (SmscId(1), weights[1])]),
                receipts: Vec::new(),
            }
        }

        /// A number from 0 to 1.
        fn draw(&mut self) -> f64 {
            self.drawn += 1;
            unit(mix(self.drawn))
        }

        /// Goes on for so many seconds. Returns what each SMSC had in the last thirty of them.
        fn run(&mut self, seconds: u32, manners: [Manner; 2]) -> [u32; 2] {
            let mut had = [0, 0];
            for second in 0..seconds {
                self.now = self.now.plus(SECOND);
                let of_second = self.second(manners);
                if second + 30 >= seconds {
                    had = [had[0] + of_second[0], had[1] + of_second[1]];
                }
            }
            had
        }

        fn second(&mut self, manners: [Manner; 2]) -> [u32; 2] {
            let now = self.now;
            let mut heard = [Heard::default(), Heard::default()];
            self.receipts.retain(|(comes, smsc, taken_at, delivered)| {
                let is_due = *comes <= now;
                if is_due {
                    heard[*smsc].ended.push((*taken_at, *delivered));
                }
                !is_due
            });
            let had = self.share();
            for smsc in 0..2 {
                heard[smsc].taken = had[smsc];
                for _ in 0..had[smsc] {
                    let delay = self.draw() * manners[smsc].delay;
                    let delivered = self.draw() < manners[smsc].delivered;
                    self.receipts
                        .push((now.plus(Duration::from_secs_f64(delay)), smsc, now, delivered));
                }
                self.qualities[smsc].hear(&heard[smsc], now);
                let probed = self.qualities[smsc].judge(now);
                self.balance.set(SmscId(smsc as u16), (true, probed));
            }
            had
        }

        /// A second's messages, as both ask in turns, in twenty parts.
        fn share(&mut self) -> [u32; 2] {
            let start = self.start + self.now.since(START);
            let mut had = [0, 0];
            for part in 0..20 {
                let at = start + Duration::from_millis(50) * part;
                let until = self.rate * (part + 1) / 20;
                while had[0] + had[1] < until {
                    had[0] += self.take(0, until - had[0] - had[1], at);
                    had[1] += self.take(1, until - had[0] - had[1], at);
                }
            }
            had
        }

        /// That SMSC takes what it may, at most so many.
        fn take(&mut self, smsc: u16, most: u32, at: Instant) -> u32 {
            let grant = self.balance.ask(SmscId(smsc), at).unwrap();
            let taken = grant.most.min(most);
            self.balance.done(SmscId(smsc), grant, taken);
            taken
        }
    }

    #[test]
    fn within_a_minute_four_fifths_of_the_traffic_leave_an_smsc_that_turns_bad_and_come_back_within_a_quarter_of_an_hour()
     {
        for (bad, word) in [(FAILING, "failing"), (SLOW, "slow"), (SILENT, "silent")] {
            for (rate, weights) in [(200, [1, 1]), (200, [9, 1]), (20, [1, 1]), (4, [1, 1])] {
                let context = format!("{word}, {rate}/s, weights {weights:?}");
                let mut route = Route::new(rate, weights);
                let before = route.run(300, [GOOD, GOOD]);
                let share = weights[0] * rate * 30 / (weights[0] + weights[1]);
                assert!(
                    before[0].abs_diff(share) <= 16 + share / 10,
                    "{context}: {before:?} before"
                );
                route.run(60, [bad, GOOD]);
                let during = route.run(30, [bad, GOOD]);
                assert!(
                    during[0] * 5 <= before[0],
                    "{context}: {before:?} before, {during:?} during"
                );
                assert!(route.run(300, [bad, GOOD])[0] > 0, "{context}: it goes on being probed");
                let after = route.run(900, [GOOD, GOOD]);
                assert!(
                    after[0] * 10 >= before[0] * 8,
                    "{context}: {before:?} before, {after:?} after"
                );
            }
        }
    }

    #[test]
    fn when_both_turn_bad_both_keep_their_shares() {
        let mut route = Route::new(200, [3, 1]);
        let before = route.run(300, [GOOD, GOOD]);
        route.run(60, [FAILING, SILENT]);
        let during = route.run(300, [FAILING, SILENT]);
        assert!(route.qualities.iter().all(|quality| quality.probed_since.is_some()));
        assert!(
            before[0].abs_diff(during[0]) <= 32,
            "{before:?} before, {during:?} during"
        );
    }

    #[test]
    fn noise_a_hiccup_and_small_samples_lower_no_weight() {
        let noisy = Manner {
            delivered: 0.5,
            delay: 8.0,
        };
        for rate in [1, 5, 50, 500] {
            let mut route = Route::new(rate, [1, 1]);
            for _ in 0..1_800 {
                route.run(1, [noisy, GOOD]);
                assert!(route.qualities[0].probed_since.is_none(), "{rate}/s at {:?}", route.now);
            }
            // Nothing comes for three seconds.
            route.run(3, [SILENT, GOOD]);
            for _ in 0..120 {
                route.run(1, [noisy, GOOD]);
                assert!(route.qualities[0].probed_since.is_none(), "{rate}/s, a hiccup");
            }
        }
    }

    #[test]
    fn an_smsc_that_never_sends_receipts_is_not_judged() {
        let mut route = Route::new(100, [1, 1]);
        route.run(900, [SILENT, GOOD]);
        assert_eq!(route.qualities[0].standing(route.now), None);
        let good = route.qualities[1].standing(route.now).unwrap();
        assert!(good.usual > 0.8 && good.recent > 0.8 && !good.probed, "{good:?}");
    }

    #[test]
    fn one_that_is_too_little_used_to_be_judged_gets_its_share_back() {
        let mut route = Route::new(50, [1, 1]);
        route.run(300, [GOOD, GOOD]);
        route.run(60, [SILENT, GOOD]);
        assert!(route.qualities[0].probed_since.is_some());
        // Night: nothing more is sent.
        route.rate = 0;
        route.run(600, [SILENT, GOOD]);
        assert!(route.qualities[0].probed_since.is_none());
    }
}
