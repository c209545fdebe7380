//! Shares of a route by weight: pure.
//!
//! Each SMSC has what it was given, divided by its weight; whoever is ahead of another that asks too waits. An SMSC that does not
//! ask any more, since it is full or slow beyond reason, is not waited for, and what it missed is not made up for.

use std::time::{Duration, Instant};

use crate::domain::SmscId;

/// Who has not asked for so long is not waited for.
const ASKS: Duration = Duration::from_secs(1);

/// Messages of the smallest share that are given at once: small campaigns are shared too.
const QUANTUM: u32 = 8;

/// Of a larger share at most.
const QUANTUM_MAX: u32 = 128;

/// What one SMSC was given of a route.
#[derive(Clone, Copy, Debug)]
struct Share {
    smsc: SmscId,
    priority: u8,
    weight: u32,
    /// Messages, divided by the weight.
    given: f64,
    asked_at: Option<Instant>,
}

/// The shares of a route whose SMSCs have weights.
#[derive(Clone, Debug)]
pub(super) struct Balance {
    shares: Vec<Share>,
}

impl Balance {
    /// Each SMSC with its priority and weight.
    pub(super) fn new(smscs: impl IntoIterator<Item = (SmscId, u8, u32)>) -> Self {
        let share = |(smsc, priority, weight)| Share {
            smsc,
            priority,
            weight,
            given: 0.0,
            asked_at: None,
        };
        Self {
            shares: smscs.into_iter().map(share).collect(),
        }
    }

    /// How many messages that SMSC may be given now; they count as given. 0: others are first. `None`: it has no weight.
    pub(super) fn ask(&mut self, smsc: SmscId, now: Instant) -> Option<u32> {
        let at = self.shares.iter().position(|share| share.smsc == smsc)?;
        let own = self.shares[at];
        self.shares[at].asked_at = Some(now);
        let asks = |share: &&Share| share.smsc != smsc && share.priority == own.priority && share.asks(now);
        let others: Vec<Share> = self.shares.iter().filter(asks).copied().collect();
        let quantum = own.quantum(&others);
        let behind = others.iter().map(|share| share.given).fold(f64::INFINITY, f64::min);
        let ahead = others.iter().map(|share| share.given).fold(0.0, f64::max);
        // What it missed while it did not ask is gone.
        let given = if own.asks(now) { own.given } else { own.given.max(ahead) };
        if given > behind {
            return Some(0);
        }
        self.shares[at].given = given + f64::from(quantum) / f64::from(own.weight);
        Some(quantum)
    }

    /// Of what it was to be given, so much was not there.
    pub(super) fn left(&mut self, smsc: SmscId, count: u32) {
        if let Some(share) = self.shares.iter_mut().find(|share| share.smsc == smsc) {
            share.given -= f64::from(count) / f64::from(share.weight);
        }
    }
}

impl Share {
    fn asks(&self, now: Instant) -> bool {
        self.asked_at.is_some_and(|at| now.saturating_duration_since(at) < ASKS)
    }

    fn quantum(&self, others: &[Self]) -> u32 {
        let smallest = others.iter().map(|share| share.weight).fold(self.weight, u32::min);
        (QUANTUM * self.weight / smallest).min(QUANTUM_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    const NORTH: SmscId = SmscId(1);
    const SOUTH: SmscId = SmscId(2);

    fn balance(weights: [u32; 2]) -> Balance {
        Balance::new([(NORTH, 1, weights[0]), (SOUTH, 1, weights[1])])
    }

    /// Both ask in turns until so many messages are given. Returns what each had.
    fn share(balance: &mut Balance, messages: u32, now: Instant) -> [u32; 2] {
        let mut had = [0, 0];
        while had[0] + had[1] < messages {
            for (at, smsc) in [NORTH, SOUTH].into_iter().enumerate() {
                let left = messages - had[0] - had[1];
                let given = balance.ask(smsc, now).unwrap();
                balance.left(smsc, given - given.min(left));
                had[at] += given.min(left);
            }
        }
        had
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
            assert!(off <= 2 * QUANTUM, "{weights:?}: {had:?}");
        }
    }

    #[test]
    fn who_does_not_ask_is_not_waited_for_and_what_it_missed_is_gone() {
        let start = Clock::new().now();
        let mut balance = balance([1, 1]);
        share(&mut balance, 1_000, start);
        let later = start + ASKS;
        let alone: u32 = (0..100).filter_map(|_| balance.ask(NORTH, later)).sum();
        assert_eq!(alone, 100 * QUANTUM);
        let had = share(&mut balance, 1_000, later);
        assert!(had[0].abs_diff(had[1]) <= 3 * QUANTUM, "{had:?}");
    }

    #[test]
    fn other_priorities_are_not_waited_for() {
        let now = Clock::new().now();
        let mut balance = Balance::new([(NORTH, 1, 1), (SOUTH, 2, 1)]);
        balance.ask(SOUTH, now);
        let first: u32 = (0..50).filter_map(|_| balance.ask(NORTH, now)).sum();
        assert_eq!(first, 50 * QUANTUM);
    }
}
