//! Places in the windows of an SMSC's sessions: taken before a message is leased, given back with its answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::flight::Segments;

/// How long a dispatcher waits for a few more places before it goes with the ones there are: leases of a handful cost
/// Redis ten times as much a message as leases of a hundred.
const LINGER: Duration = Duration::from_millis(2);

/// Batches that may wait for a session: every batch holds places in its window, and a window is at most 10,000.
const BATCHES_MAX: usize = 10_000;

/// A session's free places, and the way to it.
#[derive(Debug)]
pub(super) struct Gate {
    free: AtomicUsize,
    queue: mpsc::Sender<Segments>,
}

/// The bound sessions of one SMSC. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pool {
    gates: Arc<Mutex<Vec<Arc<Gate>>>>,
    freed: Arc<Notify>,
    /// Places in all windows when every session is bound.
    window_total: usize,
}

/// Some places in one session's window. Those that are not used are given back when this is dropped.
#[derive(Debug)]
pub struct Slots {
    gate: Arc<Gate>,
    freed: Arc<Notify>,
    count: usize,
}

impl Pool {
    pub(super) fn new(window_total: usize) -> Self {
        Self {
            gates: Arc::default(),
            freed: Arc::default(),
            window_total,
        }
    }

    /// Waits until there are places, and takes up to `max` of one session: the freest one.
    pub async fn slots(&self, max: usize) -> Slots {
        // An eighth of all windows is worth waiting for, but not for long.
        let worthwhile = max.min(self.window_total / 8).max(1);
        loop {
            let freed = self.freed.notified();
            match self.freest() {
                Some((_, free)) if free < worthwhile => {
                    let _more_or_late = timeout(LINGER, freed).await;
                    if let Some(slots) = self.take(max) {
                        return slots;
                    }
                }
                Some(_) => {
                    if let Some(slots) = self.take(max) {
                        return slots;
                    }
                }
                None => freed.await,
            }
        }
    }

    /// Whether any session is bound.
    pub fn is_bound(&self) -> bool {
        !self.lock().is_empty()
    }

    fn take(&self, max: usize) -> Option<Slots> {
        let (gate, _) = self.freest()?;
        let count = gate.take(max);
        (count > 0).then(|| Slots {
            gate,
            freed: self.freed.clone(),
            count,
        })
    }

    fn freest(&self) -> Option<(Arc<Gate>, usize)> {
        let gates = self.lock();
        let free = |gate: &Arc<Gate>| gate.free.load(Ordering::Relaxed);
        gates
            .iter()
            .map(|gate| (gate.clone(), free(gate)))
            .filter(|(_, free)| *free > 0)
            .max_by_key(|(_, free)| *free)
    }

    pub(super) fn open(&self, window: usize) -> (Arc<Gate>, mpsc::Receiver<Segments>) {
        let (queue, batches) = mpsc::channel(BATCHES_MAX);
        let gate = Arc::new(Gate {
            free: AtomicUsize::new(window),
            queue,
        });
        self.lock().push(gate.clone());
        self.freed.notify_waiters();
        (gate, batches)
    }

    pub(super) fn close(&self, gate: &Arc<Gate>) {
        gate.free.store(0, Ordering::Relaxed);
        self.lock().retain(|known| !Arc::ptr_eq(known, gate));
    }

    pub(super) fn give_back(&self, gate: &Gate, count: usize) {
        gate.free.fetch_add(count, Ordering::Relaxed);
        self.freed.notify_waiters();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Gate>>> {
        // The list is whole at every instant, so a panic elsewhere does not spoil it.
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    fn take(&self, max: usize) -> usize {
        let taken = self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| {
            Some(free.saturating_sub(max))
        });
        taken.map_or(0, |before| before.min(max))
    }
}

impl Slots {
    /// How many places.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Gives all but `count` back.
    pub fn keep(&mut self, count: usize) {
        let surplus = self.count.saturating_sub(count);
        self.count -= surplus;
        self.release(surplus);
    }

    /// Waits for one more place in the same session; `false` when the session is over.
    pub async fn one_more(&mut self) -> bool {
        loop {
            let freed = self.freed.notified();
            if self.gate.queue.is_closed() {
                return false;
            }
            if self.gate.take(1) == 1 {
                self.count += 1;
                return true;
            }
            // Woken by every freed place, of other sessions too; a session that ends is noticed soon.
            let _freed_or_late = timeout(Duration::from_secs(1), freed).await;
        }
    }

    /// Hands segments to the session; each uses a place. When the session is over they come back, surely unsent.
    pub fn submit(&mut self, segments: Segments) -> Result<(), Segments> {
        let used = segments.count().min(self.count);
        match self.gate.queue.try_send(segments) {
            Ok(()) => {
                self.count -= used;
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(segments) | mpsc::error::TrySendError::Closed(segments)) => {
                Err(segments)
            }
        }
    }

    fn release(&self, count: usize) {
        if count > 0 {
            self.gate.free.fetch_add(count, Ordering::Relaxed);
            self.freed.notify_waiters();
        }
    }
}

impl Drop for Slots {
    fn drop(&mut self) {
        self.release(self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_are_taken_once_and_come_back() {
        let pool = Pool::new(10);
        let (gate, _batches) = pool.open(10);
        let mut first = pool.slots(8).await;
        let second = pool.slots(8).await;
        assert_eq!((first.count(), second.count()), (8, 2));
        assert!(pool.freest().is_none());
        first.keep(3);
        drop(second);
        assert_eq!(pool.freest().map(|(_, free)| free), Some(7));
        drop(first);
        pool.close(&gate);
        assert!(!pool.is_bound());
    }

    #[tokio::test]
    async fn used_places_come_back_with_the_answer_only() {
        let pool = Pool::new(2);
        let (gate, mut batches) = pool.open(2);
        let mut slots = pool.slots(2).await;
        slots.submit(Segments::default()).unwrap();
        assert_eq!(slots.count(), 2, "an empty batch uses none");
        slots.count = 0; // as if two segments had been handed over
        drop(slots);
        assert!(pool.freest().is_none());
        assert!(batches.recv().await.is_some());
        pool.give_back(&gate, 2);
        assert_eq!(pool.slots(5).await.count(), 2);
    }
}
