//! The binds of every SMSC: each has a keeper, and those of one account share what the account may do.

use std::sync::Arc;

use smpp::frame::BindKind;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::account::Account;
use super::board::{Board, Line};
use super::driver::Surroundings;
use super::keeper::Keeper;
use super::life::Stop;
use super::slots::Pool;
use super::tls;
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
    metrics: Metrics,
    clock: Clock,
    stop: Stop,
}

impl Binds {
    /// No bind yet; what comes of those that are kept up comes out of the channel.
    pub(crate) fn new(
        metrics: Metrics,
        clock: Clock,
        stop: Stop,
        tasks: TaskTracker,
    ) -> (Self, mpsc::Receiver<Events>) {
        let (feed, events) = mpsc::channel(EVENTS_MAX);
        let binds = Self {
            feed,
            tasks,
            board: Board::default(),
            metrics,
            clock,
            stop,
        };
        (binds, events)
    }

    /// Keeps up every session of an SMSC from now on. Returns the places in their windows.
    pub(crate) fn keep_up(&self, id: SmscId, smsc: &Arc<config::Smsc>) -> Pool {
        let pool = Pool::new((smsc.window * smsc.sessions) as usize);
        let account = Arc::new(Account::new(smsc.link.binds_per_hour));
        let own = smsc.link.tls.as_ref().and_then(|tls| tls.identity()?.cert.first());
        let expiry = own.and_then(tls::expiry);
        self.metrics.certificate_expiry(&smsc.name, "client", expiry);
        let kinds = smsc.bind.kinds().iter();
        let sessions = kinds.flat_map(|kind| (0..smsc.sessions).map(move |_| *kind));
        for (number, kind) in (0..).zip(sessions) {
            let keeper = Keeper {
                config: smsc.clone(),
                around: self.surroundings((id, smsc), (number, kind), &pool),
                account: account.clone(),
                label: number.to_string(),
                line: self.line(smsc, number, kind),
                stop: self.stop.clone(),
            };
            self.tasks.spawn(keeper.keep_up());
        }
        pool
    }

    fn line(&self, smsc: &config::Smsc, number: u32, kind: BindKind) -> Line {
        self.board.add(&smsc.name, number, kind, self.clock.unix())
    }

    fn surroundings(
        &self,
        (id, smsc): (SmscId, &config::Smsc),
        (number, kind): (u32, BindKind),
        pool: &Pool,
    ) -> Surroundings {
        let labels = [&smsc.name, &number.to_string()];
        Surroundings {
            smsc: id,
            kind,
            clock: self.clock,
            pool: pool.clone(),
            events: self.feed.clone(),
            metrics: self.metrics.smsc(&smsc.name),
            window: smsc.window as usize,
            window_min: smsc.window_min() as usize,
            bound: smsc.session_bound().map(|(rate, burst)| Bound { rate, burst }),
            in_flight: self.metrics.window_in_flight.with_label_values(&labels),
        }
    }

    /// How each stands.
    pub(crate) fn board(&self) -> Board {
        self.board.clone()
    }

    /// For answers of those who could not even hand a message to a session.
    pub(crate) fn feed(&self) -> mpsc::Sender<Events> {
        self.feed.clone()
    }
}
