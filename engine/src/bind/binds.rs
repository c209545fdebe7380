//! The binds of every SMSC: each has a keeper, and those of one account share what the account may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use smpp::frame::BindKind;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::board::{Board, Line};
use super::budget::Budget;
use super::driver::Surroundings;
use super::keeper::Keeper;
use super::slots::Pool;
use super::tls;
use super::{EVENTS_MAX, Events};
use crate::clock::Clock;
use crate::config;
use crate::domain::SmscId;
use crate::metrics::Metrics;

/// How binds are told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Let the windows empty, unbind, do not come back.
    pub(crate) drain: CancellationToken,
    /// End at once.
    pub(crate) now: CancellationToken,
}

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

/// What the sessions of one account have in common.
pub(super) struct Account {
    pub(super) budget: Budget,
    /// One permit: whoever has it may be bound anew for its age.
    renewals: Arc<Semaphore>,
    /// Sessions that are bound and receive.
    receivers: AtomicUsize,
}

/// The right to be bound anew, which one session of an account has at a time.
pub(super) type Renewal = OwnedSemaphorePermit;

impl Account {
    fn new(binds_per_hour: u32) -> Self {
        Self {
            budget: Budget::new(binds_per_hour),
            renewals: Arc::new(Semaphore::new(1)),
            receivers: AtomicUsize::new(0),
        }
    }

    /// Waits until no other session is being bound anew.
    pub(super) async fn renewal(&self) -> Option<Renewal> {
        // It is never closed.
        self.renewals.clone().acquire_owned().await.ok()
    }

    /// A session of that kind was bound.
    pub(super) fn came(&self, kind: BindKind) {
        self.receivers
            .fetch_add(usize::from(kind.receives()), Ordering::Relaxed);
    }

    /// A session of that kind, which had been bound, is over. `true`: it was the last one that receives.
    pub(super) fn left(&self, kind: BindKind) -> bool {
        kind.receives() && self.receivers.fetch_sub(1, Ordering::Relaxed) == 1
    }
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
        let account = Arc::new(Account::new(smsc.binds_per_hour));
        let own = smsc.tls.as_ref().and_then(|tls| tls.identity()?.cert.first());
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
