//! Keeps every configured bind up: connect, bind, run, and again after a pause that grows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use smpp::command_status::CommandStatus;
use smpp::frame::Bind;
use smpp::session::{Session, Timers};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::driver::{Driver, End, Life, Notice, Surroundings};
use super::slots::Pool;
use super::stall::Stall;
use super::{EVENTS_MAX, Events};
use crate::clock::Clock;
use crate::config;
use crate::domain::SmscId;
use crate::metrics::{Metrics, SmscMetrics};

const STATES: [&str; 6] = ["disconnected", "connecting", "binding", "bound", "stalled", "draining"];

/// How binds are told to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    /// Let the windows empty, unbind, do not come back.
    pub(crate) drain: CancellationToken,
    /// End at once.
    pub(crate) now: CancellationToken,
}

/// How a bind stands, for operators.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct BindStatus {
    /// The SMSC's name.
    pub(crate) smsc: String,
    /// Which of its sessions, from 0.
    pub(crate) bind: u32,
    /// disconnected, connecting, binding, bound, stalled (bound, but submissions are not answered: one at a time is tried) or
    /// draining.
    pub(crate) state: &'static str,
    /// Why the last session ended or the last attempt failed; empty before.
    pub(crate) last_error: String,
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

/// How every bind stands; shared with whoever shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<Vec<BindStatus>>>);

impl Board {
    /// Every bind, in the order of the configuration.
    pub(crate) fn all(&self) -> Vec<BindStatus> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, smsc: &str, bind: u32) -> usize {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list.push(BindStatus {
            smsc: smsc.to_owned(),
            bind,
            state: STATES[0],
            last_error: String::new(),
        });
        list.len() - 1
    }

    fn set(&self, at: usize, state: &'static str, error: Option<String>) {
        let mut list = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        list[at].state = state;
        if let Some(error) = error {
            list[at].last_error = error;
        }
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
        for number in 0..smsc.sessions {
            let label = number.to_string();
            let around = Surroundings {
                smsc: id,
                clock: self.clock,
                pool: pool.clone(),
                events: self.feed.clone(),
                metrics: self.metrics.smsc(&smsc.name),
                window: smsc.window as usize,
                in_flight: self.metrics.window_in_flight.with_label_values(&[&smsc.name, &label]),
            };
            let keeper = Keeper {
                config: smsc.clone(),
                around,
                label,
                line: self.board.add(&smsc.name, number),
                board: self.board.clone(),
                stop: self.stop.clone(),
            };
            self.tasks.spawn(keeper.keep_up());
        }
        pool
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

/// What a session has come to.
#[derive(Default)]
struct Seen {
    bound: AtomicBool,
    answered: AtomicBool,
}

struct Keeper {
    config: Arc<config::Smsc>,
    around: Surroundings,
    label: String,
    line: usize,
    board: Board,
    stop: Stop,
}

impl Keeper {
    async fn keep_up(self) {
        self.metrics()
            .all
            .window_size
            .with_label_values(&self.labels())
            .set(i64::from(self.config.window));
        let (mut pauses, mut stall) = (self.pauses(), Stall::default());
        while !self.stop.drain.is_cancelled() {
            let seen = Seen::default();
            let end = self.session(stall, &seen).await;
            if seen.bound.load(Ordering::Relaxed) {
                pauses = self.pauses();
            }
            if seen.answered.load(Ordering::Relaxed) {
                stall.answered();
            }
            if end.as_ref().is_ok_and(|life| life.silent) {
                stall.silence();
            }
            let end = end.map(|life| life.end);
            let refused = matches!(&end, Ok(End::BindRefused(status)) if is_about_credentials(*status));
            self.report(&end, stall);
            let pause = if refused {
                self.config.reconnect_max
            } else {
                pauses.next().unwrap_or(self.config.reconnect_max)
            };
            if self.stop.drain.is_cancelled() {
                break;
            }
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.drain.cancelled() => {}
            }
        }
        self.enter("disconnected", None);
    }

    /// One connection's life.
    async fn session(&self, stall: Stall, seen: &Seen) -> Result<Life, String> {
        self.enter("connecting", None);
        let connect = timeout(self.config.bind_timeout, TcpStream::connect(&self.config.address));
        let stream = tokio::select! {
            connected = connect => match connected {
                Ok(Ok(stream)) => stream,
                Ok(Err(error)) => return Err(format!("cannot connect to {}: {error}", self.config.address)),
                Err(_) => return Err(format!("no connection to {} within {:?}", self.config.address, self.config.bind_timeout)),
            },
            () = self.stop.drain.cancelled() => return Err("stopping".into()),
        };
        stream
            .set_nodelay(true)
            .map_err(|error| format!("cannot set TCP_NODELAY: {error}"))?;
        self.enter("binding", None);
        let session = self.new_session()?;
        let probe_after = stall.pause(self.config.response_timeout);
        let mut driver = Driver::new(&self.around, stream, session, probe_after);
        let notice = |notice| self.note(notice, seen, probe_after.is_some());
        let end = tokio::select! {
            end = driver.run(self.stop.drain.cancelled(), notice) => end,
            () = self.stop.now.cancelled() => End::Local,
        };
        Ok(driver.close(end, self.stop.now.cancelled()).await)
    }

    fn new_session<T>(&self) -> Result<Session<T>, String> {
        let bind = Bind {
            kind: self.config.bind,
            system_id: self.config.system_id.as_bytes(),
            password: self.config.password.reveal().as_bytes(),
            system_type: self.config.system_type.as_bytes(),
            interface_version: self.config.interface_version.octet(),
            addr_ton: 0,
            addr_npi: 0,
            address_range: b"",
        };
        let timers = Timers {
            bind: self.config.bind_timeout,
            enquire_link: self.config.enquire_link_interval,
            response: self.config.response_timeout,
        };
        let now = self.around.clock.now();
        Session::new(&bind, timers, self.config.window as usize, now).map_err(|error| error.to_string())
    }

    fn note(&self, notice: Notice, seen: &Seen, stalled: bool) {
        match notice {
            Notice::Draining => self.enter("draining", None),
            Notice::Bound => {
                seen.bound.store(true, Ordering::Relaxed);
                self.on_bound(if stalled { "stalled" } else { "bound" });
            }
            Notice::Answered => {
                seen.answered.store(true, Ordering::Relaxed);
                if stalled {
                    self.enter("bound", None);
                    tracing::info!(
                        smsc = self.config.name,
                        bind = self.label,
                        "submissions are answered again"
                    );
                }
            }
        }
    }

    fn on_bound(&self, state: &'static str) {
        self.attempt("ok");
        self.enter(state, None);
        let since = self.around.clock.unix().0 as f64 / 1e6;
        self.metrics()
            .all
            .bind_bound_timestamp_seconds
            .with_label_values(&self.labels())
            .set(since);
        tracing::info!(smsc = self.config.name, bind = self.label, state, "bound");
    }

    /// Says once, where it is decided, why the session ended.
    fn report(&self, end: &Result<End, String>, stall: Stall) {
        let (smsc, bind) = (&self.config.name, &self.label);
        let error = match end {
            Err(error) => {
                self.attempt("tcp_error");
                tracing::warn!(smsc, bind, error, "not bound; it is tried again");
                error.clone()
            }
            Ok(End::BindRefused(status)) => {
                self.attempt("refused");
                if is_about_credentials(*status) {
                    tracing::error!(smsc, bind, %status, "the SMSC refuses our system_id or password: it is tried again, slowly");
                } else {
                    tracing::warn!(smsc, bind, %status, "the SMSC refuses the bind; it is tried again");
                }
                format!("bind refused: {status}")
            }
            Ok(End::BindTimeout) => {
                self.attempt("timeout");
                tracing::warn!(smsc, bind, "the bind was not answered; it is tried again");
                "the bind was not answered".to_owned()
            }
            Ok(end) => {
                self.metrics()
                    .all
                    .bind_disconnects_total
                    .with_label_values(&[smsc, bind, end.label()])
                    .inc();
                tracing::info!(smsc, bind, reason = end.label(), "session over");
                if let Some(pause) = stall.pause(self.config.response_timeout) {
                    tracing::warn!(
                        smsc,
                        bind,
                        ?pause,
                        "submissions are not answered: what was sent is in doubt; the next session tries one message after this pause, and sends no more until it is answered"
                    );
                }
                end.label().to_owned()
            }
        };
        self.enter("disconnected", Some(error));
    }

    fn enter(&self, state: &'static str, error: Option<String>) {
        self.board.set(self.line, state, error);
        for known in STATES {
            let labels = [self.config.name.as_str(), self.label.as_str(), known];
            self.metrics()
                .all
                .bind_state
                .with_label_values(&labels)
                .set(i64::from(known == state));
        }
    }

    fn attempt(&self, result: &str) {
        self.metrics()
            .all
            .bind_attempts_total
            .with_label_values(&[&self.config.name, &self.label, result])
            .inc();
    }

    fn labels(&self) -> [&str; 2] {
        [&self.config.name, &self.label]
    }

    fn metrics(&self) -> &SmscMetrics {
        &self.around.metrics
    }

    fn pauses(&self) -> impl Iterator<Item = Duration> + use<> {
        ExponentialBuilder::default()
            .with_min_delay(self.config.reconnect_min)
            .with_max_delay(self.config.reconnect_max)
            .with_jitter()
            .without_max_times()
            .build()
    }
}

/// Some carriers lock an account that asks too often with a wrong password.
fn is_about_credentials(status: CommandStatus) -> bool {
    [
        CommandStatus::ESME_RINVPASWD,
        CommandStatus::ESME_RINVSYSID,
        CommandStatus::ESME_RBINDFAIL,
    ]
    .contains(&status)
}
