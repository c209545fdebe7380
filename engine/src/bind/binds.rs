//! The binds of every SMSC: each has a keeper, and those of one account share what the account may do.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smpp::frame::BindKind;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use super::account::Account;
use super::board::{Board, Line};
use super::keeper::Keeper;
use super::life::Stop;
use super::seat::{Group, Seat, Seats, kind_of};
use super::slots::Pool;
use super::surroundings::Surroundings;
use super::trace::{Tap, Traces};
use super::{Bound, EVENTS_MAX, Events};
use crate::clock::Clock;
use crate::config;
use crate::domain::SmscId;
use crate::metrics::Metrics;

/// The binds of every SMSC.
pub(crate) struct Binds {
    /// Where answers and deliveries go.
    feed: mpsc::Sender<Events>,
    /// Every session has one, and ends in it.
    tasks: TaskTracker,
    board: Board,
    traces: Traces,
    metrics: Metrics,
    clock: Clock,
    seats: Seats,
    stop: Stop,
    /// What each account may do, by name: how often it was bound stays known when its binds are made anew.
    accounts: Mutex<HashMap<String, Arc<Account>>>,
}

/// The binds of one SMSC that are kept up.
#[derive(Default)]
pub(crate) struct Kept {
    stop: Stop,
    tasks: TaskTracker,
}

impl Kept {
    /// Lets their windows empty, unbinds, and waits for that; at most so long, then at once: what is unanswered is in doubt.
    pub(crate) async fn end(self, within: Duration) {
        self.tasks.close();
        self.stop.drain.cancel();
        if timeout(within, self.tasks.wait()).await.is_err() {
            self.stop.now.cancel();
            self.tasks.wait().await;
        }
    }
}

impl Binds {
    /// No bind yet; what comes of those that are kept up comes out of the channel.
    pub(crate) fn new(
        metrics: Metrics,
        (clock, seats): (Clock, Seats),
        stop: Stop,
        tasks: TaskTracker,
    ) -> (Self, mpsc::Receiver<Events>) {
        let (feed, events) = mpsc::channel(EVENTS_MAX);
        let binds = Self {
            feed,
            tasks,
            board: Board::default(),
            traces: Traces::default(),
            metrics,
            clock,
            seats,
            stop,
            accounts: Mutex::default(),
        };
        (binds, events)
    }

    /// Keeps up every session of an SMSC from now on, with their places in that pool.
    pub(crate) fn keep_up(&self, id: SmscId, smsc: &Arc<config::Smsc>, pool: &Pool) -> Kept {
        pool.expect((smsc.window * smsc.sessions) as usize);
        let account = self.account(smsc);
        let kept = Kept {
            stop: Stop {
                drain: self.stop.drain.child_token(),
                now: self.stop.now.child_token(),
            },
            tasks: TaskTracker::new(),
        };
        let own = smsc.link.tls.as_ref().and_then(|tls| tls.identity()?.cert.first());
        let expiry = own.and_then(config::certificate_expiry);
        self.metrics.certificate_expiry(&smsc.name, "client", expiry);
        let kinds = smsc.bind.kinds().iter();
        let sessions = kinds.flat_map(|kind| (0..smsc.sessions).map(move |_| *kind));
        for (number, kind) in (0..).zip(sessions) {
            let group = Group {
                smsc: id,
                kind: kind_of(smsc.bind.kinds(), kind),
            };
            let seat = self.seats.add(group, number % smsc.sessions, pool);
            let keeper = Keeper {
                config: smsc.clone(),
                around: self.surroundings((id, smsc), (number, kind), (pool, &seat)),
                seat,
                account: account.clone(),
                label: number.to_string(),
                line: self.line(smsc, number, kind),
                stop: kept.stop.clone(),
            };
            self.tasks.spawn(kept.tasks.track_future(keeper.keep_up()));
        }
        kept
    }

    fn account(&self, smsc: &config::Smsc) -> Arc<Account> {
        let limit = smsc.link.binds_per_hour;
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let known = accounts
            .get(&smsc.name)
            .filter(|known| known.budget.per_hour() == limit);
        let account = known.map_or_else(|| Arc::new(Account::new(limit)), Arc::clone);
        accounts.insert(smsc.name.clone(), account.clone());
        account
    }

    fn line(&self, smsc: &config::Smsc, number: u32, kind: BindKind) -> Line {
        self.board.add(&smsc.name, number, kind, self.clock.unix())
    }

    fn surroundings(
        &self,
        (id, smsc): (SmscId, &config::Smsc),
        (number, kind): (u32, BindKind),
        (pool, seat): (&Pool, &Seat),
    ) -> Surroundings {
        let labels = [&smsc.name, &number.to_string()];
        self.metrics.begin_bind_at_zero(labels[0], labels[1]);
        Surroundings {
            smsc: id,
            kind,
            alphabet: smsc.envelope.format.alphabet,
            clock: self.clock,
            pool: pool.clone(),
            events: self.feed.clone(),
            metrics: self.metrics.smsc(&smsc.name),
            window: smsc.window as usize,
            window_min: smsc.window_min() as usize,
            bound: smsc.session_bound().map(|(rate, burst)| Bound { rate, burst }),
            in_flight: self.metrics.window_in_flight.with_label_values(&labels),
            fence: seat.fence(),
            tap: Tap {
                trace: self.traces.open(&smsc.name),
                session: number,
                clock: self.clock,
            },
        }
    }

    /// How each stands.
    pub(crate) fn board(&self) -> Board {
        self.board.clone()
    }

    /// What goes and comes on their sessions.
    pub(crate) fn traces(&self) -> Traces {
        self.traces.clone()
    }

    /// For answers of those who could not even hand a message to a session.
    pub(crate) fn feed(&self) -> mpsc::Sender<Events> {
        self.feed.clone()
    }
}
