//! How every bind stands, for operators.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use smpp::frame::BindKind;

use super::connect::Peer;
use super::life::Said;
use crate::domain::UnixMicros;

/// What a bind can be.
pub(super) const STATES: [&str; 8] = [
    "disconnected",
    "waiting",
    "connecting",
    "binding",
    "bound",
    "stalled",
    "draining",
    "elsewhere",
];

/// How a bind stands.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct BindStatus {
    /// The SMSC's name.
    pub(crate) smsc: String,
    /// Which of its sessions, from 0; of a pair the transmitters first.
    pub(crate) bind: u32,
    /// transceiver, transmitter or receiver.
    pub(crate) kind: String,
    /// disconnected, waiting (the binds of the hour are used up), connecting, binding, bound, stalled (bound, but submissions
    /// are not answered: one at a time is tried) or draining.
    pub(crate) state: &'static str,
    /// Since when it is in that state: RFC 3339.
    pub(crate) since: Option<String>,
    /// The host that it is connected to, with its IP address.
    pub(crate) address: Option<String>,
    /// The version of TLS, such as "1.3".
    pub(crate) tls: Option<String>,
    /// `system_id` of the SMSC's answer to the bind.
    pub(crate) smsc_system_id: Option<String>,
    /// `sc_interface_version` of that answer, such as "3.4".
    pub(crate) smsc_version: Option<String>,
    /// Unanswered submissions that it may have now: the configured window, or fewer while answers are slow.
    pub(crate) window: Option<usize>,
    /// How busy the SMSC said that it is: 0 idle to 99 (5.0, `congestion_state`).
    pub(crate) congestion: Option<u8>,
    /// Why the last session ended or the last attempt failed; empty before.
    pub(crate) last_error: String,
    /// When that was: RFC 3339. When the bind was bound later, it is over.
    pub(crate) last_error_at: Option<String>,
}

impl BindStatus {
    /// Whether there is a session of this engine's.
    pub(crate) fn has_own_session(&self) -> bool {
        self.has_session() && self.state != "elsewhere"
    }

    /// Whether there is a session, of this engine's or of another one.
    pub(crate) fn has_session(&self) -> bool {
        ["bound", "stalled", "draining", "elsewhere"].contains(&self.state)
    }
}

/// Shared with whoever shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Board(Arc<Mutex<BTreeMap<u32, BindStatus>>>);

/// The place of one bind on the board, until this is dropped.
#[derive(Debug)]
pub(super) struct Line {
    board: Board,
    at: u32,
}

impl Board {
    /// Every bind, in the order of the configuration; those that came later, behind.
    pub(crate) fn all(&self) -> Vec<BindStatus> {
        self.lock().values().cloned().collect()
    }

    pub(super) fn add(&self, smsc: &str, bind: u32, kind: BindKind, now: UnixMicros) -> Line {
        let mut list = self.lock();
        let at = list.last_key_value().map_or(0, |(last, _)| last + 1);
        let status = BindStatus {
            smsc: smsc.to_owned(),
            bind,
            kind: kind.to_string(),
            state: STATES[0],
            since: time(now),
            address: None,
            tls: None,
            smsc_system_id: None,
            smsc_version: None,
            window: None,
            congestion: None,
            last_error: String::new(),
            last_error_at: None,
        };
        list.insert(at, status);
        Line {
            board: self.clone(),
            at,
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, BindStatus>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Another state; `error`: why the one before is over, if that went wrong.
    pub(super) fn enter(&self, state: &'static str, now: UnixMicros, error: Option<String>) {
        self.change(|line| {
            line.state = state;
            line.since = time(now);
            if let Some(error) = error {
                line.last_error = error;
                line.last_error_at = time(now);
            }
        });
    }

    /// There is a connection.
    pub(super) fn connected(&self, peer: &Peer) {
        self.change(|line| {
            line.address = Some(peer.address.clone());
            line.tls.clone_from(&peer.tls);
        });
    }

    /// The host that it is connected to.
    pub(super) fn address(&self) -> Option<String> {
        self.board.lock().get(&self.at)?.address.clone()
    }

    /// The bind was accepted.
    pub(super) fn said(&self, said: &Said) {
        self.change(|line| {
            line.smsc_system_id = (!said.system_id.is_empty()).then(|| said.system_id.clone());
            line.smsc_version = said.version.map(version);
        });
    }

    /// How many unanswered submissions it may have.
    pub(super) fn window(&self, limit: Option<usize>) {
        self.change(|line| line.window = limit);
    }

    /// How busy the SMSC is.
    pub(super) fn congested(&self, state: u8) {
        self.change(|line| line.congestion = Some(state));
    }

    /// The connection is gone, and what was known through it.
    pub(super) fn gone(&self) {
        self.change(|line| {
            line.address = None;
            line.tls = None;
            line.smsc_system_id = None;
            line.smsc_version = None;
            line.window = None;
            line.congestion = None;
        });
    }

    fn change(&self, change: impl FnOnce(&mut BindStatus)) {
        if let Some(status) = self.board.lock().get_mut(&self.at) {
            change(status);
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.board.lock().remove(&self.at);
    }
}

/// `0x34` is 3.4: two digits.
pub(super) fn version(octet: u8) -> String {
    format!("{:X}.{:X}", octet >> 4, octet & 0xF)
}

/// RFC 3339.
pub(super) fn time(at: UnixMicros) -> Option<String> {
    at.timestamp().map(|time| time.to_string())
}
