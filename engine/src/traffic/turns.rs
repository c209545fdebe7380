//! Whose turn it is: pure.

use std::time::{Duration, Instant};

use crate::campaign::Served;
use crate::domain::{RouteId, SmscId, UnixMicros};

/// Whether an SMSC can be used: it changes only when what is seen has stayed for a while.
#[derive(Clone, Copy, Debug)]
pub(super) struct Presence {
    usable: bool,
    seen: bool,
    since: Instant,
}

impl Presence {
    /// It gets the time to bind.
    pub(super) fn new(now: Instant) -> Self {
        Self {
            usable: true,
            seen: false,
            since: now,
        }
    }

    pub(super) fn is_usable(self) -> bool {
        self.usable
    }

    /// It has a session that takes messages now, or has none.
    pub(super) fn note(&mut self, seen: bool, patience: Duration, now: Instant) {
        if seen != self.seen {
            (self.seen, self.since) = (seen, now);
        }
        if now.saturating_duration_since(self.since) >= patience {
            self.usable = seen;
        }
    }
}

/// An SMSC that may have a turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Party {
    pub(super) smsc: SmscId,
    pub(super) usable: bool,
    pub(super) suspended: bool,
}

/// The routes of each party: on each route, those of the smallest rank among the usable ones have the turn: by priority, and by price
/// where that matters. Where none is usable, the first that comes back takes what waits: all of them have it, but who is suspended.
pub(super) fn turns(parties: &[Party], routes: &[Served], now: UnixMicros) -> Vec<Vec<RouteId>> {
    let mut turns = vec![Vec::new(); parties.len()];
    for served in routes {
        let rank_of = |smsc| {
            let serving = served.smscs.iter().find(|serving| serving.smsc == smsc);
            serving.map(|serving| serving.rank(now))
        };
        let candidates: Vec<(usize, (u8, u8), bool)> = parties
            .iter()
            .enumerate()
            .filter(|(_, party)| !party.suspended)
            .filter_map(|(at, party)| Some((at, rank_of(party.smsc)?, party.usable)))
            .collect();
        let usable = candidates.iter().filter(|(.., usable)| *usable);
        let first = usable.map(|(_, rank, _)| *rank).min();
        for (at, rank, _) in candidates {
            if first.is_none_or(|first| rank == first) {
                turns[at].push(served.route);
            }
        }
    }
    turns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Serving;
    use crate::clock::Clock;

    const SECOND: Duration = Duration::from_secs(1);

    fn served(route: u16, smscs: &[(u16, u8)]) -> Served {
        Served {
            route: RouteId(route),
            name: format!("r{route}"),
            prefer: None,
            smscs: smscs
                .iter()
                .map(|(id, priority)| Serving {
                    smsc: SmscId(*id),
                    priority: *priority,
                    weight: None,
                    cheaper: Vec::new(),
                })
                .collect(),
        }
    }

    fn party(smsc: u16, usable: bool, suspended: bool) -> Party {
        Party {
            smsc: SmscId(smsc),
            usable,
            suspended,
        }
    }

    #[test]
    fn the_smallest_priority_that_can_has_the_turn() {
        let routes = [served(1, &[(1, 1), (2, 1), (3, 2)]), served(2, &[(3, 1)])];
        let of = |parties: [Party; 3]| -> Vec<Vec<u16>> {
            let numbers = |routes: Vec<RouteId>| routes.into_iter().map(|route| route.0).collect();
            turns(&parties, &routes, UnixMicros(50))
                .into_iter()
                .map(numbers)
                .collect()
        };
        let [up, down, suspended] = [(true, false), (false, false), (true, true)];
        for (states, expected) in [
            ([up, up, up], [&[1][..], &[1], &[2]]),
            ([down, up, up], [&[1], &[1], &[2]]),
            ([down, down, up], [&[], &[], &[1, 2]]),
            ([suspended, down, up], [&[], &[], &[1, 2]]),
            ([suspended, up, up], [&[], &[1], &[2]]),
            ([down, down, down], [&[1], &[1], &[1, 2]]),
            ([suspended, suspended, suspended], [&[], &[], &[]]),
        ] {
            let parties = [1, 2, 3].map(|smsc| {
                let (usable, suspended) = states[usize::from(smsc) - 1];
                party(smsc, usable, suspended)
            });
            assert_eq!(of(parties), expected, "{states:?}");
        }
    }

    #[test]
    fn the_cheapest_of_the_smallest_priority_that_can_has_the_turn_from_its_date_on() {
        let mut route = served(1, &[(1, 1), (2, 1), (3, 2)]);
        route.smscs[0].cheaper = vec![(UnixMicros(0), 0), (UnixMicros(100), 1)];
        route.smscs[1].cheaper = vec![(UnixMicros(0), 1), (UnixMicros(100), 0)];
        let whose = |usable: [bool; 3], now| -> Vec<usize> {
            let parties = [1, 2, 3].map(|smsc| party(smsc, usable[usize::from(smsc) - 1], false));
            let turns = turns(&parties, std::slice::from_ref(&route), UnixMicros(now));
            (0..3).filter(|at| !turns[*at].is_empty()).collect()
        };
        assert_eq!(whose([true, true, true], 99), [0]);
        assert_eq!(whose([true, true, true], 100), [1]);
        assert_eq!(whose([false, true, true], 99), [1]);
        assert_eq!(whose([false, false, true], 99), [2]);
        assert_eq!(whose([false, false, false], 99), [0, 1, 2]);
    }

    #[test]
    fn an_smsc_is_given_up_and_taken_back_after_a_while() {
        let start = Clock::new().now();
        let mut presence = Presence::new(start);
        let mut at = |seconds: u32, seen| {
            presence.note(seen, 5 * SECOND, start + seconds * SECOND);
            presence.is_usable()
        };
        assert!(at(4, false), "it may still be binding");
        assert!(!at(5, false));
        assert!(!at(6, true));
        assert!(!at(8, false), "it came and went");
        assert!(!at(9, true));
        assert!(at(14, true));
        assert!(at(18, false));
        assert!(at(20, true), "it was away for a moment");
    }
}
