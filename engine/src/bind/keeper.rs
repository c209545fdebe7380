//! Keeps one bind up: connect, bind, run, and again after a pause that grows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use smpp::frame::Unencodable;
use tokio::time::sleep;

use super::account::{Account, Renewal};
use super::board::{Line, STATES, version};
use super::budget::Ticket;
use super::connect::{Connected, Peer, connect};
use super::driver::Driver;
use super::life::{End, Life, Notice, Said, Stop};
use super::opening;
use super::seat::Seat;
use super::stall::Stall;
use super::surroundings::Surroundings;
use crate::config;
use crate::metrics::SmscMetrics;

/// A bind that lived so long did not fail at its beginning: the next pause is the shortest again.
const LASTING: Duration = Duration::from_secs(60);

/// One bind, from its first attempt to the end of the engine.
pub(super) struct Keeper {
    pub(super) config: Arc<config::Smsc>,
    pub(super) around: Surroundings,
    pub(super) seat: Seat,
    pub(super) account: Arc<Account>,
    /// Its number, as metrics and logs say it.
    pub(super) label: String,
    pub(super) line: Line,
    pub(super) stop: Stop,
}

/// What is known of the bind from its sessions so far.
struct Past {
    pauses: ExponentialBackoff,
    stall: Stall,
    /// The host that the next one begins with.
    host: usize,
    /// The right to be renewed, from the end of the session that was too old until the next is bound.
    renewal: Option<Renewal>,
}

/// What a session has come to.
#[derive(Default)]
struct Seen {
    bound: AtomicBool,
    answered: AtomicBool,
    /// It answered something: more than the bind.
    alive: AtomicBool,
    /// It is shown as stalled, since submissions are not answered.
    stalled: AtomicBool,
    renewal: Mutex<Option<Renewal>>,
}

impl Seen {
    fn renewal(&self) -> Option<Renewal> {
        self.renewal.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn is_bound(&self) -> bool {
        self.bound.load(Ordering::Relaxed)
    }
}

impl Keeper {
    pub(super) async fn keep_up(self) {
        if self.around.kind.transmits() {
            let window = self.metrics().all.window_size.with_label_values(&self.labels());
            window.set(i64::from(self.config.window));
        }
        let mut past = Past {
            pauses: self.pauses(),
            stall: Stall::default(),
            host: 0,
            renewal: None,
        };
        while let Some(ticket) = self.permission().await {
            let pause = self.one_session(ticket, &mut past).await;
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stop.drain.cancelled() => break,
            }
        }
        self.forget();
    }

    /// The bind is over for good: what was shown of it is shown no more.
    fn forget(&self) {
        let (all, labels) = (&self.metrics().all, self.labels());
        for state in STATES {
            let _was_shown = all
                .bind_state
                .remove_label_values(&[labels[0], labels[1], state])
                .is_ok();
        }
        let windows = [&all.window_size, &all.window_effective, &all.window_in_flight];
        for gauge in windows.into_iter().chain([&all.bind_congestion_state]) {
            let _was_shown = gauge.remove_label_values(&labels).is_ok();
        }
    }

    /// Waits until the session is ours, and the account may bind once more; `None`: it is the end.
    async fn permission(&self) -> Option<Ticket<'_>> {
        while !self.stop.drain.is_cancelled() {
            if !self.seat.is_ours() {
                self.enter("elsewhere", None);
            }
            tokio::select! {
                biased;
                () = self.seat.taken() => {}
                () = self.stop.drain.cancelled() => break,
            }
            let wait = match self.account.budget.take(self.around.clock.now()) {
                Ok(ticket) => return Some(ticket),
                Err(wait) => wait,
            };
            let (limit, seconds) = (self.config.link.binds_per_hour, wait.as_secs_f64().ceil());
            let error = format!("binds_per_hour = {limit} is used up: the next bind may go in {seconds} s");
            tracing::warn!(smsc = self.config.name, bind = self.label, error, "not bound; it waits");
            self.enter("waiting", Some(error));
            tokio::select! {
                () = sleep(wait) => {}
                () = self.stop.drain.cancelled() => {}
            }
        }
        None
    }

    /// One connection's life. Returns the pause before the next one.
    async fn one_session(&self, ticket: Ticket<'_>, past: &mut Past) -> Duration {
        self.enter("connecting", None);
        let connected = tokio::select! {
            connected = connect(&self.config, past.host) => connected,
            () = self.stop.drain.cancelled() => return Duration::ZERO,
            () = self.seat.leaving() => return self.make_room(),
        };
        let (host, lived) = match connected {
            Ok(connected) => {
                ticket.spend();
                (connected.host, self.session(connected, past).await)
            }
            Err(unreachable) => {
                let result = if unreachable.is_tls { "tls_error" } else { "tcp_error" };
                self.failed(result, unreachable.to_string());
                return self.next_pause(past);
            }
        };
        let (end, lasted) = match lived {
            Ok((End::MadeRoom | End::Lapsed, _)) => return self.make_room(),
            Ok(lived) => lived,
            Err(error) => {
                self.failed("tcp_error", error.to_string());
                return self.next_pause(past);
            }
        };
        // A host that binds and does not last is as bad as one that is away.
        past.host = if lasted {
            0
        } else {
            (host + 1) % self.config.link.addresses.len()
        };
        if end == End::Renewed {
            return Duration::ZERO;
        }
        if lasted {
            past.pauses = self.pauses();
        }
        if end.is_about_credentials() {
            return self.config.reconnect_max;
        }
        self.next_pause(past)
    }

    /// Another engine may have the session now.
    fn make_room(&self) -> Duration {
        self.seat.left();
        Duration::ZERO
    }

    fn next_pause(&self, past: &mut Past) -> Duration {
        self.seat.rest();
        past.pauses.next().unwrap_or(self.config.reconnect_max)
    }

    /// From the bind to the end. Returns that, and whether it lasted.
    async fn session(&self, connected: Connected, past: &mut Past) -> Result<(End, bool), Unencodable> {
        let begun = self.around.clock.now();
        let seen = Seen {
            renewal: Mutex::new(past.renewal.take()),
            ..Seen::default()
        };
        let session = opening::open(&self.config, self.around.kind, begun)?;
        self.on_connected(&connected.peer);
        let address = connected.peer.address.clone();
        let probe_after = past.stall.pause(self.config.response_timeout);
        let mut driver = Driver::new(&self.around, connected.transport, session, probe_after);
        let mut renewal = None;
        let leave = async {
            tokio::select! {
                () = self.stop.drain.cancelled() => {}
                () = self.seat.leaving() => {}
                due = self.renewal_is_due() => renewal = due,
            }
        };
        seen.stalled.store(probe_after.is_some(), Ordering::Relaxed);
        let notice = |notice| self.note(notice, &seen);
        let end = tokio::select! {
            end = driver.run(leave, notice) => end,
            () = self.stop.now.cancelled() => End::Local,
        };
        let is_renewed = end == End::Local && renewal.is_some() && !self.stop.drain.is_cancelled();
        let end = if is_renewed {
            End::Renewed
        } else if end == End::Local && !self.seat.is_ours() {
            End::MadeRoom
        } else {
            end
        };
        let life = driver.close(end, self.stop.now.cancelled()).await;
        past.renewal = renewal.or_else(|| seen.renewal());
        self.learn(&life, &seen, past);
        self.report((&life.end, &address), &seen, past.stall);
        let age = self.around.clock.now() - begun;
        let lasted = seen.is_bound() && (seen.alive.load(Ordering::Relaxed) || age >= LASTING);
        Ok((life.end, lasted))
    }

    /// Ends when the session has reached its greatest age and no other of the account is being bound anew.
    async fn renewal_is_due(&self) -> Option<Renewal> {
        match self.config.link.session_max_age {
            Some(age) => sleep(age).await,
            None => std::future::pending().await,
        }
        self.account.renewal().await
    }

    fn learn(&self, life: &Life, seen: &Seen, past: &mut Past) {
        self.line.gone();
        if seen.answered.load(Ordering::Relaxed) {
            past.stall.answered();
        }
        if life.silent {
            past.stall.silence();
        }
        let last = seen.is_bound() && self.account.left(self.around.kind);
        if last && self.config.bind == config::Directions::Pair && !self.stop.drain.is_cancelled() {
            tracing::warn!(
                smsc = self.config.name,
                "no receiver is bound: messages still go, their receipts wait at the SMSC"
            );
        }
    }

    fn note(&self, notice: Notice, seen: &Seen) {
        match notice {
            Notice::Draining => self.enter("draining", None),
            Notice::Bound(said) => {
                seen.bound.store(true, Ordering::Relaxed);
                // The next one may be bound anew.
                drop(seen.renewal());
                self.account.came(self.around.kind);
                self.show_window(self.around.kind.transmits().then_some(self.around.window));
                self.around.pool.set_refused(None);
                let stalled = seen.stalled.load(Ordering::Relaxed);
                self.on_bound(if stalled { "stalled" } else { "bound" }, &said);
            }
            Notice::Alive => seen.alive.store(true, Ordering::Relaxed),
            Notice::Answered => {
                seen.alive.store(true, Ordering::Relaxed);
                seen.answered.store(true, Ordering::Relaxed);
                if seen.stalled.swap(false, Ordering::Relaxed) {
                    self.enter("bound", None);
                    tracing::info!(
                        smsc = self.config.name,
                        bind = self.label,
                        "submissions are answered again"
                    );
                }
            }
            Notice::Silent => {
                if !seen.stalled.swap(true, Ordering::Relaxed) {
                    self.enter("stalled", None);
                    tracing::warn!(
                        smsc = self.config.name,
                        bind = self.label,
                        "submissions are not answered: messages wait for a place in the window"
                    );
                }
            }
            Notice::Window(limit, shrinks) => {
                self.show_window(Some(limit));
                if shrinks {
                    self.metrics().all.backed_off(&self.config.name, "slow");
                }
            }
            Notice::Congestion(state) => {
                self.line.congested(state);
                let gauge = &self.metrics().all.bind_congestion_state;
                gauge.with_label_values(&self.labels()).set(i64::from(state));
            }
        }
    }

    /// How many places of the window are used; `None`: there is none.
    fn show_window(&self, limit: Option<usize>) {
        self.line.window(limit);
        if let Some(limit) = limit {
            let gauge = &self.metrics().all.window_effective;
            gauge.with_label_values(&self.labels()).set(limit as i64);
        }
    }

    fn on_connected(&self, peer: &Peer) {
        self.line.connected(peer);
        let metrics = &self.metrics().all;
        metrics.certificate_expiry(&self.config.name, "server", peer.certificate_expiry);
        self.enter("binding", None);
    }

    fn on_bound(&self, state: &'static str, said: &Said) {
        self.attempt("ok");
        self.line.said(said);
        self.enter(state, None);
        let since = self.around.clock.unix().0 as f64 / 1e6;
        self.metrics()
            .all
            .bind_bound_timestamp_seconds
            .with_label_values(&self.labels())
            .set(since);
        let version = said.version.map(version);
        tracing::info!(
            smsc = self.config.name,
            bind = self.label,
            state,
            address = self.line.address(),
            smsc_system_id = said.system_id,
            smsc_version = version.as_deref(),
            "bound"
        );
    }

    /// There was no session.
    fn failed(&self, result: &str, error: String) {
        self.attempt(result);
        tracing::warn!(
            smsc = self.config.name,
            bind = self.label,
            error,
            "not bound; it is tried again"
        );
        self.enter("disconnected", Some(error));
    }

    /// Says once, where it is decided, why the session ended.
    fn report(&self, (end, address): (&End, &str), seen: &Seen, stall: Stall) {
        let (smsc, bind) = (&self.config.name, &self.label);
        if !seen.is_bound() && *end != End::Local {
            if let End::BindRefused(status) = end {
                self.around.pool.set_refused(Some(*status));
            }
            let result = end.attempt();
            if end.is_about_credentials() {
                tracing::error!(smsc, bind, address, %end, "the SMSC refuses our system_id or password: it is tried again, slowly");
                self.attempt(result);
                return self.enter("disconnected", Some(end.to_string()));
            }
            return self.failed(result, format!("{end} (at {address})"));
        }
        let disconnects = &self.metrics().all.bind_disconnects_total;
        disconnects.with_label_values(&[smsc, bind, end.label()]).inc();
        tracing::info!(smsc, bind, address, reason = %end, "session over");
        if let Some(pause) = stall.pause(self.config.response_timeout) {
            tracing::warn!(
                smsc,
                bind,
                pause = %humantime::format_duration(pause),
                "submissions are not answered: what was sent is in doubt; the next session tries one message after this pause, and sends no more until it is answered"
            );
        }
        self.enter("disconnected", Some(end.to_string()));
    }

    fn enter(&self, state: &'static str, error: Option<String>) {
        self.line.enter(state, self.around.clock.unix(), error);
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

    fn pauses(&self) -> ExponentialBackoff {
        ExponentialBuilder::default()
            .with_min_delay(self.config.reconnect_min)
            .with_max_delay(self.config.reconnect_max)
            .with_jitter()
            .without_max_times()
            .build()
    }
}
