//! What a run is to do, and what its sessions share while it is under way.

use std::sync::{Mutex, MutexGuard, PoisonError};

use smpp::frame::{Bind, BindKind};
use smpp::session::Timers;

use super::book::Book;
use super::connection::Target;
use crate::traffic::Traffic;

/// Who binds.
pub(crate) struct Account {
    pub(crate) system_id: String,
    pub(crate) password: String,
    pub(crate) system_type: String,
    pub(crate) interface_version: u8,
}

impl Account {
    pub(super) fn bind(&self, kind: BindKind) -> Bind<'_> {
        Bind {
            kind,
            system_id: self.system_id.as_bytes(),
            password: self.password.as_bytes(),
            system_type: self.system_type.as_bytes(),
            interface_version: self.interface_version,
            addr_ton: 0,
            addr_npi: 0,
            address_range: b"",
        }
    }
}

/// What a run is to do.
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) account: Account,
    /// One entry for each session.
    pub(crate) sessions: Vec<BindKind>,
    /// Unanswered submit_sm in each.
    pub(crate) window: usize,
    pub(crate) timers: Timers,
    /// Tries to bind again after a connection was lost, in a row.
    pub(crate) reconnects: u32,
    pub(crate) traffic: Traffic,
}

/// A plan under way.
pub(super) struct Run {
    pub(super) plan: Plan,
    // One lock for all sessions: taken once for everything that one read brought.
    pub(super) book: Mutex<Book>,
}

impl Run {
    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        // After a panic in one session's turn a counter may be off by one; the panic itself ends the run with an error.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
