use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use kit::clock::{Clock, micros};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::capture::Capture;
use crate::ledger::{AccountRate, Filter, Line, Message, MessageFilter, Page, Totals, Walk};
use crate::model::Scenario;
use crate::smsc::{
    InboundOrder, InboundView, NextStep, NoInbound, NoSuchPhase, PhaseView, SessionView, Smsc, TooManyOutcomes,
};

/// Rows looked at while the sessions wait: well under a millisecond.
const ROWS_AT_ONCE: usize = 1_000;

/// Conditions are looked at again no sooner than this, so that waiting does not slow down what is waited for.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// What one asks of a running simulator: the same for HTTP and for a test in the same process. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Handle {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    // One lock for all: it is taken once for everything that one read brought, not once a message.
    smsc: Mutex<Smsc>,
    process: Process,
}

/// What the SMSCs of one process share.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    pub(crate) clock: Clock,
    pub(crate) capture: Capture,
    pub(crate) stopping: CancellationToken,
    /// Something happened at one of them.
    changed: Arc<Notify>,
}

impl Process {
    pub(crate) fn start() -> Self {
        let clock = Clock::unix();
        Self {
            clock,
            capture: Capture::new(clock),
            stopping: CancellationToken::new(),
            changed: Arc::default(),
        }
    }
}

/// Counters and the values that they are to reach, by their names in [`Totals`].
pub type Goals = Vec<(String, u64)>;

/// What became of waiting.
#[derive(Clone, Debug)]
pub enum Waited {
    /// Every counter has reached its value.
    Reached(Totals),
    /// The time was up.
    TimeUp(Totals),
    /// There is no counter of that name.
    NoSuchCounter(String),
}

/// Whether counters reached their values.
pub(crate) enum Reach {
    Reached,
    TimeUp,
    NoSuchCounter(String),
}

/// Waits until the sums over all handles, which are of one process, have reached their values.
pub(crate) async fn reach(handles: &[&Handle], goals: &Goals, timeout: Duration) -> Reach {
    let Some(process) = handles.first().map(|handle| &handle.shared.process) else {
        return Reach::TimeUp;
    };
    let deadline = process.clock.instant(process.clock.now_us() + micros(timeout));
    loop {
        let changed = process.changed.notified();
        let totals: Vec<_> = handles.iter().map(|handle| handle.totals()).collect();
        let sum = |name: &str| totals.iter().map(|totals| totals.counter(name)).sum::<Option<u64>>();
        if let Some((name, _)) = goals.iter().find(|(name, _)| sum(name).is_none()) {
            return Reach::NoSuchCounter(name.clone());
        }
        if goals.iter().all(|(name, value)| sum(name) >= Some(*value)) {
            return Reach::Reached;
        }
        tokio::select! {
            () = changed => tokio::time::sleep(LOOK_AGAIN).await,
            () = tokio::time::sleep_until(deadline) => return Reach::TimeUp,
            () = process.stopping.cancelled() => return Reach::TimeUp,
        }
    }
}

impl Handle {
    pub(crate) fn new(scenario: Arc<Scenario>, process: Process) -> Self {
        let smsc = Mutex::new(Smsc::new(scenario, process.clock.now_us()));
        let shared = Shared { smsc, process };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// The ledger's counters.
    pub fn totals(&self) -> Totals {
        self.smsc().totals()
    }

    /// The rows that pass the filter, all at once. For ten million of them use HTTP, which streams.
    pub fn lines(&self, filter: Filter) -> Vec<Line> {
        let mut page = Page::new(filter);
        let mut lines = Vec::new();
        while let Some(more) = self.more_lines(&mut page) {
            lines.extend(more);
        }
        lines
    }

    /// The next rows of a page; `None` at the end.
    pub(crate) fn more_lines(&self, page: &mut Page) -> Option<Vec<Line>> {
        self.smsc().lines(page, ROWS_AT_ONCE)
    }

    /// Begins a walk over messages, from that row or from the first in that direction.
    pub(crate) fn walk(&self, filter: MessageFilter, backwards: bool, from: Option<u64>) -> Walk {
        self.smsc().walk(filter, backwards, from)
    }

    /// The next messages of a walk, at most `limit`; it may be fewer though more follow.
    pub(crate) fn more_messages(&self, walk: &mut Walk, limit: usize) -> Vec<Message> {
        self.smsc().messages(walk, (ROWS_AT_ONCE, limit))
    }

    /// How fast every account submitted.
    pub fn rates(&self) -> Vec<AccountRate> {
        self.smsc().rates()
    }

    /// Who is bound.
    pub fn sessions(&self) -> Vec<SessionView> {
        self.smsc().session_views()
    }

    /// Waits until every counter has reached its value, or the time is up, or the simulator stops.
    pub async fn wait(&self, goals: &Goals, timeout: Duration) -> Waited {
        match reach(&[self], goals, timeout).await {
            Reach::Reached => Waited::Reached(self.totals()),
            Reach::TimeUp => Waited::TimeUp(self.totals()),
            Reach::NoSuchCounter(name) => Waited::NoSuchCounter(name),
        }
    }

    /// Until no session is bound any more.
    pub(crate) async fn wait_until_unbound(&self) {
        loop {
            let changed = self.shared.process.changed.notified();
            if self.sessions().is_empty() {
                return;
            }
            changed.await;
        }
    }

    /// Sends an ordinary message to an account: the named one, or the only one that has bound. Its place in the list of
    /// [`Handle::inbound_messages`].
    ///
    /// # Errors
    /// There is no such account, the text is too long, or there are too many.
    pub fn inbound(&self, addresses: (&str, &str), text: &str, account: Option<&str>) -> Result<usize, NoInbound> {
        self.send_inbound(&InboundOrder {
            from: addresses.0.to_owned(),
            to: addresses.1.to_owned(),
            text: text.to_owned(),
            account: account.map(str::to_owned),
            ..InboundOrder::default()
        })
    }

    /// As [`Handle::inbound`], with everything that one may wish of an inbound message.
    ///
    /// # Errors
    /// There is no such account, the text or the header cannot be sent, or too many messages wait for clients.
    pub fn send_inbound(&self, order: &InboundOrder) -> Result<usize, NoInbound> {
        let now_us = self.shared.process.clock.now_us();
        self.smsc().inbound(order, now_us)
    }

    /// Every inbound message, with what was sent and acknowledged of it.
    pub fn inbound_messages(&self) -> Vec<InboundView> {
        self.smsc().inbound_views()
    }

    /// Drops every TCP connection with a reset; how many there were.
    pub fn close_sessions(&self) -> usize {
        self.smsc().close_sessions(None)
    }

    /// Asks every session politely to end; how many were bound.
    pub fn unbind_sessions(&self) -> usize {
        self.smsc().unbind_sessions(None)
    }

    /// Drops one session's TCP connection; whether there was one.
    pub fn close_session(&self, session: u32) -> bool {
        self.smsc().close_sessions(Some(session)) > 0
    }

    /// Asks one session politely to end; whether it was bound.
    pub fn unbind_session(&self, session: u32) -> bool {
        self.smsc().unbind_sessions(Some(session)) > 0
    }

    /// Empties the ledger and forgets everything but the sessions.
    pub fn reset(&self) {
        self.smsc().reset(self.shared.process.clock.now_us());
        self.shared.process.changed.notify_waiters();
    }

    /// The scenario that is obeyed.
    pub fn scenario(&self) -> Arc<Scenario> {
        Arc::clone(self.smsc().base())
    }

    /// Obeys another scenario from now on.
    ///
    /// # Errors
    /// There were too many scenarios since the last reset.
    pub fn switch(&self, scenario: Scenario) -> Result<(), TooManyOutcomes> {
        self.smsc()
            .switch(Arc::new(scenario), self.shared.process.clock.now_us())
    }

    /// The phase that the scenario is in; `None`: it has none.
    pub fn phase(&self) -> Option<PhaseView> {
        let mut smsc = self.smsc();
        smsc.pass_phases(self.shared.process.clock.now_us());
        smsc.phase()
    }

    /// Goes to a phase at once, by its name; the ones after it follow as the scenario says.
    ///
    /// # Errors
    /// The scenario has no such phase; the error names those that it has.
    pub fn go_to_phase(&self, name: &str) -> Result<(), NoSuchPhase> {
        self.smsc().go_to_phase(name, self.shared.process.clock.now_us())
    }

    /// Whether the port is to be closed now, and when to look again at the latest, µs since 1970.
    pub(crate) fn door(&self) -> (bool, u64) {
        let mut smsc = self.smsc();
        smsc.pass_phases(self.shared.process.clock.now_us());
        (smsc.refuses_connections(), smsc.phase_until_us())
    }

    pub(crate) fn capture(&self) -> &Capture {
        &self.shared.process.capture
    }

    pub(crate) fn clock(&self) -> Clock {
        self.shared.process.clock
    }

    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.shared.process.stopping
    }

    /// One turn of a session, see [`Smsc::turn`].
    pub(crate) fn turn(&self, session: u32, bytes: (&[u8], bool), out: &mut BytesMut) -> NextStep {
        let now_us = self.shared.process.clock.now_us();
        let next = self.smsc().turn(session, bytes, now_us, out);
        self.shared.process.changed.notify_waiters();
        next
    }

    pub(crate) fn smsc(&self) -> MutexGuard<'_, Smsc> {
        // A panic in one session's turn leaves counters that may be off by one message; the others go on.
        self.shared.smsc.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_us(&self) -> u64 {
        self.shared.process.clock.now_us()
    }

    pub(crate) fn notify(&self) {
        self.shared.process.changed.notify_waiters();
    }
}
