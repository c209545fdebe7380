//! Which partitions have something due: rung by whoever enqueues, by timers, and by a look around from time to time.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use crate::domain::{PARTITIONS_MAX, Partition, SmscId, Way};
use crate::engines::{Call, Engines};
use crate::traffic::Service;

/// The partitions of one SMSC that are worth a lease. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Doorbell {
    state: Arc<Mutex<Waiting>>,
    rung: Arc<Notify>,
    rung_urgently: Arc<Notify>,
}

#[derive(Debug)]
struct Waiting {
    /// One bit a partition.
    waiting: u64,
    /// Those where something urgent came: looked at first.
    urgent: u64,
    /// The partition that was answered last: the next one is behind it, so that all get their turn.
    last: u32,
    /// When deferred messages are due.
    due: [Option<Instant>; PARTITIONS_MAX as usize],
}

impl Default for Waiting {
    fn default() -> Self {
        Self {
            waiting: 0,
            urgent: 0,
            last: 0,
            due: [None; PARTITIONS_MAX as usize],
        }
    }
}

impl Waiting {
    /// The next partition, which is no longer waiting then.
    fn next(&mut self, now: Instant) -> Option<Partition> {
        self.look_at_the_clock(now);
        let set = if self.urgent != 0 { self.urgent } else { self.waiting };
        self.next_of(set)
    }

    fn look_at_the_clock(&mut self, now: Instant) {
        for (at, due) in self.due.iter_mut().enumerate() {
            if due.is_some_and(|due| due <= now) {
                *due = None;
                self.waiting |= 1 << at;
            }
        }
    }

    fn next_of(&mut self, set: u64) -> Option<Partition> {
        if set == 0 {
            return None;
        }
        let turned = set.rotate_right(self.last + 1);
        let at = (turned.trailing_zeros() + self.last + 1) % u64::BITS;
        self.last = at;
        self.waiting &= !(1 << at);
        self.urgent &= !(1 << at);
        Some(Partition(at as u16))
    }

    fn earliest(&self) -> Option<Instant> {
        self.due.iter().flatten().min().copied()
    }
}

impl Doorbell {
    /// Something may be due in any of them.
    pub(crate) fn ring_all(&self, partitions: impl IntoIterator<Item = Partition>) {
        partitions.into_iter().for_each(|partition| self.ring(partition, true));
    }

    /// Something is due in that partition.
    pub(crate) fn ring(&self, partition: Partition, urgent: bool) {
        let mut state = self.lock();
        state.waiting |= 1 << partition.0;
        if urgent {
            state.urgent |= 1 << partition.0;
        }
        drop(state);
        if urgent {
            self.rung_urgently.notify_one();
        }
        self.rung.notify_one();
    }

    /// Something may be due in each of these, a bit a partition.
    fn ring_each(&self, waiting: u64, urgent: u64) {
        let mut state = self.lock();
        state.waiting |= waiting | urgent;
        state.urgent |= urgent;
        drop(state);
        if urgent != 0 {
            self.rung_urgently.notify_one();
        }
        self.rung.notify_one();
    }

    /// Something will be due there.
    pub(crate) fn ring_at(&self, partition: Partition, due: Instant) {
        let mut state = self.lock();
        let place = &mut state.due[usize::from(partition.0)];
        *place = Some(place.map_or(due, |known| known.min(due)));
        drop(state);
        self.rung.notify_one();
    }

    /// Waits until a partition is to be looked at.
    pub(crate) async fn rung(&self, now: impl Fn() -> Instant) {
        loop {
            let rung = self.rung.notified();
            let due = {
                let mut state = self.lock();
                state.look_at_the_clock(now());
                if state.waiting != 0 {
                    return;
                }
                state.earliest()
            };
            match due {
                Some(due) => {
                    tokio::select! {
                        () = rung => {}
                        () = tokio::time::sleep_until(due.into()) => {}
                    }
                }
                None => rung.await,
            }
        }
    }

    /// The next partition to be looked at, urgent ones first.
    pub(crate) fn next(&self, now: Instant) -> Option<Partition> {
        let mut state = self.lock();
        let next = state.next(now);
        if state.waiting != 0 {
            self.rung.notify_one();
        }
        next
    }

    /// Waits until something urgent is anywhere.
    pub(crate) async fn rung_urgently(&self) {
        loop {
            let rung = self.rung_urgently.notified();
            if self.lock().urgent != 0 {
                return;
            }
            rung.await;
        }
    }

    /// The next partition where something urgent is, if nobody else has looked there meanwhile.
    pub(crate) fn next_urgent(&self) -> Option<Partition> {
        let mut state = self.lock();
        let urgent = state.urgent;
        state.next_of(urgent)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The doorbells of all SMSCs, with what these may be given, and of other engines. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Bells {
    own: Arc<ArcSwap<Vec<(Doorbell, Service)>>>,
    others: Arc<OnceLock<Engines>>,
}

impl Bells {
    /// Other engines are rung for as well, from now on.
    pub(crate) fn ring_others(&self, engines: &Engines) {
        let _once = self.others.set(engines.clone());
    }

    /// Another engine rings.
    pub(crate) fn heard(&self, call: Call) {
        for (bell, _) in self.own.load().iter() {
            bell.ring_each(call.waiting, call.urgent);
        }
    }

    /// These SMSCs are fed from now on.
    pub(crate) fn replace(&self, doorbells: impl IntoIterator<Item = (Doorbell, Service)>) {
        self.own.store(Arc::new(doorbells.into_iter().collect()));
    }

    /// Something may be due anywhere for that SMSC.
    pub(crate) fn ring_all_of(&self, smsc: SmscId, partitions: impl Iterator<Item = Partition>) {
        let bells = self.own.load();
        if let Some((bell, _)) = bells.iter().find(|(_, service)| service.smsc() == smsc) {
            bell.ring_all(partitions);
        }
    }

    /// Something is due there, for whoever serves that way.
    pub(crate) fn ring(&self, way: Way, partition: Partition, urgent: bool) {
        self.of(way, |bell| bell.ring(partition, urgent));
        if let Some(engines) = self.others.get() {
            engines.queued(partition, urgent);
        }
    }

    /// Something will be due there.
    pub(crate) fn ring_at(&self, way: Way, partition: Partition, due: Instant) {
        self.of(way, |bell| bell.ring_at(partition, due));
    }

    fn of(&self, way: Way, each: impl FnMut(&Doorbell)) {
        let bells = self.own.load();
        let serving = bells.iter().filter(|(_, service)| service.serves(way));
        serving.map(|(bell, _)| bell).for_each(each);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn partitions_take_turns_and_urgent_ones_come_first() {
        let now = Clock::new().now();
        let bell = Doorbell::default();
        for partition in [0, 5, 63] {
            bell.ring(Partition(partition), false);
        }
        let mut state = bell.lock();
        let order: Vec<u16> = std::iter::from_fn(|| state.next(now))
            .map(|partition| partition.0)
            .collect();
        assert_eq!(order, [5, 63, 0]);
        drop(state);
        bell.ring(Partition(1), false);
        bell.ring(Partition(0), true);
        assert_eq!(bell.lock().next(now), Some(Partition(0)));
    }

    #[test]
    fn deferred_messages_ring_when_they_are_due() {
        let now = Clock::new().now();
        let bell = Doorbell::default();
        let due = now + std::time::Duration::from_secs(1);
        bell.ring_at(Partition(3), due);
        assert_eq!(bell.lock().next(now), None);
        assert_eq!(bell.lock().next(due), Some(Partition(3)));
        assert_eq!(bell.lock().next(due), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_bell_rings_by_itself_when_something_is_due() {
        let (bell, clock) = (Doorbell::default(), Clock::new());
        let since = clock.now();
        bell.ring_at(Partition(3), since + Duration::from_secs(60));
        bell.ring_at(Partition(3), since + Duration::from_secs(90));
        bell.rung(|| clock.now()).await;
        let waited = clock.now() - since;
        assert!((60..61).contains(&waited.as_secs()), "{waited:?}");
        assert_eq!(bell.next(clock.now()), Some(Partition(3)));
        assert_eq!(bell.next(clock.now()), None);
    }
}
