//! How SMSCs and routes stand, as operators are shown it.

use super::Traffic;
use super::quality::Standing;
use super::speed::SpeedStatus;
use crate::campaign::{Served, Serving};
use crate::config::Prefer;

/// How an SMSC stands, for operators.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub(crate) struct SmscStatus {
    pub(crate) name: String,
    /// running, suspended (an operator said so), stopped (it said so), not_bound (it has no session) or stalled (its sessions
    /// are bound, and submissions are not answered).
    pub(crate) state: &'static str,
    /// Nothing is submitted to it, since an operator said so.
    pub(crate) suspended: bool,
    /// Nothing is submitted to it, since it takes nothing from the account.
    pub(crate) stopped: Option<StopStatus>,
    /// It has a session that takes messages, or had one a moment ago.
    pub(crate) usable: bool,
    /// Segments that it has not answered, and leases that are under way for it.
    pub(crate) in_flight: usize,
    /// The most unanswered segments, when every session is bound.
    pub(crate) window: usize,
    /// How fast it is fed.
    pub(crate) rate: SpeedStatus,
    /// The names of the routes whose turn it has.
    pub(crate) serving: Vec<String>,
    /// How its receipts are, beside what they were; `null` while too little is known.
    pub(crate) quality: Option<Standing>,
}

/// Why an SMSC is given nothing, for operators.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct StopStatus {
    /// What it answered: a command_status.
    pub(crate) reason: String,
    /// Since when: RFC 3339.
    pub(crate) since: Option<String>,
    /// In so many seconds one message is tried.
    pub(crate) try_in_seconds: u64,
}

/// How a route stands, for operators.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct RouteStatus {
    pub(crate) name: String,
    /// What decides among SMSCs of the same priority: `cheapest`, `quality` or `null`.
    pub(crate) prefer: Option<&'static str>,
    /// In their order.
    pub(crate) smscs: Vec<RouteSmsc>,
}

/// An SMSC of a route.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub(crate) struct RouteSmsc {
    pub(crate) name: String,
    /// Those of the smallest priority that can take messages share them.
    pub(crate) priority: u8,
    /// Its share among these; `null`: each takes what it can.
    pub(crate) weight: Option<u8>,
    /// Whether it is its turn.
    pub(crate) serving: bool,
}

impl Traffic {
    /// How every route stands.
    pub(crate) fn routes(&self) -> Vec<RouteStatus> {
        let smscs = self.lock();
        let smsc = |served: &Served, serving: &Serving| {
            let known = smscs.iter().find(|known| known.id == serving.smsc)?;
            Some(RouteSmsc {
                name: known.name.clone(),
                priority: serving.priority,
                weight: serving.weight,
                serving: known.turn.borrow().routes.contains(&served.route),
            })
        };
        let status = |served: &Served| RouteStatus {
            name: served.name.clone(),
            prefer: served.prefer.map(Prefer::word),
            smscs: served.smscs.iter().filter_map(|choice| smsc(served, choice)).collect(),
        };
        self.0.routes.load().iter().map(status).collect()
    }
}
