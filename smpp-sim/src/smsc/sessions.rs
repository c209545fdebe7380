//! Every connection, bound or not.

use std::net::SocketAddr;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use tokio::sync::Notify;

use super::session::{BindState, End, Session, SessionView};

/// Connections at one time, bound or not: far more than any client of one aggregator opens.
const SESSIONS_MAX: usize = 4096;

/// Connections that are not bound yet: with a kilobyte or two each they cannot hurt, and the bind timer ends them.
const UNBOUND_MAX: usize = 1024;

/// The sessions by their numbers. The one whose turn it is, is not among them.
#[derive(Debug, Default)]
pub(super) struct Sessions {
    open: FxHashMap<u32, Box<Session>>,
    last: u32,
    /// Connections that are not bound, the one whose turn it is included.
    unbound: usize,
}

impl Sessions {
    /// A new one, which [`Sessions::put_back`] lets in; `None` when there are too many.
    pub(super) fn open(&mut self, peer: SocketAddr, wake: Arc<Notify>, now_us: u64) -> Option<Box<Session>> {
        if self.open.len() >= SESSIONS_MAX || self.unbound >= UNBOUND_MAX {
            return None;
        }
        self.last += 1;
        self.unbound += 1;
        Some(Box::new(Session::new(self.last, peer, wake, now_us)))
    }

    /// A connection is bound now.
    pub(super) fn one_bound(&mut self) {
        assert!(self.unbound > 0, "a session has bound that was not counted as unbound");
        self.unbound -= 1;
    }

    /// A connection has ended that was never bound.
    pub(super) fn one_gone_unbound(&mut self) {
        assert!(self.unbound > 0, "a session has ended that was not counted as unbound");
        self.unbound -= 1;
    }

    /// Takes a session out while it is its turn, so that the turn may reach for the others.
    pub(super) fn take(&mut self, id: u32) -> Option<Box<Session>> {
        self.open.remove(&id)
    }

    pub(super) fn put_back(&mut self, session: Box<Session>) {
        let other = self.open.insert(session.id, session);
        debug_assert!(other.is_none(), "two sessions have one number");
    }

    pub(super) fn get(&self, id: u32) -> Option<&Session> {
        self.open.get(&id).map(|session| &**session)
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Session> {
        self.open.get_mut(&id).map(|session| &mut **session)
    }

    /// Wakes every task that owns a socket.
    pub(super) fn wake_all(&self) {
        for session in self.open.values() {
            session.wake.notify_one();
        }
    }

    /// Drops everything that was still to be sent; scripts begin anew.
    pub(super) fn forget(&mut self) {
        for session in self.open.values_mut() {
            session.forget();
            session.wake.notify_one();
        }
    }

    /// How many are bound.
    pub(super) fn bound(&self) -> u64 {
        let bound = self.open.values().filter(|session| session.bound().is_some());
        bound.count() as u64
    }

    /// The bound ones, in order of connecting; `accounts` are the names by place.
    pub(super) fn views(&self, accounts: &[String]) -> Vec<SessionView> {
        let views = self.open.values().filter_map(|session| session.view(accounts));
        let mut views: Vec<_> = views.collect();
        views.sort_by_key(|view| view.session);
        views
    }

    /// Ends connections at once, all of them or that of one session; how many there were.
    pub(super) fn close(&mut self, only: Option<u32>) -> usize {
        let mut closed = 0;
        for session in self.open.values_mut().filter(|session| is(session, only)) {
            session.end = Some(End::Reset);
            session.wake.notify_one();
            closed += 1;
        }
        closed
    }

    /// Asks bound sessions to unbind, all of them or one; how many there were. Connections that are not bound are
    /// closed.
    pub(super) fn unbind(&mut self, only: Option<u32>) -> usize {
        let mut asked = 0;
        for session in self.open.values_mut().filter(|session| is(session, only)) {
            match session.state {
                BindState::Bound { .. } => {
                    session.unbind_wanted = true;
                    asked += 1;
                }
                BindState::Open => session.end = Some(End::Close),
                BindState::Unbinding { .. } => {}
            }
            session.wake.notify_one();
        }
        asked
    }
}

fn is(session: &Session, only: Option<u32>) -> bool {
    only.is_none_or(|only| session.id == only)
}
