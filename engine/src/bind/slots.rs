//! Places in the windows of an SMSC's sessions: taken before a message is leased, given back with its answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use smpp::command_status::CommandStatus;
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

use super::flight::Segments;
use super::pace::{Bound, Pace, Wait};
use super::wire::Wire;

/// How long a dispatcher waits for a few more places before it goes with the ones there are: leases of a handful cost
/// Redis ten times as much a message as leases of a hundred.
const LINGER: Duration = Duration::from_millis(4);

/// Batches that may wait for a session: every batch holds places in its window, and a window is at most 10,000.
const BATCHES_MAX: usize = 10_000;

/// A session's free places, and the way to it.
#[derive(Debug)]
pub(super) struct Gate {
    places: Mutex<Places>,
    queue: mpsc::Sender<Segments>,
    /// When what was handed over may go, if the session has a rate of its own.
    pace: OnceLock<Mutex<Pace>>,
    /// Something of it left.
    departed: Notify,
}

#[derive(Debug)]
struct Places {
    free: usize,
    /// Of those that are not free, the ones of what was handed over and is not answered.
    handed: usize,
    window: usize,
    /// Of the window, how many may be in use now.
    limit: usize,
    /// While the gate is shut: how many of them may be taken nevertheless.
    shut: Option<usize>,
    /// Nothing is answered in it.
    silent: bool,
}

/// The bound sessions of one SMSC. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pool {
    gates: Arc<Mutex<Vec<Arc<Gate>>>>,
    /// Those that nobody begins with any more, as long as something of them is unanswered.
    retired: Arc<Mutex<Vec<Weak<Gate>>>>,
    freed: Arc<Notify>,
    wire: Wire,
    /// Places in all windows when every session is bound.
    window_total: Arc<AtomicUsize>,
    /// Leases under way, from before the store is asked until their messages are handed over or given back.
    leasing: Arc<AtomicUsize>,
    /// How the last bind was refused, until one is accepted.
    refused: Arc<Mutex<Option<CommandStatus>>>,
}

/// A lease under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Leasing(Arc<AtomicUsize>);

impl Drop for Leasing {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Some places in one session's window. Those that are not used are given back when this is dropped.
#[derive(Debug)]
pub(crate) struct Slots {
    gate: Arc<Gate>,
    freed: Arc<Notify>,
    wire: Wire,
    count: usize,
    /// Taken while the gate was shut.
    through_shut: bool,
}

impl Pool {
    /// So many places are in all windows from now on, when every session is bound.
    pub(super) fn expect(&self, window_total: usize) {
        self.window_total.store(window_total, Ordering::Relaxed);
    }

    /// As [`Pool::slots_now`], but waits a little for a good many of them.
    pub(crate) async fn slots(&self, max: usize) -> Slots {
        // An eighth of all windows is worth waiting for, but not for long.
        let worthwhile = max.min(self.window_total.load(Ordering::Relaxed) / 8).max(1);
        let _enough_or_late = timeout(LINGER, self.until_free(worthwhile)).await;
        self.slots_now(max).await
    }

    /// Waits until there is a place, and takes up to `max` of one session: the freest one.
    pub(crate) async fn slots_now(&self, max: usize) -> Slots {
        loop {
            if let Some(slots) = self.take(max) {
                return slots;
            }
            self.until_free(1).await;
        }
    }

    /// Whether a session is bound and answers: messages can go.
    pub(crate) fn takes_messages(&self) -> bool {
        self.lock().iter().any(|gate| gate.lock().shut.is_none())
    }

    /// A lease begins.
    pub(crate) fn leasing(&self) -> Leasing {
        self.leasing.fetch_add(1, Ordering::Relaxed);
        Leasing(self.leasing.clone())
    }

    /// Segments that its sessions have and that are not answered, and leases under way: 0 when nothing more comes of it by
    /// itself but receipts.
    pub(crate) fn in_flight(&self) -> usize {
        // The leases first: what one hands over meanwhile is counted twice, never not at all.
        let leasing = self.leasing.load(Ordering::Relaxed);
        let handed: usize = self.lock().iter().map(|gate| gate.lock().handed).sum();
        let retired = lock(&self.retired);
        let of_retired = retired.iter().filter_map(Weak::upgrade).map(|gate| gate.lock().handed);
        leasing + handed + of_retired.sum::<usize>()
    }

    /// Places in all windows when every session is bound.
    pub(crate) fn window(&self) -> usize {
        self.window_total.load(Ordering::Relaxed)
    }

    /// Whether a session is bound that takes messages, or would if its window were open.
    pub(crate) fn is_bound(&self) -> bool {
        !self.lock().is_empty()
    }

    /// Whether no place can be had.
    pub(crate) fn is_full(&self) -> bool {
        self.freest().is_none()
    }

    /// Whether sessions are bound, and none of them is answered.
    pub(crate) fn is_silent(&self) -> bool {
        let gates = self.lock();
        let is_silent = |gate: &Arc<Gate>| {
            let places = gate.lock();
            places.silent || places.shut.is_some()
        };
        !gates.is_empty() && gates.iter().all(is_silent)
    }

    /// How the last bind was refused; `None`: it was not, or one was accepted since.
    pub(crate) fn refused(&self) -> Option<CommandStatus> {
        *lock(&self.refused)
    }

    /// A bind was refused, or accepted.
    pub(super) fn set_refused(&self, refused: Option<CommandStatus>) {
        *lock(&self.refused) = refused;
    }

    /// When what was handed to the sessions left.
    pub(crate) fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Waits until a session has that many places.
    async fn until_free(&self, count: usize) {
        loop {
            let freed = self.freed.notified();
            if self.freest().is_some_and(|(_, free)| free >= count) {
                return;
            }
            freed.await;
        }
    }

    fn take(&self, max: usize) -> Option<Slots> {
        let (gate, _) = self.freest()?;
        let (count, through_shut) = gate.take(max);
        (count > 0).then(|| Slots {
            gate,
            freed: self.freed.clone(),
            wire: self.wire.clone(),
            count,
            through_shut,
        })
    }

    fn freest(&self) -> Option<(Arc<Gate>, usize)> {
        let gates = self.lock();
        gates
            .iter()
            .map(|gate| (gate.clone(), gate.lock().available()))
            .filter(|(_, free)| *free > 0)
            .max_by_key(|(_, free)| *free)
    }

    /// A session's gate; shut: none of its places is given out.
    pub(super) fn open(&self, window: usize, shut: bool) -> (Arc<Gate>, mpsc::Receiver<Segments>) {
        let (queue, batches) = mpsc::channel(BATCHES_MAX);
        let places = Places {
            free: window,
            handed: 0,
            window,
            limit: window,
            shut: shut.then_some(0),
            silent: false,
        };
        let gate = Arc::new(Gate {
            places: Mutex::new(places),
            queue,
            pace: OnceLock::new(),
            departed: Notify::new(),
        });
        self.lock().push(gate.clone());
        self.freed.notify_waiters();
        (gate, batches)
    }

    pub(super) fn close(&self, gate: &Arc<Gate>) {
        let mut places = gate.lock();
        // What it did not answer is in doubt from here on.
        (places.free, places.handed) = (0, 0);
        drop(places);
        self.retire(gate);
    }

    /// Nobody begins with it any more; who has a place may use it, and take more for the rest of a message.
    pub(super) fn retire(&self, gate: &Arc<Gate>) {
        self.lock().retain(|known| !Arc::ptr_eq(known, gate));
        let mut retired = lock(&self.retired);
        retired.retain(|known| known.upgrade().is_some_and(|known| !Arc::ptr_eq(&known, gate)));
        retired.push(Arc::downgrade(gate));
    }

    pub(super) fn give_back(&self, gate: &Gate, count: usize) {
        let mut places = gate.lock();
        places.give_back(count);
        places.handed = places.handed.saturating_sub(count);
        drop(places);
        self.freed.notify_waiters();
    }

    /// No more than so many places of the window are used from now on.
    pub(super) fn limit(&self, gate: &Gate, limit: usize) {
        gate.lock().limit = limit;
        self.freed.notify_waiters();
    }

    /// No place is given out until [`Pool::reopen`], but for those of [`Pool::allow_one`].
    pub(super) fn shut(gate: &Gate) {
        gate.lock().shut = Some(0);
    }

    /// One place may be taken though the gate is shut.
    pub(super) fn allow_one(&self, gate: &Gate) {
        if let Some(allowed) = &mut gate.lock().shut {
            *allowed = 1;
        }
        self.freed.notify_waiters();
    }

    /// Whether nothing is answered in it: for those who show it.
    pub(super) fn silence(gate: &Gate, silent: bool) {
        gate.lock().silent = silent;
    }

    /// Every free place may be taken again. `false`: it was not shut.
    pub(super) fn reopen(&self, gate: &Gate) -> bool {
        let was_shut = gate.lock().shut.take().is_some();
        if was_shut {
            self.freed.notify_waiters();
        }
        was_shut
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Gate>>> {
        // The list is whole at every instant, so a panic elsewhere does not spoil it.
        self.gates.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Gate {
    /// The session has a rate of its own from the beginning.
    pub(super) fn pace(&self, bound: Bound, now: Instant) {
        self.pace.get_or_init(|| Mutex::new(Pace::new(Some(bound), now)));
    }

    /// So many segments that were permitted left, or never will.
    pub(super) fn departed(&self, count: usize, at: Option<Instant>) {
        if let (Some(pace), true) = (self.pace.get(), count > 0) {
            lock(pace).departed(count, at);
            self.departed.notify_waiters();
        }
    }

    /// How many were taken, and whether the gate is shut.
    fn take(&self, max: usize) -> (usize, bool) {
        let mut places = self.lock();
        let taken = places.available().min(max);
        places.free -= taken;
        if let Some(allowed) = &mut places.shut {
            *allowed -= taken;
        }
        (taken, places.shut.is_some())
    }

    fn lock(&self) -> MutexGuard<'_, Places> {
        lock(&self.places)
    }
}

/// Both are whole at every instant, so a panic elsewhere does not spoil them.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Places {
    /// More places than the window has would be more unanswered submissions than the SMSC allows.
    fn give_back(&mut self, count: usize) {
        self.free += count;
        assert!(self.free <= self.window, "a place was given back twice");
    }

    fn available(&self) -> usize {
        let free = self.limit.saturating_sub(self.window - self.free);
        self.shut.map_or(free, |allowed| allowed.min(free))
    }
}

impl Slots {
    /// How many places.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Waits for one more place in the same session; `false` when the session is over.
    pub(crate) async fn one_more(&mut self) -> bool {
        loop {
            let freed = self.freed.notified();
            if self.gate.queue.is_closed() {
                return false;
            }
            if let (1, through_shut) = self.gate.take(1) {
                self.count += 1;
                self.through_shut |= through_shut;
                return true;
            }
            // Woken by every freed place, of other sessions too; a session that ends is noticed soon.
            let _freed_or_late = timeout(Duration::from_secs(1), freed).await;
        }
    }

    /// Waits until the session may have a segment by its own rate, and says how many now: 1 to `max`. Each has to be handed over,
    /// or to be given back by [`Slots::unsent`].
    pub(crate) async fn permits(&self, max: usize, now: impl Fn() -> Instant) -> usize {
        let Some(pace) = self.gate.pace.get() else {
            return max;
        };
        loop {
            let departed = self.gate.departed.notified();
            // A session that is over gives it back.
            if self.gate.queue.is_closed() {
                return max;
            }
            let taken = lock(pace).take(max, now());
            match taken {
                Ok(count) => return count,
                Err(Wait::Until(due)) => tokio::time::sleep_until(due.into()).await,
                // A session that ends is noticed soon.
                Err(Wait::Departure) => {
                    let _departed_or_late = timeout(Duration::from_secs(1), departed).await;
                }
            }
        }
    }

    /// Segments that were permitted by the session's rate and do not go.
    pub(crate) fn unsent(&self, count: usize) {
        if !self.gate.queue.is_closed() {
            self.gate.departed(count, None);
        }
    }

    /// Hands segments to the session; each uses a place and a permit. When the session is over they come back, surely
    /// unsent.
    pub(crate) fn submit(&mut self, segments: Segments) -> Result<(), Segments> {
        let used = segments.count().min(self.count);
        // Before the session has them: it may give their places back at once.
        self.gate.lock().handed += used;
        match self.gate.queue.try_send(segments) {
            Ok(()) => {
                self.count -= used;
                Ok(())
            }
            Err(mpsc::error::TrySendError::Full(segments) | mpsc::error::TrySendError::Closed(segments)) => {
                self.wire.unsent(segments.count());
                let mut places = self.gate.lock();
                places.handed = places.handed.saturating_sub(used);
                drop(places);
                Err(segments)
            }
        }
    }

    fn release(&self, count: usize) {
        if count > 0 {
            let mut places = self.gate.lock();
            places.give_back(count);
            if let (Some(allowed), true) = (&mut places.shut, self.through_shut) {
                *allowed = 1;
            }
            drop(places);
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
        let pool = Pool::default();
        let (gate, _batches) = pool.open(10, false);
        let first = pool.slots(8).await;
        let second = pool.slots(8).await;
        assert_eq!((first.count(), second.count()), (8, 2));
        assert!(pool.freest().is_none());
        drop(second);
        assert_eq!(pool.freest().map(|(_, free)| free), Some(2));
        drop(first);
        pool.close(&gate);
        assert!(pool.freest().is_none());
    }

    #[tokio::test]
    async fn used_places_come_back_with_the_answer_only() {
        let pool = Pool::default();
        let (gate, mut batches) = pool.open(2, false);
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

    #[tokio::test]
    async fn a_retired_gate_is_for_those_who_are_in_it() {
        let pool = Pool::default();
        let (gate, _batches) = pool.open(10, false);
        let mut begun = pool.slots(1).await;
        pool.retire(&gate);
        assert!(pool.freest().is_none());
        assert!(begun.one_more().await, "a message of several segments is finished");
        assert_eq!(begun.count(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_with_a_rate_of_its_own_has_no_more_than_that_in_any_second() {
        let (pool, clock) = (Pool::default(), crate::clock::Clock::new());
        let (gate, _batches) = pool.open(1_000, false);
        let start = clock.now();
        gate.pace(Bound { rate: 50.0, burst: 1 }, start);
        let slots = pool.slots(1_000).await;
        let mut left = 0;
        while left < 151 {
            let count = slots.permits(151 - left, || clock.now()).await;
            gate.departed(count, Some(clock.now()));
            left += count;
        }
        let seconds = (clock.now() - start).as_secs_f64();
        assert!((2.9..=3.2).contains(&seconds), "150 at 50/s took {seconds} s");
        let more = slots.permits(10, || clock.now()).await;
        slots.unsent(more);
        assert!(
            slots.permits(10, || clock.now()).await > 0,
            "what never went was given back"
        );
    }

    #[tokio::test]
    async fn a_window_that_shrinks_gives_out_what_is_left_of_it() {
        let pool = Pool::default();
        let (gate, _batches) = pool.open(10, false);
        let first = pool.slots(6).await;
        pool.limit(&gate, 4);
        assert!(pool.freest().is_none(), "more are in use than may be");
        drop(first);
        assert_eq!(pool.freest().map(|(_, free)| free), Some(4));
        pool.limit(&gate, 10);
        assert_eq!(pool.slots(20).await.count(), 10);
    }

    #[tokio::test]
    async fn a_shut_gate_gives_out_the_one_place_that_is_allowed() {
        let pool = Pool::default();
        let (gate, _batches) = pool.open(10, false);
        let taken = pool.slots(4).await;
        Pool::shut(&gate);
        drop(taken);
        assert!(
            pool.freest().is_none(),
            "what was taken before comes back to a shut gate"
        );
        pool.allow_one(&gate);
        let unused = pool.slots(10).await;
        assert_eq!(unused.count(), 1);
        assert!(pool.freest().is_none());
        drop(unused);
        let mut used = pool.slots(10).await;
        used.count = 0; // as if its segment had been handed over
        drop(used);
        assert!(pool.freest().is_none());
        assert!(pool.reopen(&gate) && !pool.reopen(&gate));
        assert_eq!(pool.slots(20).await.count(), 9);
    }
}
