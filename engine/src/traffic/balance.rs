//! Shares of a route by weight: pure.
//!
//! Each SMSC has what it was given, divided by its weight; whoever is ahead of another waits for it, for a moment. If the one behind
//! does not take by then what is there, it cannot: its window is full, or its rate is used up. It takes what it can for a while, the
//! others take the rest, and what it missed is not made up for. So weights are shares of what all of them could take, and nobody's
//! limit is everybody's.

use std::time::{Duration, Instant};

use crate::domain::SmscId;

/// How long one waits for those that are behind: some dozen times what a lease takes.
const MOMENT: Duration = Duration::from_millis(100);

/// For so long nobody waits for one that did not catch up: the moment is a twentieth of it.
const SPARED: Duration = Duration::from_secs(2);

/// How long those that are not probed must have asked for nothing before one that is takes more than its share.
const SILENT: Duration = Duration::from_secs(1);

/// Whoever waits asks again and again; one that has not asked for so long was not waiting, but had nothing to do.
const IN_A_ROW: Duration = Duration::from_millis(500);

/// From one question of one who waits to the next no more than this counts as waiting, many times what lies between two: where all
/// stood still, those behind did too.
const BREATH: Duration = Duration::from_millis(25);

/// Messages of the smallest share that are given at once: small campaigns are shared too.
const QUANTUM: f64 = 8.0;

/// Of a larger share at most.
const QUANTUM_MAX: f64 = 128.0;

/// What one that is probed gets of its weight, or of the weight of those that are not if that is less: under a fifth of its share.
const PROBE: f64 = 0.1;

/// What one SMSC was given of a route.
#[derive(Clone, Copy, Debug)]
struct Share {
    smsc: SmscId,
    weight: f64,
    /// It has the turn.
    serves: bool,
    /// It is to get little, and to show with that how it does.
    probed: bool,
    /// Messages, divided by the weight that held then.
    given: f64,
    asked_at: Option<Instant>,
    /// It is ahead, and was told to wait: how long it has done so.
    waited: Option<Duration>,
    /// It could not take its share: nobody waits for it until then.
    spared_until: Option<Instant>,
    /// Leases of it that are under way.
    leasing: u32,
}

/// What an SMSC may be given now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Grant {
    /// So many messages. 0: others are first.
    pub(super) most: u32,
    /// What each of them counts.
    each: f64,
    /// Others are behind, and did not take what is there until then.
    passes_at: Option<Instant>,
}

/// The shares of a route whose SMSCs have weights.
#[derive(Clone, Debug)]
pub(super) struct Balance {
    shares: Vec<Share>,
}

impl Balance {
    /// Each SMSC with its weight.
    pub(super) fn new(smscs: impl IntoIterator<Item = (SmscId, u32)>) -> Self {
        let share = |(smsc, weight)| Share {
            smsc,
            weight: f64::from(weight),
            serves: true,
            probed: false,
            given: 0.0,
            asked_at: None,
            waited: None,
            spared_until: None,
            leasing: 0,
        };
        Self {
            shares: smscs.into_iter().map(share).collect(),
        }
    }

    /// Whether that SMSC has the turn, and whether it is to get little while others have it that are not probed.
    pub(super) fn set(&mut self, smsc: SmscId, (serves, probed): (bool, bool)) {
        let ahead = self.ahead(smsc);
        if let Some(share) = self.shares.iter_mut().find(|share| share.smsc == smsc) {
            if serves && !share.serves {
                // What it missed while it was away is gone.
                share.given = share.given.max(ahead);
            }
            (share.serves, share.probed) = (serves, probed);
        }
    }

    /// How many messages that SMSC may be given now; they count as given, until [`Balance::done`] says how many there were.
    /// `None`: it has no weight.
    pub(super) fn ask(&mut self, smsc: SmscId, now: Instant) -> Option<Grant> {
        let at = self.shares.iter().position(|share| share.smsc == smsc)?;
        let ahead = self.ahead(smsc);
        let own = &mut self.shares[at];
        let before = own.asked_at.replace(now);
        let gap = before.map_or(IN_A_ROW, |before| now.saturating_duration_since(before));
        if gap >= IN_A_ROW {
            own.waited = None;
        }
        if own.is_spared(now) {
            own.given = own.given.max(ahead);
        }
        let own = *own;
        let others = |share: &&Share| share.smsc != smsc && share.serves;
        let others: Vec<Share> = self.shares.iter().filter(others).copied().collect();
        let (weight, is_held_back) = own.weight_among(&others);
        let holds =
            |share: &&Share| share.given < own.given && (is_held_back && !share.probed || !share.is_spared(now));
        let behind: Vec<Share> = others.iter().filter(holds).copied().collect();
        let own = &mut self.shares[at];
        if !behind.is_empty() {
            let waited = own.waited.map_or(Duration::ZERO, |waited| waited + gap.min(BREATH));
            own.waited = Some(waited);
            if !may_pass(&behind, is_held_back, (waited, now)) {
                return Some(Grant {
                    most: 0,
                    each: 0.0,
                    passes_at: None,
                });
            }
        }
        let smallest = others.iter().map(|share| share.weight).fold(weight, f64::min);
        let (most, each) = ((QUANTUM * weight / smallest).min(QUANTUM_MAX) as u32, 1.0 / weight);
        // One that is held back goes on as long as the others are silent.
        own.waited = own.waited.filter(|_| is_held_back && !behind.is_empty());
        own.given += f64::from(most) * each;
        own.leasing += 1;
        Some(Grant {
            most,
            each,
            passes_at: (!behind.is_empty() && !is_held_back).then_some(now),
        })
    }

    /// What was granted has been given: so many messages of it were there.
    pub(super) fn done(&mut self, smsc: SmscId, grant: Grant, count: u32) {
        let Some(own) = self.shares.iter_mut().find(|share| share.smsc == smsc) else {
            return;
        };
        if grant.most == 0 {
            return;
        }
        own.given -= f64::from(grant.most.saturating_sub(count)) * grant.each;
        own.leasing = own.leasing.saturating_sub(1);
        let given = own.given;
        let Some(passed_at) = grant.passes_at.filter(|_| count > 0) else {
            return;
        };
        // There was something to take, and they did not take it.
        for share in self
            .shares
            .iter_mut()
            .filter(|share| share.serves && share.given < given)
        {
            share.spared_until = Some(passed_at + SPARED);
            share.given = given;
        }
    }

    /// The most that another has that serves and is not probed.
    fn ahead(&self, smsc: SmscId) -> f64 {
        let others = self
            .shares
            .iter()
            .filter(|share| share.smsc != smsc && share.serves && !share.probed);
        others.map(|share| share.given).fold(0.0, f64::max)
    }
}

/// Whether one that has waited so long has done so long enough for those behind. One that is being given something is waited for: it is
/// the store that is slow. One that is probed waits until the others are silent.
fn may_pass(behind: &[Share], is_held_back: bool, (waited, now): (Duration, Instant)) -> bool {
    match is_held_back {
        true => {
            let silence = |at: Instant| now.saturating_duration_since(at);
            let is_silent = |share: &Share| share.asked_at.is_none_or(|at| silence(at) >= SILENT);
            waited >= SILENT && behind.iter().all(is_silent)
        }
        false => waited >= MOMENT && behind.iter().all(|share| share.leasing == 0),
    }
}

impl Share {
    fn is_spared(&self, now: Instant) -> bool {
        self.spared_until.is_some_and(|until| now < until)
    }

    /// Its weight beside others that serve; and whether that is less than its own since it is probed. Where all are probed, none is
    /// better than the others.
    fn weight_among(&self, others: &[Self]) -> (f64, bool) {
        let good = others.iter().filter(|share| !share.probed).map(|share| share.weight);
        let good: f64 = good.sum();
        match self.probed && good > 0.0 {
            true => (PROBE * self.weight.min(good), true),
            false => (self.weight, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const NORTH: SmscId = SmscId(1);
    const SOUTH: SmscId = SmscId(2);

    fn balance(weights: [u32; 2]) -> Balance {
        Balance::new([(NORTH, weights[0]), (SOUTH, weights[1])])
    }

    /// That SMSC asks, and takes at most so many.
    fn take(balance: &mut Balance, smsc: SmscId, most: u32, now: Instant) -> u32 {
        let grant = balance.ask(smsc, now).unwrap();
        let count = grant.most.min(most);
        balance.done(smsc, grant, count);
        count
    }

    /// Both ask in turns until so many messages are given. Returns what each had.
    fn share(balance: &mut Balance, messages: u32, now: Instant) -> [u32; 2] {
        let mut had = [0, 0];
        while had[0] + had[1] < messages {
            for (at, smsc) in [NORTH, SOUTH].into_iter().enumerate() {
                let left = messages - had[0] - had[1];
                had[at] += take(balance, smsc, left, now);
            }
        }
        had
    }

    /// Every 5 ms for so long, the first takes what it may, and the second up to so many in 100 ms. Returns what each had.
    fn limited(balance: &mut Balance, (start, time): (Instant, Duration), most: u32) -> [u32; 2] {
        let (mut had, step) = ([0, 0], Duration::from_millis(5));
        for at in 0..time.as_millis() as u32 / 5 {
            let now = start + step * at;
            had[0] += take(balance, NORTH, u32::MAX, now);
            if at % 20 == 0 && most > 0 {
                had[1] += take(balance, SOUTH, most, now);
            }
        }
        had
    }

    #[test]
    fn what_stood_still_with_those_behind_has_not_waited_for_them() {
        let (start, mut balance) = (Clock::new().now(), balance([2, 4]));
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(take(&mut balance, NORTH, 8, at(0)), 8);
        for ms in [5, 10, 15] {
            assert_eq!(take(&mut balance, NORTH, 8, at(ms)), 0, "the other is behind");
        }
        // Nobody asked for a while.
        assert_eq!(take(&mut balance, NORTH, 8, at(300)), 0);
        let had = share(&mut balance, 6_000, at(305));
        assert!((1_990..=2_010).contains(&(had[0] + 8)), "{had:?}");
    }

    #[test]
    fn each_gets_its_share() {
        let now = Clock::new().now();
        for (weights, messages, expected) in [
            ([1, 1], 10_000, [5_000, 5_000]),
            ([3, 1], 10_000, [7_500, 2_500]),
            ([1, 9], 1_000, [100, 900]),
            ([3, 1], 40, [30, 10]),
        ] {
            let had = share(&mut balance(weights), messages, now);
            let off = had[0].abs_diff(expected[0]);
            assert!(off <= 2 * QUANTUM as u32, "{weights:?}: {had:?}");
        }
    }

    #[test]
    fn one_that_takes_less_than_its_share_holds_the_others_for_a_moment() {
        let (start, time) = (Clock::new().now(), Duration::from_secs(20));
        let alone = 20 * 200 * QUANTUM as u32;
        for most in [0, 1, 4] {
            let mut balance = balance([1, 1]);
            let had = limited(&mut balance, (start, time), most);
            assert_eq!(had[1], 200 * most, "what it can take, it takes");
            assert!(had[0] >= alone / 10 * 9, "{had:?}, and {alone} if it was alone");
            // Its window is no longer full, and what it missed is gone, but for the last moments.
            let had = share(&mut balance, 100_000, start + time + SPARED);
            assert!(had[0].abs_diff(had[1]) <= 2 * 400 * QUANTUM as u32, "{had:?}");
        }
    }

    #[test]
    fn messages_that_come_one_by_one_are_shared_whoever_asks_first() {
        let (start, mut balance, mut had) = (Clock::new().now(), balance([1, 3]), [0, 0]);
        for second in 0..400 {
            let now = start + Duration::from_secs(5) * second;
            // All are told at once, and ask until somebody has it and what is left is nothing.
            let mut left = 1;
            for step in 0..40 {
                let now = now + Duration::from_millis(5) * step;
                for (at, smsc) in [NORTH, SOUTH].into_iter().enumerate() {
                    let taken = take(&mut balance, smsc, left, now);
                    had[at] += taken;
                    left -= taken;
                }
            }
        }
        assert!(had[0].abs_diff(100) <= 10 && had[0] + had[1] == 400, "{had:?}");
    }

    #[test]
    fn one_that_is_away_is_not_waited_for_and_what_it_missed_is_gone() {
        let now = Clock::new().now();
        let mut balance = balance([1, 1]);
        balance.set(SOUTH, (false, false));
        let alone: u32 = (0..100).map(|_| take(&mut balance, NORTH, u32::MAX, now)).sum();
        assert_eq!(alone, 100 * QUANTUM as u32);
        balance.set(SOUTH, (true, false));
        let had = share(&mut balance, 1_000, now);
        assert!(had[0].abs_diff(had[1]) <= 3 * QUANTUM as u32, "{had:?}");
    }

    #[test]
    fn one_that_is_being_given_its_share_is_waited_for() {
        let start = Clock::new().now();
        let mut balance = balance([1, 1]);
        let slow = balance.ask(SOUTH, start).unwrap();
        let mut given = 0;
        for at in 0..100 {
            given += take(&mut balance, NORTH, u32::MAX, start + Duration::from_millis(5) * at);
        }
        assert_eq!(given, 2 * QUANTUM as u32);
        balance.done(SOUTH, slow, slow.most);
    }

    #[test]
    fn one_that_is_probed_gets_less_than_a_fifth_of_its_share_unless_all_are() {
        let now = Clock::new().now();
        for weights in [[1, 1], [9, 1], [1, 9], [100, 100]] {
            let mut balance = balance(weights);
            let before = share(&mut balance, 10_000, now)[0];
            balance.set(NORTH, (true, true));
            let probed = share(&mut balance, 10_000, now)[0];
            assert!(
                probed > 0 && probed * 5 <= before,
                "{weights:?}: {before}, then {probed}"
            );
            balance.set(SOUTH, (true, true));
            let both = share(&mut balance, 10_000, now)[0];
            assert!(both.abs_diff(before) <= 200, "{weights:?}: {before}, then {both}");
        }
    }

    #[test]
    fn one_that_is_probed_takes_what_nobody_else_asks_for() {
        let start = Clock::new().now();
        let mut balance = balance([1, 1]);
        balance.set(NORTH, (true, true));
        let had = limited(&mut balance, (start, Duration::from_secs(20)), 2);
        assert!(had[0] * 5 <= had[1], "{had:?}: the other is slow, and goes on asking");
        let later = start + Duration::from_secs(100);
        let alone = limited(&mut balance, (later, Duration::from_secs(10)), 0)[0];
        assert!(alone >= 8 * 200 * QUANTUM as u32, "{alone}: nobody else asks");
    }
}
