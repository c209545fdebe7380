use std::sync::Arc;

use serde::Serialize;

use super::Smsc;
use super::submit::refusals;
use crate::model::{Lasts, Scenario};

/// Which phase it is, and until when.
#[derive(Debug)]
pub(super) struct Clockwork {
    current: usize,
    since_us: u64,
    /// It ends then...
    pub(super) until_us: u64,
    /// ...or when the ledger has so many submits.
    pub(super) until_submits: u64,
}

/// The phase that a simulator is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseView {
    /// Its name.
    pub name: String,
    /// Its place among the scenario's phases, from 0.
    pub place: usize,
    /// Since when, µs since 1970.
    pub since_us: u64,
    /// Until when, µs since 1970; `None`: time does not end it.
    pub until_us: Option<u64>,
    /// Until how many submits since the start or the reset; `None`: submits do not end it.
    pub until_submits: Option<u64>,
}

/// A scenario has no phase of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no phase is called {wanted:?}; {}", there_are(names))]
pub struct NoSuchPhase {
    /// What was asked for.
    pub wanted: String,
    /// What there is.
    pub names: Vec<String>,
}

fn there_are(names: &[String]) -> String {
    if names.is_empty() {
        "the scenario has no phases".to_owned()
    } else {
        format!("there are {}", names.join(", "))
    }
}

impl Clockwork {
    pub(super) fn stopped() -> Self {
        Self {
            current: 0,
            since_us: 0,
            until_us: u64::MAX,
            until_submits: u64::MAX,
        }
    }
}

impl Smsc {
    /// Takes a scenario's outcomes in, those of its phases one after the other, and begins with its first phase.
    pub(super) fn begin(&mut self, now_us: u64) {
        if !self.base.agrees_with_phases() {
            Arc::make_mut(&mut self.base).overrule_phases();
        }
        let base = Arc::clone(&self.base);
        if base.phases.is_empty() {
            self.first_outcome = self.outcomes.len();
            self.outcomes.extend(base.outcomes.iter().cloned());
            self.clockwork = Clockwork::stopped();
            self.obey(base);
            return;
        }
        self.phases_from.clear();
        for phase in &base.phases {
            self.phases_from.push(self.outcomes.len());
            self.outcomes.extend(phase.scenario.outcomes.iter().cloned());
        }
        self.enter(0, now_us);
    }

    /// How many outcomes a scenario brings along.
    pub(super) fn outcomes_of(scenario: &Scenario) -> usize {
        let phases = scenario.phases.iter().map(|phase| phase.scenario.outcomes.len());
        phases.sum::<usize>().max(scenario.outcomes.len())
    }

    /// Forgets the outcomes of all scenarios.
    pub(super) fn forget_outcomes(&mut self) {
        self.outcomes = refusals();
    }

    /// Goes on to the phase that it is time for.
    pub(crate) fn pass_phases(&mut self, now_us: u64) {
        // Not more than one round: who sleeps for a week need not live through it.
        for _ in 0..self.base.phases.len() {
            let over =
                now_us >= self.clockwork.until_us || self.ledger.counters.submits >= self.clockwork.until_submits;
            if !over {
                return;
            }
            let count = self.base.phases.len();
            let next = self.clockwork.current + 1;
            if next >= count && !self.base.repeat {
                // It lasts for ever now.
                (self.clockwork.until_us, self.clockwork.until_submits) = (u64::MAX, u64::MAX);
                return;
            }
            let began_us = now_us.min(self.clockwork.until_us);
            self.enter(next % count, began_us);
        }
    }

    fn enter(&mut self, place: usize, now_us: u64) {
        let base = Arc::clone(&self.base);
        let Some(phase) = base.phases.get(place) else { return };
        let mut clockwork = Clockwork {
            current: place,
            since_us: now_us,
            ..Clockwork::stopped()
        };
        match phase.lasts {
            Lasts::Time(time) => clockwork.until_us = now_us + base.scaled(time).max(1),
            Lasts::Submits(submits) => clockwork.until_submits = self.ledger.counters.submits + submits,
            Lasts::Ever => {}
        }
        self.clockwork = clockwork;
        self.first_outcome = self.phases_from.get(place).copied().unwrap_or(self.first_outcome);
        tracing::info!(phase = phase.name, "the phase begins");
        self.obey(Arc::clone(&phase.scenario));
    }

    /// From now on, sessions and accounts follow this scenario.
    fn obey(&mut self, scenario: Arc<Scenario>) {
        self.dealer.obey(Arc::clone(&scenario));
        for (account, name) in self.accounts.iter_mut().zip(&self.names) {
            match scenario.rights(name) {
                Some(rights) => account.rights = rights.clone(),
                None => account.rights.binds.clear(),
            }
            account.restart_faults();
        }
        (self.connections, self.binds) = (0, 0);
        self.scenario = scenario;
        for session in self.sessions.values() {
            session.wake.notify_one();
        }
        self.doors.notify_waiters();
    }

    /// The phase that it is in; `None`: the scenario has none.
    pub(crate) fn phase(&self) -> Option<PhaseView> {
        let clockwork = &self.clockwork;
        let phase = self.base.phases.get(clockwork.current)?;
        let limit = |value: u64| (value != u64::MAX).then_some(value);
        Some(PhaseView {
            name: phase.name.clone(),
            place: clockwork.current,
            since_us: clockwork.since_us,
            until_us: limit(clockwork.until_us),
            until_submits: limit(clockwork.until_submits),
        })
    }

    /// Goes to a phase at once, by its name.
    pub(crate) fn go_to_phase(&mut self, name: &str, now_us: u64) -> Result<(), NoSuchPhase> {
        let phases = &self.base.phases;
        let Some(place) = phases.iter().position(|phase| phase.name == name) else {
            return Err(NoSuchPhase {
                wanted: name.to_owned(),
                names: phases.iter().map(|phase| phase.name.clone()).collect(),
            });
        };
        self.enter(place, now_us);
        Ok(())
    }
}
