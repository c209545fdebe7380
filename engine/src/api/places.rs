//! The places for connections: a number for all, a number for each address, and who gives way when they are taken.
//!
//! Whoever waits for a request's head, be it slow or not begun, can be cut off without harm: nothing was asked yet. So a
//! new connection never waits behind such ones; it takes the place of the one that has waited longest.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus::IntGauge;
use rustc_hash::FxHashMap;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use crate::metrics::Metrics;

/// How many connections a listener has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// All together.
    pub(super) all: usize,
    /// Those of one address.
    pub(super) each: usize,
}

/// Why there is no place: all are taken by requests that are being served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoPlace {
    /// All of that address's share.
    Address,
    /// All there are.
    Listener,
}

/// Why a connection was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(super) enum Cut {
    /// It waited longest when another needed its place.
    GaveWay,
    /// It had no place to begin with.
    Refused,
    /// Its TLS handshake did not end in time.
    LateHandshake,
    /// It did not speak TLS, or did not trust us, or we did not let it in.
    FailedHandshake,
    /// Its head did not come in time.
    LateHead,
    /// Its answer was not taken.
    Unread,
}

impl Cut {
    const fn label(self) -> &'static str {
        self.into_str()
    }
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// It was answered, and may ask again.
    Idle,
    /// It is to send a head: it is new, or has begun one.
    Head,
    /// It asked, and is being answered.
    Busy,
}

/// The places of one listener. Cheap to clone.
#[derive(Clone)]
pub(super) struct Places(Arc<Shared>);

struct Shared {
    room: Room,
    listener: &'static str,
    open: IntGauge,
    metrics: Metrics,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    seats: FxHashMap<u64, Entry>,
    shares: FxHashMap<Client, usize>,
    /// Who waits for a head, in the order in which they began to wait.
    waiting: BTreeMap<u64, u64>,
    last: u64,
}

struct Entry {
    client: Option<Client>,
    waits_since: Option<u64>,
    gives_way: CancellationToken,
}

impl Places {
    pub(super) fn new(room: Room, listener: &'static str, metrics: &Metrics) -> Self {
        Self(Arc::new(Shared {
            room,
            listener,
            open: metrics.http_connections.with_label_values(&[listener]),
            metrics: metrics.clone(),
            table: Mutex::default(),
        }))
    }

    /// A place for a connection of that client; without one (a proxy) it counts in nobody's share.
    ///
    /// # Errors
    /// When all that could give way are being served.
    pub(super) fn take(&self, client: Option<Client>) -> Result<Arc<Seat>, NoPlace> {
        let taken = {
            let mut table = self.0.table();
            self.make_room(&mut table, client).map(|()| table.enter(client))
        };
        let (number, gives_way) = taken.inspect_err(|_| self.0.count(Cut::Refused))?;
        self.0.open.inc();
        Ok(Arc::new(Seat {
            number,
            gives_way,
            phase: Mutex::new(Phase::Head),
            places: self.0.clone(),
        }))
    }

    /// The one that has waited longest gives way, if any waits.
    pub(super) fn free_one(&self) {
        self.evict(&mut self.0.table(), None);
    }

    fn make_room(&self, table: &mut Table, client: Option<Client>) -> Result<(), NoPlace> {
        let share = client.and_then(|client| table.shares.get(&client));
        if share.is_some_and(|taken| *taken >= self.0.room.each) && !self.evict(table, client) {
            return Err(NoPlace::Address);
        }
        if table.seats.len() >= self.0.room.all && !self.evict(table, None) {
            return Err(NoPlace::Listener);
        }
        Ok(())
    }

    /// Cuts off the one of that client, or of anybody, that has waited longest.
    fn evict(&self, table: &mut Table, of: Option<Client>) -> bool {
        let Some(number) = table.longest_waiting(of) else {
            return false;
        };
        if let Some(entry) = table.leave(number) {
            entry.gives_way.cancel();
            self.0.count(Cut::GaveWay);
        }
        true
    }
}

impl Shared {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, cut: Cut) {
        let labels = [self.listener, cut.label()];
        self.metrics.http_connections_cut_total.with_label_values(&labels).inc();
    }
}

impl Table {
    fn enter(&mut self, client: Option<Client>) -> (u64, CancellationToken) {
        let (number, gives_way) = (self.next(), CancellationToken::new());
        let entry = Entry {
            client,
            waits_since: Some(number),
            gives_way: gives_way.clone(),
        };
        self.seats.insert(number, entry);
        self.waiting.insert(number, number);
        if let Some(client) = client {
            *self.shares.entry(client).or_default() += 1;
        }
        (number, gives_way)
    }

    fn leave(&mut self, number: u64) -> Option<Entry> {
        let entry = self.seats.remove(&number)?;
        if let Some(since) = entry.waits_since {
            self.waiting.remove(&since);
        }
        if let Some(client) = entry.client {
            let share = self.shares.entry(client).or_insert(1);
            *share -= 1;
            if *share == 0 {
                self.shares.remove(&client);
            }
        }
        Some(entry)
    }

    /// `false`: it has left.
    fn set_waiting(&mut self, number: u64, waits: bool) -> bool {
        let since = waits.then(|| self.next());
        let Some(entry) = self.seats.get_mut(&number) else {
            return false;
        };
        if let Some(before) = std::mem::replace(&mut entry.waits_since, since) {
            self.waiting.remove(&before);
        }
        self.waiting.extend(since.map(|since| (since, number)));
        debug_assert!(
            self.waiting.len() <= self.seats.len() && self.shares.values().sum::<usize>() <= self.seats.len()
        );
        true
    }

    fn longest_waiting(&self, of: Option<Client>) -> Option<u64> {
        let is_of = |number: &&u64| of.is_none() || self.seats.get(number).is_some_and(|entry| entry.client == of);
        self.waiting.values().find(is_of).copied()
    }

    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

/// A connection that has a place, until its end.
pub(super) struct Seat {
    number: u64,
    gives_way: CancellationToken,
    phase: Mutex<Phase>,
    places: Arc<Shared>,
}

impl Seat {
    pub(super) fn phase(&self) -> Phase {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_phase(&self, phase: Phase) {
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// The client sent something; `true`: a head begins with it.
    pub(super) fn hears(&self) -> bool {
        let begins = self.phase() == Phase::Idle;
        if begins {
            self.set_phase(Phase::Head);
        }
        begins
    }

    /// A head is there; until the turn is dropped the connection does not give way. `None`: it has to go already.
    pub(super) fn begin(self: &Arc<Self>) -> Option<Turn> {
        self.places.table().set_waiting(self.number, false).then(|| {
            self.set_phase(Phase::Busy);
            Turn(self.clone())
        })
    }

    /// Returns when the connection has to go.
    pub(super) async fn must_go(&self) {
        self.gives_way.cancelled().await;
    }

    pub(super) fn count(&self, cut: Cut) {
        self.places.count(cut);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.places.table().leave(self.number);
        self.places.open.dec();
    }
}

/// A request that is being answered.
pub(super) struct Turn(Arc<Seat>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.set_phase(Phase::Idle);
        self.0.places.table().set_waiting(self.0.number, true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(all: usize, each: usize) -> Places {
        Places::new(Room { all, each }, "public", &Metrics::new(9).unwrap())
    }

    fn client(last: u8) -> Option<Client> {
        Some(Client::of([192, 0, 2, last].into()))
    }

    fn gone(seats: &[Arc<Seat>]) -> Vec<usize> {
        let gone = seats
            .iter()
            .enumerate()
            .filter(|(_, seat)| seat.gives_way.is_cancelled());
        gone.map(|(at, _)| at).collect()
    }

    #[test]
    fn an_address_at_its_share_loses_its_own_that_has_waited_longest() {
        let places = places(10, 2);
        let seats: Vec<_> = [1, 2, 2].map(|last| places.take(client(last)).unwrap()).into();
        let turn = seats[1].begin().unwrap();
        let new = places.take(client(2)).unwrap();
        assert_eq!(gone(&seats), [2]);
        let other_turn = new.begin().unwrap();
        assert_eq!(places.take(client(2)).err(), Some(NoPlace::Address));
        drop(turn);
        let newest = places.take(client(2)).unwrap();
        assert_eq!(gone(&seats), [1, 2]);
        drop((other_turn, newest));
    }

    #[test]
    fn when_all_places_are_taken_the_longest_waiting_of_anybody_goes() {
        let places = places(3, 3);
        let seats: Vec<_> = [1, 2, 3].map(|last| places.take(client(last)).unwrap()).into();
        // The first asked, and waits anew since its answer.
        drop(seats[0].begin());
        let fourth = places.take(client(4)).unwrap();
        assert_eq!(gone(&seats), [1]);
        let turns: Vec<_> = [&seats[0], &seats[2], &fourth].map(|seat| seat.begin().unwrap()).into();
        assert_eq!(places.take(client(5)).err(), Some(NoPlace::Listener));
        drop(turns);
        assert!(places.take(client(5)).is_ok());
    }

    #[test]
    fn one_that_gave_way_begins_nothing_and_leaves_no_trace() {
        let places = places(1, 1);
        let first = places.take(client(1)).unwrap();
        let second = places.take(client(1)).unwrap();
        assert!(first.begin().is_none() && second.begin().is_some());
        drop(first);
        assert_eq!(places.0.table().shares.len(), 1);
        drop(second);
        let table = places.0.table();
        assert!(table.seats.is_empty() && table.shares.is_empty() && table.waiting.is_empty());
        assert_eq!(places.0.open.get(), 0);
    }

    #[test]
    fn a_proxy_has_no_share_of_its_own() {
        let places = places(5, 1);
        let seats: Vec<_> = (0..5).map(|_| places.take(None).unwrap()).collect();
        assert!(gone(&seats).is_empty());
    }
}
