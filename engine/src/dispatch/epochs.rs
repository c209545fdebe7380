//! The epochs of this process: the first, by which others know it, the one that it leases under, and those that it gave up.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::bind::Lease;

/// What this process leases under, and leased under before.
#[derive(Debug)]
pub(super) struct Epochs {
    first: u32,
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    current: Arc<Lease>,
    /// Given up since the database came back older; some of their messages may still be in flight.
    retired: Vec<Arc<Lease>>,
}

impl Epochs {
    /// One, as yet without leases, under the first rules.
    pub(super) fn new(first: u32) -> Self {
        let known = Known {
            current: Arc::new(Lease::new(first, 1)),
            retired: Vec::new(),
        };
        Self {
            first,
            known: Mutex::new(known),
        }
    }

    /// The one that it began with, under which it is known as long as it lives.
    pub(super) fn first(&self) -> u32 {
        self.first
    }

    /// The one to lease under now.
    pub(super) fn current(&self) -> Arc<Lease> {
        self.known().current.clone()
    }

    /// Leases under another one, unless somebody saw to that already.
    pub(super) fn replace(&self, lost: u32, epoch: u32) {
        let mut known = self.known();
        if known.current.epoch == lost {
            let edition = known.current.edition;
            let old = std::mem::replace(&mut known.current, Arc::new(Lease::new(epoch, edition)));
            known.retired.push(old);
        }
    }

    /// Leases under those of the rules that were obeyed from now on.
    pub(super) fn obey(&self, edition: u16) {
        let mut known = self.known();
        let next = Lease {
            epoch: known.current.epoch,
            edition,
            of_epoch: known.current.of_epoch.clone(),
        };
        known.current = Arc::new(next);
    }

    /// All of them, each once.
    pub(super) fn own(&self) -> Vec<u32> {
        let known = self.known();
        let mut own: Vec<u32> = known.retired.iter().map(|lease| lease.epoch).collect();
        own.extend([self.first, known.current.epoch]);
        own.sort_unstable();
        own.dedup();
        own
    }

    /// Those given up none of whose messages is in flight any more: what is leased under them came back from the past.
    pub(super) fn unreachable(&self) -> Vec<u32> {
        let known = self.known();
        let out = known.retired.iter().filter(|lease| is_idle(lease));
        out.map(|lease| lease.epoch).collect()
    }

    /// Nothing is leased under that one any more.
    pub(super) fn forget(&self, epoch: u32) {
        self.known().retired.retain(|lease| lease.epoch != epoch);
    }

    /// Whether nothing that was leased is in flight.
    pub(super) fn are_idle(&self) -> bool {
        let known = self.known();
        known.retired.is_empty() && is_idle(&known.current)
    }

    /// Whole at every instant, so a panic elsewhere does not spoil it.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether nothing is in flight of a lease, nor of others of its epoch.
fn is_idle(lease: &Arc<Lease>) -> bool {
    Arc::strong_count(lease) == 1 && Arc::strong_count(&lease.of_epoch) == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_given_up_is_kept_while_its_messages_are_in_flight() {
        let epochs = Epochs::new(4);
        let in_flight = epochs.current();
        assert!(!epochs.are_idle());
        epochs.replace(4, 7);
        epochs.replace(4, 8);
        assert_eq!(epochs.current().epoch, 7, "somebody saw to it already");
        assert_eq!((epochs.own(), epochs.unreachable()), (vec![4, 7], vec![]));
        drop(in_flight);
        assert_eq!(epochs.unreachable(), [4]);
        assert!(
            !epochs.are_idle(),
            "what is leased under the old one is not resolved yet"
        );
        epochs.forget(4);
        assert_eq!((epochs.own(), epochs.first()), (vec![4, 7], 4));
        assert!(epochs.are_idle());
    }

    #[test]
    fn what_was_leased_under_other_rules_is_in_flight_all_the_same() {
        let epochs = Epochs::new(4);
        let in_flight = epochs.current();
        epochs.obey(2);
        assert_eq!((in_flight.edition, epochs.current().edition), (1, 2));
        assert!(!epochs.are_idle());
        epochs.replace(4, 7);
        assert_eq!(epochs.current().edition, 2);
        assert_eq!(epochs.unreachable(), [] as [u32; 0]);
        drop(in_flight);
        assert_eq!(epochs.unreachable(), [4]);
    }
}
