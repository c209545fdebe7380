//! What keeps an SMSC from being given messages, as it is seen now, and since when: facts, from which others conclude.

use std::collections::BTreeMap;
use std::sync::{MutexGuard, PoisonError};
use std::time::Instant;

use smpp::command_status::CommandStatus;

use super::{Known, Traffic};
use crate::bind::Hold;
use crate::campaign::Served;
use crate::domain::{SmscId, UnixMicros, Way};

/// How one SMSC stands that serves a way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Facts {
    pub(crate) name: String,
    /// It is its turn.
    pub(crate) turn: bool,
    /// An operator has suspended it, since then.
    pub(crate) suspended: Option<UnixMicros>,
    /// It takes nothing from its account: what it answered, and when.
    pub(crate) stopped: Option<(CommandStatus, UnixMicros)>,
    /// No session is bound, since then.
    pub(crate) absent: Option<UnixMicros>,
    /// How it refused the last bind.
    pub(crate) refused: Option<CommandStatus>,
    /// No place in its windows is free, since then.
    pub(crate) full: Option<UnixMicros>,
    /// Its sessions are bound and submissions are not answered, since then.
    pub(crate) silent: Option<UnixMicros>,
    /// The rate that holds, and since when it is what messages wait for.
    pub(crate) hold: Option<(Hold, UnixMicros)>,
    /// It takes messages, since then: it is bound, answers, and nobody has suspended or stopped it.
    pub(crate) free: Option<UnixMicros>,
}

/// Since when something is so, as it was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Marks {
    suspended: Option<UnixMicros>,
    absent: Option<UnixMicros>,
    full: Option<UnixMicros>,
    silent: Option<UnixMicros>,
    hold: Option<(bool, UnixMicros)>,
    free: Option<UnixMicros>,
}

impl Marks {
    /// Looks at an SMSC.
    pub(super) fn look(known: &mut Known, (now, at): (UnixMicros, Instant)) {
        let (suspended, pool) = (known.is_suspended(), &known.pool);
        // What another engine has sessions for waits for nothing here.
        let elsewhere = !pool.is_bound() && known.is_usable_elsewhere(at);
        let (absent, full, silent) = (
            !pool.is_bound() && !elsewhere,
            pool.is_full() && !elsewhere,
            pool.is_silent(),
        );
        let is_free = !suspended && !absent && !silent && known.stops.stopped().is_none();
        let hold = pool.wire().hold();
        let marks = &mut known.marks;
        mark(&mut marks.suspended, suspended, now);
        mark(&mut marks.absent, absent, now);
        mark(&mut marks.full, full, now);
        mark(&mut marks.silent, silent, now);
        mark(&mut marks.free, is_free, now);
        let since = |brakes| match marks.hold {
            Some((before, since)) if before == brakes => since,
            Some(_) | None => now,
        };
        marks.hold = hold.map(|hold| (hold.brakes, since(hold.brakes)));
    }
}

fn mark(since: &mut Option<UnixMicros>, is: bool, now: UnixMicros) {
    *since = is.then(|| since.unwrap_or(now));
}

impl Traffic {
    /// How those stand that may take what is queued there; none: nobody may, or it is not a way any more.
    pub(crate) fn facts(&self, way: Way) -> Vec<Facts> {
        let routes = self.0.routes.load();
        let serves = |known: &&Known| match way {
            Way::Pinned(smsc) => known.id == smsc,
            Way::Route(route) => routes
                .iter()
                .find(|served| served.route == route)
                .is_some_and(|served| served.smscs.iter().any(|serving| serving.smsc == known.id)),
        };
        let now = self.0.clock.unix();
        self.lock()
            .iter()
            .filter(serves)
            .map(|known| facts(known, way, (now, self.0.clock.now())))
            .collect()
    }

    /// Since when a way is served, or is not, if that has changed since the start.
    pub(crate) fn served_since(&self, way: Way) -> Option<(bool, UnixMicros)> {
        self.served().get(&way).copied()
    }

    /// A way is served from now on, or is not any more.
    fn note_served(&self, way: Way, is_served: bool) {
        self.served().insert(way, (is_served, self.0.clock.unix()));
    }

    /// The SMSC is there from now on, or is gone, and with it what is for it alone.
    pub(super) fn note_smsc(&self, smsc: SmscId, is_there: bool) {
        self.note_served(Way::Pinned(smsc), is_there);
    }

    /// Which routes are gone, and which are new.
    pub(super) fn note_routes(&self, before: &[Served], now: &[Served]) {
        let has = |all: &[Served], one: &Served| all.iter().any(|served| served.route == one.route);
        for gone in before.iter().filter(|one| !has(now, one)) {
            self.note_served(Way::Route(gone.route), false);
        }
        for new in now.iter().filter(|one| !has(before, one)) {
            self.note_served(Way::Route(new.route), true);
        }
    }

    fn served(&self) -> MutexGuard<'_, BTreeMap<Way, (bool, UnixMicros)>> {
        self.0.served.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks since when what is so.
    pub(super) fn mark(&self, smscs: &mut [Known], at: Instant) {
        let now = self.0.clock.unix();
        smscs.iter_mut().for_each(|known| Marks::look(known, (now, at)));
    }
}

/// What holds messages, in the account's figures: this engine may have a share of its rate.
fn of_account(hold: Hold, known: &Known) -> Hold {
    let agreed = known.speed.shown().agreed().filter(|_| !hold.brakes);
    Hold {
        rate: agreed.unwrap_or(hold.rate),
        ..hold
    }
}

fn facts(known: &Known, way: Way, (now, at): (UnixMicros, Instant)) -> Facts {
    let (turn, pool, marks) = (known.turn.borrow(), &known.pool, &known.marks);
    let since = |is: bool, mark: Option<UnixMicros>| is.then(|| mark.unwrap_or(now));
    let elsewhere = !pool.is_bound() && known.is_usable_elsewhere(at);
    let stopped = known.stops.stopped();
    let absent = !pool.is_bound() && !elsewhere;
    let is_free = !known.is_suspended() && !absent && !pool.is_silent() && stopped.is_none();
    let free = since(is_free, marks.free);
    let held_since = marks.hold.map_or(now, |(_, since)| since).max(free.unwrap_or(now));
    Facts {
        name: known.name.clone(),
        turn: match way {
            Way::Route(route) => turn.routes.contains(&route),
            Way::Pinned(_) => true,
        },
        suspended: since(known.is_suspended(), marks.suspended),
        stopped: stopped.map(|stopped| (stopped.status, known.stopped_at)),
        absent: since(absent, marks.absent),
        refused: pool.refused(),
        full: since(pool.is_full() && !elsewhere, marks.full),
        silent: since(pool.is_silent(), marks.silent),
        hold: pool.wire().hold().map(|hold| (of_account(hold, known), held_since)),
        free,
    }
}
