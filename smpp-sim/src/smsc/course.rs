//! The course of a scenario: from phase to phase, by time or by count.

use std::sync::Arc;

use serde::Serialize;
use tokio::sync::Notify;

use crate::model::{Lasts, Outcome, Scenario};

/// Which phase it is, and until when.
#[derive(Debug)]
pub(super) struct Clockwork {
    current: usize,
    since_us: u64,
    /// It ends at this time...
    until_us: u64,
    /// ...or when the ledger has this many submits.
    until_submits: u64,
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

/// What is obeyed: a scenario, and the phase of it that the time or the count has come to.
#[derive(Debug)]
pub(super) struct Course {
    /// What was asked for, phases and all.
    base: Arc<Scenario>,
    /// What is obeyed now: the same, or one of its phases.
    pub(super) scenario: Arc<Scenario>,
    clockwork: Clockwork,
    /// Where the outcomes of the present scenario begin among all that there were.
    pub(super) first_outcome: usize,
    /// Where those of each phase begin.
    phases_from: Vec<usize>,
    /// Tells who listens that the phase or the scenario has changed.
    doors: Arc<Notify>,
}

impl Course {
    /// Not begun yet.
    pub(super) fn new(scenario: Arc<Scenario>) -> Self {
        Self {
            base: Arc::clone(&scenario),
            scenario,
            clockwork: Clockwork::stopped(),
            first_outcome: 0,
            phases_from: Vec::new(),
            doors: Arc::default(),
        }
    }

    pub(super) fn base(&self) -> &Arc<Scenario> {
        &self.base
    }

    pub(super) fn doors(&self) -> &Arc<Notify> {
        &self.doors
    }

    /// When time ends the phase, µs since 1970; `u64::MAX`: never.
    pub(super) fn until_us(&self) -> u64 {
        self.clockwork.until_us
    }

    /// Takes a scenario's outcomes in, those of its phases one after the other, and begins with its first phase.
    pub(super) fn begin(
        &mut self,
        scenario: Arc<Scenario>,
        outcomes: &mut Vec<Outcome>,
        (now_us, submits): (u64, u64),
    ) {
        self.base = scenario;
        if !self.base.agrees_with_phases() {
            Arc::make_mut(&mut self.base).overrule_phases();
        }
        if self.base.phases.is_empty() {
            self.first_outcome = outcomes.len();
            outcomes.extend(self.base.outcomes.iter().cloned());
            self.clockwork = Clockwork::stopped();
            self.scenario = Arc::clone(&self.base);
            return;
        }
        self.phases_from.clear();
        for phase in &self.base.phases {
            self.phases_from.push(outcomes.len());
            outcomes.extend(phase.scenario.outcomes.iter().cloned());
        }
        self.enter(0, (now_us, submits));
    }

    /// How many submits end the phase; `u64::MAX`: submits do not end it.
    pub(super) fn until_submits(&self) -> u64 {
        self.clockwork.until_submits
    }

    /// Goes on to the phase that the time and the number of submits call for; whether that is another one.
    pub(super) fn pass(&mut self, now_us: u64, submits: u64) -> bool {
        let count = self.base.phases.len();
        let mut entered = false;
        // Not more than one round: who sleeps for a week need not live through it.
        for _ in 0..count {
            let over = now_us >= self.clockwork.until_us || submits >= self.clockwork.until_submits;
            if !over {
                break;
            }
            let next = self.clockwork.current + 1;
            if next >= count && !self.base.repeat {
                // It lasts for ever now.
                (self.clockwork.until_us, self.clockwork.until_submits) = (u64::MAX, u64::MAX);
                break;
            }
            let began_us = now_us.min(self.clockwork.until_us);
            self.enter(next % count, (began_us, submits));
            entered = true;
        }
        entered
    }

    fn enter(&mut self, place: usize, (now_us, submits): (u64, u64)) {
        let Some(phase) = self.base.phases.get(place) else {
            return;
        };
        let mut clockwork = Clockwork {
            current: place,
            since_us: now_us,
            ..Clockwork::stopped()
        };
        match phase.lasts {
            Lasts::Time(time) => clockwork.until_us = now_us + self.base.scaled(time).max(1),
            Lasts::Submits(count) => clockwork.until_submits = submits + count,
            Lasts::Ever => {}
        }
        self.clockwork = clockwork;
        self.first_outcome = self.phases_from.get(place).copied().unwrap_or(self.first_outcome);
        tracing::info!(phase = phase.name, "the phase begins");
        self.scenario = Arc::clone(&phase.scenario);
    }

    /// The phase that it is in; `None`: the scenario has none.
    pub(super) fn phase(&self) -> Option<PhaseView> {
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
    pub(super) fn go_to(&mut self, name: &str, (now_us, submits): (u64, u64)) -> Result<(), NoSuchPhase> {
        let phases = &self.base.phases;
        let Some(place) = phases.iter().position(|phase| phase.name == name) else {
            return Err(NoSuchPhase {
                wanted: name.to_owned(),
                names: phases.iter().map(|phase| phase.name.clone()).collect(),
            });
        };
        self.enter(place, (now_us, submits));
        Ok(())
    }
}
