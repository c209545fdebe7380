use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::BytesMut;
use kit::clock::micros;
use rustc_hash::FxHashMap;
use serde::Serialize;
use smpp::frame::{BindKind, CommandId, PDU_LENGTH_MAX};
use tokio::sync::Notify;

use super::job::{Job, JobKind};
use super::meter::Meter;
use super::schedule::Schedule;
use super::trouble::Trouble;
use crate::model::{Hangup, Timers, Writing};
use crate::version::Version;

/// Before the bind nobody needs more than a bind: its longest legal form has 97 octets.
const UNBOUND_LENGTH_MAX: usize = 1024;

/// A session that collects submits before it hangs up waits so long for the next one.
const HOLDING_PATIENCE_US: u64 = 500_000;

/// The highest legal sequence number; then 1 again (3.4, 5.1.4).
const SEQUENCE_MAX: u32 = 0x7FFF_FFFF;

/// How a session ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// What was written is sent, then the connection is closed.
    Close,
    /// As `Close`, but what the peer still sends is taken and thrown away for a moment: to close a socket with unread
    /// octets resets it, and a reset may take the last answer with it.
    Drain,
    /// The connection is reset.
    Reset,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BindState {
    /// Connected, not bound.
    Open,
    Bound {
        account: usize,
        kind: BindKind,
    },
    /// We sent unbind and wait for its answer; nothing more is delivered.
    Unbinding {
        account: usize,
        kind: BindKind,
        since_us: u64,
    },
}

/// One request that is to be answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Request {
    pub(super) command: CommandId,
    pub(super) sequence: u32,
}

impl Request {
    pub(super) fn job(self, row: u32) -> Job {
        let kind = match self.command {
            CommandId::DATA_SM => JobKind::DataAnswer,
            CommandId::SUBMIT_MULTI => JobKind::MultiAnswer,
            CommandId(_) => JobKind::Answer,
        };
        Job {
            kind,
            row,
            sequence: self.sequence,
            tries: 0,
        }
    }
}

/// Submits that are collected, unanswered, before the session hangs up.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) hangup: Hangup,
    pub(super) held: Vec<Job>,
    pub(super) last_us: u64,
}

impl Holding {
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= self.hangup.holding as usize
    }

    pub(super) fn deadline_us(&self) -> u64 {
        self.last_us + HOLDING_PATIENCE_US
    }
}

/// One TCP connection's life, as far as the SMSC is concerned.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) id: u32,
    pub(super) state: BindState,
    /// What its bind said.
    pub(super) version: Version,
    /// Whether its answers say how busy the SMSC is.
    pub(super) congestion: bool,
    /// What it was let through in the last second, if the account limits that.
    pub(super) meter: Meter,
    pub(super) peer: SocketAddr,
    /// Tells the task that owns the socket that something changed.
    pub(super) wake: Arc<Notify>,
    pub(super) opened_us: u64,
    pub(super) heard_us: u64,
    /// When our enquire_link went out that is not answered yet.
    pub(super) asked_us: Option<u64>,
    /// Since when the rest of a PDU is missing.
    pub(super) incomplete_us: Option<u64>,
    pub(super) paused_until_us: u64,
    pub(super) holding: Option<Holding>,
    pub(super) trouble: Trouble,
    pub(super) unbind_wanted: bool,
    pub(super) end: Option<End>,
    pub(super) schedule: Schedule,
    /// Deliveries that are due and wait for a place in the window.
    pub(super) ready: VecDeque<Job>,
    pub(super) unacked: FxHashMap<u32, Job>,
    /// When the deliveries count as unanswered, in order of sending; some are acknowledged since. Empty where the
    /// scenario waits for ever.
    pub(super) patience: VecDeque<(u64, u32)>,
    /// Submits whose answer is late.
    pub(super) unanswered: u32,
    /// Submits of this turn: their answers are not on the wire yet.
    pub(super) this_turn: u32,
    sequence: u32,
}

/// A session's turn: what it may use and where it writes.
pub(super) struct Turn<'a> {
    pub(super) session: &'a mut Session,
    pub(super) now_us: u64,
    pub(super) out: &'a mut BytesMut,
}

/// What the task that owns the socket is to do next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextStep {
    /// So many octets were used up.
    pub(crate) consumed: usize,
    /// Come back then at the latest.
    pub(crate) wake_us: u64,
    /// Whether to read.
    pub(crate) reading: bool,
    /// Write what is there, and end.
    pub(crate) end: Option<End>,
    /// How to write; `None`: all at once.
    pub(crate) writing: Option<Writing>,
}

/// A session as `GET /sessions` shows it.
#[derive(Clone, Debug, Serialize)]
pub struct SessionView {
    /// Number of the session, from 1.
    pub session: u32,
    /// Its account.
    pub account: String,
    /// transceiver, transmitter or receiver.
    pub bind: String,
    /// 3.3, 3.4 or 5.0, as the bind said.
    pub version: String,
    /// The client's address.
    pub peer: String,
    /// When it connected, µs since 1970.
    pub connected_at_us: u64,
    /// Submits whose answer is late.
    pub unanswered: u32,
    /// Deliveries that are not acknowledged.
    pub unacknowledged: usize,
    /// Deliveries that wait for a place in the window.
    pub waiting: usize,
}

impl Session {
    pub(super) fn new(id: u32, peer: SocketAddr, wake: Arc<Notify>, now_us: u64) -> Self {
        Self {
            id,
            state: BindState::Open,
            version: Version::default(),
            congestion: false,
            meter: Meter::default(),
            peer,
            wake,
            opened_us: now_us,
            heard_us: now_us,
            asked_us: None,
            incomplete_us: None,
            paused_until_us: 0,
            holding: None,
            trouble: Trouble::default(),
            unbind_wanted: false,
            end: None,
            schedule: Schedule::default(),
            ready: VecDeque::new(),
            unacked: FxHashMap::default(),
            patience: VecDeque::new(),
            unanswered: 0,
            this_turn: 0,
            sequence: 0,
        }
    }

    pub(super) fn bound(&self) -> Option<(usize, BindKind)> {
        match self.state {
            BindState::Open => None,
            BindState::Bound { account, kind } | BindState::Unbinding { account, kind, .. } => Some((account, kind)),
        }
    }

    /// The account, if messages may be submitted on this session, and asked about (3.4, 2.3).
    pub(super) fn transmitting(&self) -> Option<usize> {
        self.bound()
            .filter(|(_, kind)| kind.transmits())
            .map(|(account, _)| account)
    }

    /// The account, if deliveries may go out on this session.
    pub(super) fn receiving(&self) -> Option<usize> {
        match self.state {
            BindState::Bound { account, kind } => (kind.receives() && self.end.is_none()).then_some(account),
            BindState::Open | BindState::Unbinding { .. } => None,
        }
    }

    /// Whether it is bound for deliveries and for nothing else.
    pub(super) fn receives_only(&self) -> bool {
        matches!(self.bound(), Some((_, BindKind::Receiver)))
    }

    /// Drops everything that was still to be sent.
    pub(super) fn forget(&mut self) {
        self.schedule = Schedule::default();
        self.ready.clear();
        self.unacked.clear();
        self.patience.clear();
        self.holding = None;
        self.unanswered = 0;
    }

    pub(super) fn length_max(&self) -> usize {
        match self.state {
            BindState::Open => UNBOUND_LENGTH_MAX,
            BindState::Bound { .. } | BindState::Unbinding { .. } => PDU_LENGTH_MAX,
        }
    }

    pub(super) fn next_sequence(&mut self) -> u32 {
        self.sequence = if self.sequence >= SEQUENCE_MAX {
            1
        } else {
            self.sequence + 1
        };
        self.sequence
    }

    /// When something is due next.
    pub(super) fn wake_us(&self, timers: &Timers) -> u64 {
        let bind = matches!(self.state, BindState::Open).then(|| self.opened_us + micros(timers.bind));
        let unbind = match self.state {
            BindState::Unbinding { since_us, .. } => Some(since_us + micros(timers.unbind)),
            BindState::Open | BindState::Bound { .. } => None,
        };
        let link = match self.asked_us {
            Some(asked) => asked + micros(timers.enquire_link_answer),
            None => self.heard_us + micros(timers.enquire_link),
        };
        let link = self.bound().map(|_| link);
        let read = self.incomplete_us.map(|since| since + micros(timers.read));
        let pause = (self.paused_until_us > 0).then_some(self.paused_until_us);
        let holding = self.holding.as_ref().map(Holding::deadline_us);
        let trouble = self.trouble.wake_us();
        let patience = self.patience.front().map(|&(until_us, _)| until_us);
        let times = [
            bind,
            unbind,
            link,
            read,
            pause,
            holding,
            trouble,
            patience,
            self.schedule.next_us(),
        ];
        times.into_iter().flatten().min().unwrap_or(u64::MAX)
    }

    /// One more submit is answered later than in this turn.
    pub(super) fn owe_answer(&mut self) {
        self.unanswered += 1;
    }

    /// An answer that was put off goes out.
    pub(super) fn pay_answer(&mut self) {
        assert!(self.unanswered > 0, "a late answer that no submit is counted for");
        self.unanswered -= 1;
    }

    /// How it is shown, if it is bound; `accounts` are the names by place.
    pub(super) fn view(&self, accounts: &[String]) -> Option<SessionView> {
        let (account, kind) = self.bound()?;
        Some(SessionView {
            session: self.id,
            account: accounts[account].clone(),
            bind: kind.to_string(),
            version: self.version.to_string(),
            peer: self.peer.to_string(),
            connected_at_us: self.opened_us,
            unanswered: self.unanswered,
            unacknowledged: self.unacked.len(),
            waiting: self.ready.len(),
        })
    }
}
