//! From what was seen to what may be done: no Redis, no clock.

use super::marks::Marks;
use super::verdict::{Reason, Standing};
use crate::clock::Report;
use crate::config;
use crate::store::{Hazard, Sight};

/// What has to be known of earlier looks.
pub(super) struct Rules {
    /// The database's id at the start.
    id: String,
    allow_loss: bool,
    marks: Marks,
    /// Which of them were passed at the last look.
    passed: (bool, bool),
    /// The database is not the one of the start: for good, whatever is seen later.
    lost: Option<Reason>,
    /// The settings when they could last be read.
    hazards: Vec<Hazard>,
}

impl Rules {
    pub(super) fn new(id: String, settings: &config::Redis) -> Self {
        Self {
            id,
            allow_loss: settings.allow_loss,
            marks: Marks::new(settings.intake_mark, settings.lease_mark),
            passed: (false, false),
            lost: None,
            hazards: Vec::new(),
        }
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// How it stands after one look; `sight` is `None` when Redis did not answer.
    pub(super) fn judge(&mut self, sight: Option<&Sight>, journal_full: bool, clocks: Option<Report>) -> Standing {
        let mut reasons = Vec::new();
        match sight {
            None => reasons.push(Reason::RedisAway),
            Some(sight) => {
                self.identify(sight.id.as_deref());
                // Where not all nodes can be looked at, it is as it was.
                if let Some(memory) = sight.memory {
                    self.hazards = sight.hazards.clone().unwrap_or_default();
                    self.passed = self.marks.look(memory);
                }
                let (intake, leases) = self.passed;
                reasons.extend(intake.then_some(Reason::IntakeMark));
                reasons.extend(leases.then_some(Reason::LeaseMark));
            }
        }
        // Said here, or by the engine with the duty.
        let journal_full = journal_full || sight.is_some_and(|sight| sight.journal_full);
        reasons.extend(journal_full.then_some(Reason::JournalFull));
        if !self.allow_loss && !self.hazards.is_empty() {
            reasons.push(Reason::LosesData(self.hazards.clone()));
        }
        // The gravest first: it is what a refused caller is told.
        reasons.splice(0..0, self.lost.clone());
        let clocks = clocks.unwrap_or(Report {
            expiries_allowed: true,
            ..Report::default()
        });
        Standing {
            expiries_allowed: clocks.expiries_allowed && self.lost.is_none(),
            reasons,
            loss_allowed: if self.allow_loss {
                self.hazards.clone()
            } else {
                Vec::new()
            },
            server_step_us: clocks.server_step_us,
            wall_step_us: clocks.wall_step_us,
        }
    }

    fn identify(&mut self, id: Option<&str>) {
        let lost = match id {
            Some(id) if id == self.id => return,
            Some(_) => Reason::OtherDatabase,
            None => Reason::DatabaseEmptied,
        };
        self.lost.get_or_insert(lost);
    }
}
