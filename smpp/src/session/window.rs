//! The unanswered requests of a session, found by sequence number in one step.

use std::time::{Duration, Instant};

/// Sequence numbers go from 1 to this and round again (3.4, 3.2).
const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;

pub(super) struct Entry<T> {
    pub(super) token: T,
    pub(super) handed_at: Instant,
    /// Reported as overdue: its place in the window is free again, but a late answer is still welcome.
    pub(super) overdue: bool,
    sequence: u32,
    end: u64,
}

/// A ring by `sequence & mask`. It has four places for each of the window, so that a free one is next to the counter;
/// a number whose place is taken by an unanswered request is skipped.
pub(super) struct Window<T> {
    ring: Vec<Option<Entry<T>>>,
    next: u32,
    in_flight: usize,
}

impl<T> Window<T> {
    pub(super) fn new(window: usize) -> Self {
        let places = (window.max(1) * 4).next_power_of_two();
        Self {
            ring: (0..places).map(|_| None).collect(),
            next: 1,
            in_flight: 0,
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// A sequence number for a request that is not kept here.
    pub(super) fn next_sequence(&mut self) -> u32 {
        let sequence = self.next;
        self.next = if sequence >= SEQUENCE_MAX { 1 } else { sequence + 1 };
        sequence
    }

    /// Keeps a request; `end` is where its octets end in the stream. Returns its sequence number.
    pub(super) fn insert(&mut self, token: T, handed_at: Instant, end: u64) -> u32 {
        let mut sequence = self.next_sequence();
        for _ in 0..self.ring.len() {
            // An overdue request gives way: its message is in doubt already.
            if self.ring[self.place(sequence)]
                .as_ref()
                .is_none_or(|entry| entry.overdue)
            {
                break;
            }
            sequence = self.next_sequence();
        }
        let place = self.place(sequence);
        // The window is a quarter of the ring: a request that is lost here is a message that is sent twice.
        assert!(
            self.ring[place].as_ref().is_none_or(|entry| entry.overdue),
            "an unanswered request would be forgotten"
        );
        self.ring[place] = Some(Entry {
            token,
            handed_at,
            overdue: false,
            sequence,
            end,
        });
        self.in_flight += 1;
        sequence
    }

    pub(super) fn take(&mut self, sequence: u32) -> Option<Entry<T>> {
        let place = self.place(sequence);
        let entry = self.ring[place].take_if(|entry| entry.sequence == sequence)?;
        if !entry.overdue {
            assert!(self.in_flight > 0, "more answers than requests");
            self.in_flight -= 1;
        }
        Some(entry)
    }

    /// Marks what is older than `limit` as overdue. Returns when the oldest of these was handed over.
    pub(super) fn expire(&mut self, now: Instant, limit: Duration, mut report: impl FnMut(&T)) -> Option<Instant> {
        if self.in_flight == 0 {
            return None;
        }
        let mut oldest: Option<Instant> = None;
        for entry in self.ring.iter_mut().flatten() {
            if !entry.overdue && now.saturating_duration_since(entry.handed_at) >= limit {
                entry.overdue = true;
                self.in_flight -= 1;
                oldest = Some(oldest.map_or(entry.handed_at, |known| known.min(entry.handed_at)));
                report(&entry.token);
            }
        }
        oldest
    }

    /// Every request that is neither answered nor overdue, with the end of its octets.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (T, u64)> + use<'_, T> {
        debug_assert_eq!(
            self.in_flight,
            self.ring.iter().flatten().filter(|entry| !entry.overdue).count()
        );
        self.in_flight = 0;
        let entries = self.ring.iter_mut().filter_map(Option::take);
        entries
            .filter(|entry| !entry.overdue)
            .map(|entry| (entry.token, entry.end))
    }

    fn place(&self, sequence: u32) -> usize {
        sequence as usize & (self.ring.len() - 1)
    }

    #[cfg(test)]
    pub(super) fn start_at(&mut self, sequence: u32) {
        self.next = sequence;
    }
}
