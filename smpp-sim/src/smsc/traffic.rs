//! What all accounts together bring: counted for faults and for the limit over all.

use super::meter::Meter;
use super::session::{End, Session};
use crate::model::{BindFault, ConnectTrouble, Scenario};

/// Counts since the phase began, and the last second's submits.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    connections: u64,
    binds: u64,
    /// What all accounts were let through in the last second, if the scenario limits that.
    pub(super) meter: Meter,
}

impl Traffic {
    /// Counts faults from here on.
    pub(super) fn restart(&mut self) {
        (self.connections, self.binds) = (0, 0);
    }

    /// What happens to a connection that has just come.
    pub(super) fn meet_connection(&mut self, session: &mut Session, scenario: &Scenario) {
        self.connections += 1;
        let Some(connect) = scenario.faults.connect else {
            return;
        };
        if !connect.aim.meets_event(scenario.seed, self.connections) {
            return;
        }
        match connect.what {
            // It came in while the port was being closed.
            ConnectTrouble::Refuse | ConnectTrouble::Reset => session.end = Some(End::Reset),
            ConnectTrouble::Close => session.end = Some(End::Close),
            ConnectTrouble::HalfOpen => session.trouble.deaf = true,
        }
    }

    /// Counts a bind; the fault that meets it.
    pub(super) fn meet_bind(&mut self, fault: Option<BindFault>, scenario: &Scenario) -> Option<BindFault> {
        self.binds += 1;
        fault.filter(|fault| fault.aim.meets_event(scenario.seed, self.binds))
    }
}
