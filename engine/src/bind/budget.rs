//! How many binds an account may ask for in an hour: carriers lock accounts that ask too often.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const HOUR: Duration = Duration::from_secs(3_600);

/// The binds of one account, over all its sessions. Half of an hour's binds may go at once, the other half evenly over the
/// hour: in any hour no more than all, and an account that was away for long does not wait for an hour to come back.
#[derive(Debug)]
pub(super) struct Budget {
    per_hour: u32,
    /// How much later each bind makes the next ones.
    interval: Duration,
    /// How far ahead of an even pace the binds may be.
    ahead: Duration,
    /// When those that were taken would have gone, evenly one after the other.
    paced: Mutex<Option<Instant>>,
}

/// The right to bind once; given back when it is dropped unused.
#[derive(Debug)]
pub(super) struct Ticket<'a> {
    budget: &'a Budget,
    used: bool,
}

impl Budget {
    /// `per_hour`: at least 2.
    pub(super) fn new(per_hour: u32) -> Self {
        let at_once = per_hour / 2;
        let interval = HOUR / (per_hour - at_once);
        Self {
            per_hour,
            interval,
            ahead: interval * (at_once - 1),
            paced: Mutex::default(),
        }
    }

    pub(super) fn per_hour(&self) -> u32 {
        self.per_hour
    }

    /// One bind, or how long to wait before there may be one.
    pub(super) fn take(&self, now: Instant) -> Result<Ticket<'_>, Duration> {
        let mut paced = self.paced.lock().unwrap_or_else(PoisonError::into_inner);
        let next = paced.unwrap_or(now).max(now);
        let early = next - now;
        if early > self.ahead {
            return Err(early - self.ahead);
        }
        *paced = Some(next + self.interval);
        Ok(Ticket {
            budget: self,
            used: false,
        })
    }
}

impl Ticket<'_> {
    /// The bind is asked for.
    pub(super) fn spend(mut self) {
        self.used = true;
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        if !self.used {
            let mut paced = self.budget.paced.lock().unwrap_or_else(PoisonError::into_inner);
            *paced = paced.and_then(|next| next.checked_sub(self.budget.interval));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// When each bind goes of someone who always wants to, over three hours.
    fn binds(per_hour: u32) -> Vec<Duration> {
        let (budget, start) = (Budget::new(per_hour), Clock::new().now());
        let (mut now, mut binds) = (start, Vec::new());
        while now < start + 3 * HOUR {
            match budget.take(now) {
                Ok(ticket) => {
                    ticket.spend();
                    binds.push(now - start);
                }
                Err(wait) => now += wait,
            }
        }
        binds
    }

    #[test]
    fn in_any_hour_there_are_at_most_so_many_and_half_of_them_at_once() {
        for per_hour in [2, 3, 10, 600] {
            let binds = binds(per_hour);
            let at_once = binds.iter().filter(|at| at.is_zero()).count();
            assert_eq!(at_once as u32, per_hour / 2);
            for from in &binds {
                let within = binds.iter().filter(|at| (*from..*from + HOUR).contains(*at));
                let count = within.count() as u32;
                assert!(count <= per_hour, "{count} in an hour from {from:?} on");
            }
            let (all, half) = (binds.len() as u32, per_hour / 2);
            assert!(all >= per_hour + half, "{all} in three hours");
        }
    }

    #[test]
    fn a_bind_that_was_not_asked_for_costs_nothing() {
        let (budget, now) = (Budget::new(2), Clock::new().now());
        drop(budget.take(now).unwrap());
        budget.take(now).unwrap().spend();
        assert_eq!(budget.take(now).unwrap_err(), HOUR);
        assert!(budget.take(now + HOUR).is_ok());
    }
}
