//! Seats: the sessions of an account, over all engines. Each has one engine at a time, for a while; who keeps it up renews it, and who
//! cannot closes the session before that while is over.
//!
//! Here seats are waited for, given up and looked at. Who asks for them is somebody else: nothing here knows a store.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use smpp::frame::BindKind;
use tokio::sync::{Notify, watch};

use super::slots::Pool;
use crate::domain::SmscId;

/// How a seat stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It is another's, or nobody's.
    Wanted,
    /// It is not wanted before its bind is tried again.
    Resting,
    /// It is ours until then.
    Ours { until: Instant, token: u64 },
    /// So it is, and another engine has too few: its session is to end.
    Leaving { until: Instant, token: u64 },
    /// It was ours, and nothing is done under it any more.
    Free,
}

/// What is known of other engines that want sessions of an SMSC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Company {
    /// How many there are.
    pub(crate) others: u32,
    /// One of them has a session that takes messages.
    pub(crate) usable: bool,
    /// One of them does not know of us yet: the whole rate is its.
    pub(crate) unaware: bool,
    /// Until when we may act on that.
    pub(crate) until: Option<Instant>,
}

/// The seats of one account that go the same way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group {
    pub(crate) smsc: SmscId,
    /// The place of its kind among those of the account.
    pub(crate) kind: u8,
}

/// What is asked for a group.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) group: Group,
    /// The seats of the account, over all engines.
    pub(crate) total: u32,
    /// Those that are ours, and are to stay so.
    pub(crate) held: Vec<u32>,
    /// Those that are to become ours.
    pub(crate) wanted: Vec<u32>,
    /// Whether a session of ours takes messages.
    pub(crate) usable: bool,
}

/// What came of it.
#[derive(Clone, Debug)]
pub(crate) struct Granted {
    pub(crate) group: Group,
    pub(crate) company: Company,
    /// Those that were ours when it was asked.
    pub(crate) held: Vec<u32>,
    /// Our seats with their tokens, and until when they are ours.
    pub(crate) seats: Vec<(u32, u64)>,
    pub(crate) until: Instant,
    /// So many of them are another's by right.
    pub(crate) surplus: usize,
}

/// Engines say once a second that they live: a longer pause is a gap.
const GAP: Duration = Duration::from_millis(2_500);

/// How long others are given after one: the time after which they are taken for dead, and a second.
const OTHERS_HEARD_WITHIN: Duration = Duration::from_secs(6);

/// All seats of this engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Seats(Arc<Shared>);

struct Shared {
    /// No other engine can be there: each seat is ours, for good.
    all_ours: bool,
    tables: Mutex<Vec<Arc<Table>>>,
    /// Something is wanted, or was given up.
    changed: Notify,
    /// Until when others hold this engine for alive; `None`: as long as it runs.
    alive: Mutex<Option<Instant>>,
    heard: Mutex<Heard>,
}

/// When this engine could say that it lives.
#[derive(Default)]
struct Heard {
    last: Option<Instant>,
    /// From when on what others have said, or not, means something again.
    judges_from: Option<Instant>,
}

/// A group with its seats.
struct Table {
    group: Group,
    pool: Mutex<Pool>,
    places: Mutex<Vec<Weak<Place>>>,
    company: watch::Sender<Company>,
}

struct Place {
    number: u32,
    standing: watch::Sender<Standing>,
}

/// A seat that a bind wants to have. Dropped, it is wanted no more.
pub(super) struct Seat {
    seats: Seats,
    place: Arc<Place>,
}

/// What a session looks at before anything leaves it.
#[derive(Clone)]
pub(super) struct Fence {
    seats: Seats,
    standing: watch::Receiver<Standing>,
}

impl Fence {
    /// Whether nothing may leave any more: a process that stood still may find that its session is another's by now, or that what it has
    /// leased is and was about to be submitted. What the peer has said is not lost: who is not acknowledged says it again.
    pub(super) fn stops(&self, now: Instant, submits: bool) -> bool {
        let is_ours = self.seats.0.all_ours || self.standing.borrow().until().is_some_and(|until| now < until);
        !is_ours || submits && !self.is_alive(now)
    }

    /// Whether what this engine has leased is still its own: others take it for dead when it has been silent for too long.
    pub(super) fn is_alive(&self, now: Instant) -> bool {
        self.seats.is_alive(now)
    }
}

impl Standing {
    fn until(self) -> Option<Instant> {
        match self {
            Self::Ours { until, .. } | Self::Leaving { until, .. } => Some(until),
            Self::Wanted | Self::Resting | Self::Free => None,
        }
    }
}

impl Seat {
    /// Waits until the seat is ours.
    pub(super) async fn taken(&self) {
        if self.seats.0.all_ours {
            return;
        }
        let is_rested = |standing: &mut Standing| std::mem::replace(standing, Standing::Wanted) != Standing::Wanted;
        if !self.is_ours() && self.place.standing.send_if_modified(is_rested) {
            self.seats.0.changed.notify_one();
        }
        let mut standing = self.place.standing.subscribe();
        // It is there as long as the seat.
        let _ours = standing
            .wait_for(|standing| matches!(standing, Standing::Ours { .. }))
            .await;
    }

    /// Whether its session may go on.
    pub(super) fn is_ours(&self) -> bool {
        self.seats.0.all_ours || matches!(*self.place.standing.borrow(), Standing::Ours { .. })
    }

    /// Waits until its session is to make room for another engine, or is not ours any more.
    pub(super) async fn leaving(&self) {
        if self.seats.0.all_ours {
            return std::future::pending().await;
        }
        let mut standing = self.place.standing.subscribe();
        let _left = standing
            .wait_for(|standing| !matches!(standing, Standing::Ours { .. }))
            .await;
    }

    /// There is no session, and none is tried for a while: another engine may.
    pub(super) fn rest(&self) {
        self.give_up(Standing::Resting);
    }

    /// Its session has made room, or the bind is over.
    pub(super) fn left(&self) {
        self.give_up(Standing::Free);
    }

    fn give_up(&self, next: Standing) {
        if self.seats.0.all_ours {
            return;
        }
        let shared = self
            .seats
            .company_of(&self.place)
            .is_some_and(|company| company.others > 0);
        if next == Standing::Resting && !shared {
            return;
        }
        self.place.standing.send_replace(next);
        self.seats.0.changed.notify_one();
    }

    pub(super) fn fence(&self) -> Fence {
        Fence {
            seats: self.seats.clone(),
            standing: self.place.standing.subscribe(),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.left();
    }
}

impl Seats {
    /// No other engine can be there.
    pub(crate) fn all_ours() -> Self {
        Self::new(true)
    }

    /// Other engines may want them too.
    pub(crate) fn shared() -> Self {
        Self::new(false)
    }

    fn new(all_ours: bool) -> Self {
        Self(Arc::new(Shared {
            all_ours,
            tables: Mutex::default(),
            changed: Notify::new(),
            alive: Mutex::default(),
            heard: Mutex::default(),
        }))
    }

    /// Whether there is nobody to share them with.
    pub(crate) fn are_all_ours(&self) -> bool {
        self.0.all_ours
    }

    /// Others hold this engine for alive until then.
    pub(crate) fn alive_until(&self, until: Instant) {
        if !self.0.all_ours {
            *lock(&self.0.alive) = Some(until);
        }
    }

    /// Whether others hold this engine for alive.
    pub(crate) fn is_alive(&self, now: Instant) -> bool {
        lock(&self.0.alive).is_none_or(|until| now < until)
    }

    /// This engine could say that it lives. After a gap, others have had one as well: they are given the time to say so too.
    pub(crate) fn heard_at(&self, now: Instant) {
        let mut heard = lock(&self.0.heard);
        if heard.last.is_some_and(|last| now > last + GAP) {
            heard.judges_from = Some(now + OTHERS_HEARD_WITHIN);
        }
        heard.last = Some(now);
    }

    /// Whether an engine that has not said that it lives may be taken for dead.
    pub(crate) fn may_judge(&self, now: Instant) -> bool {
        let heard = lock(&self.0.heard);
        heard.last.is_none_or(|last| now <= last + GAP) && heard.judges_from.is_none_or(|from| from <= now)
    }

    /// What is known of others that want to submit to that SMSC.
    pub(crate) fn company(&self, smsc: SmscId, pool: &Pool) -> watch::Receiver<Company> {
        self.table(Group { smsc, kind: 0 }, pool).company.subscribe()
    }

    /// One more seat, which is wanted from now on; its session has its places in that pool.
    pub(super) fn add(&self, group: Group, number: u32, pool: &Pool) -> Seat {
        let place = Arc::new(Place {
            number,
            standing: watch::Sender::new(Standing::Wanted),
        });
        let table = self.table(group, pool);
        lock(&table.places).push(Arc::downgrade(&place));
        self.0.changed.notify_one();
        Seat {
            seats: self.clone(),
            place,
        }
    }

    fn table(&self, group: Group, pool: &Pool) -> Arc<Table> {
        let mut tables = lock(&self.0.tables);
        if let Some(known) = tables.iter().find(|table| table.group == group) {
            *lock(&known.pool) = pool.clone();
            return known.clone();
        }
        let table = Arc::new(Table {
            group,
            pool: Mutex::new(pool.clone()),
            places: Mutex::default(),
            company: watch::Sender::default(),
        });
        tables.push(table.clone());
        table
    }

    fn company_of(&self, place: &Arc<Place>) -> Option<Company> {
        let tables = lock(&self.0.tables);
        let has = |table: &&Arc<Table>| {
            lock(&table.places)
                .iter()
                .any(|known| std::ptr::eq(known.as_ptr(), Arc::as_ptr(place)))
        };
        tables.iter().find(has).map(|table| *table.company.borrow())
    }

    /// Waits until something else is wanted than was asked for last.
    pub(crate) async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// What is wanted now, of every account.
    pub(crate) fn wishes(&self) -> Vec<Wish> {
        lock(&self.0.tables).iter().map(|table| table.wish()).collect()
    }

    /// What others have granted.
    pub(crate) fn granted(&self, granted: &Granted) {
        let tables = lock(&self.0.tables);
        if let Some(table) = tables.iter().find(|table| table.group == granted.group) {
            table.granted(granted);
        }
    }

    /// Nobody renews anything any more.
    pub(crate) fn give_all_up(&self) {
        for table in lock(&self.0.tables).iter() {
            for place in table.places() {
                place.standing.send_replace(Standing::Free);
            }
        }
    }
}

impl Table {
    fn places(&self) -> Vec<Arc<Place>> {
        let mut places = lock(&self.places);
        places.retain(|place| place.strong_count() > 0);
        places.iter().filter_map(Weak::upgrade).collect()
    }

    fn wish(&self) -> Wish {
        let places = self.places();
        let total = places.iter().map(|place| place.number + 1).max().unwrap_or(0);
        let of = |is: fn(&Standing) -> bool| {
            let standing = places.iter().filter(|place| is(&place.standing.borrow()));
            standing.map(|place| place.number).collect::<Vec<u32>>()
        };
        Wish {
            group: self.group,
            total,
            held: of(|standing| standing.until().is_some()),
            wanted: of(|standing| *standing == Standing::Wanted),
            usable: lock(&self.pool).takes_messages(),
        }
    }

    fn granted(&self, granted: &Granted) {
        let places = self.places();
        let mut leave = granted.surplus;
        // The last ones make room.
        for place in places.iter().rev() {
            let token = granted.seats.iter().find(|(number, _)| *number == place.number);
            place.standing.send_if_modified(|standing| {
                let next = match (token, *standing) {
                    (_, Standing::Resting | Standing::Free) => *standing,
                    (None, _) => Standing::Wanted,
                    // Its session has left since: it is asked for anew.
                    (Some(_), Standing::Wanted) if granted.held.contains(&place.number) => Standing::Wanted,
                    (Some((_, token)), was) => {
                        let (until, token) = (granted.until, *token);
                        let leaves = matches!(was, Standing::Leaving { .. }) || leave > 0;
                        leave = leave.saturating_sub(usize::from(leaves));
                        match leaves {
                            true => Standing::Leaving { until, token },
                            false => Standing::Ours { until, token },
                        }
                    }
                };
                std::mem::replace(standing, next) != next
            });
        }
        self.company.send_replace(granted.company);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole at every instant, so a panic elsewhere does not spoil it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The place of a kind among the kinds that an account has.
pub(super) fn kind_of(kinds: &[BindKind], kind: BindKind) -> u8 {
    kinds.iter().position(|known| *known == kind).unwrap_or(0) as u8
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn a_seat_whose_session_left_while_it_was_renewed_is_asked_for_anew() {
        let (seats, group) = (
            Seats::shared(),
            Group {
                smsc: SmscId(1),
                kind: 0,
            },
        );
        let seat = seats.add(group, 0, &Pool::default());
        let until = Clock::new().now() + Duration::from_secs(6);
        let granted = |held: &[u32], surplus| Granted {
            group,
            company: Company::default(),
            held: held.to_vec(),
            seats: vec![(0, 7)],
            until,
            surplus,
        };
        seats.granted(&granted(&[], 0));
        assert!(seat.is_ours());
        seats.granted(&granted(&[0], 1));
        assert_eq!(seats.wishes()[0].held, [0], "it is leaving");
        // It has left, and wants it again, before the answer comes to what was asked while it was leaving.
        seat.left();
        assert!(seat.place.standing.send_replace(Standing::Wanted) == Standing::Free);
        seats.granted(&granted(&[0], 1));
        let wish = &seats.wishes()[0];
        assert_eq!((wish.held.as_slice(), wish.wanted.as_slice()), (&[][..], &[0][..]));
    }
}
