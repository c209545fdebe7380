//! When the receipts of a message come.

use crate::delay::Delay;
use crate::model::{ReceiptPlan, Route, Scenario, Stat};
use crate::random::{Draw, Subject};

/// When the receipts of one message come, and where they go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Receipts {
    pub(super) delay_us: u64,
    pub(super) copies_delay_us: u64,
    /// They are due at multiples of it, if they wait for each other.
    release_us: Option<u64>,
    pub(super) intermediate: bool,
    pub(super) route: Route,
    /// The message's validity ends before it is delivered.
    expires: bool,
}

impl Receipts {
    /// As the plan says; `first` before the answer, which is itself that late.
    pub(super) fn of(
        plan: &ReceiptPlan,
        scenario: &Scenario,
        subject: &Subject,
        (first, answer_us): (bool, u64),
    ) -> Self {
        let scaled = |delay: &Delay, draw| scenario.scaled_us(delay, subject.draw(draw));
        let late = plan
            .late
            .as_ref()
            .filter(|late| subject.falls_into(late.0, Draw::ReceiptLate));
        let late_us = late.map_or(0, |late| scaled(&late.1, Draw::ReceiptLateBy));
        let delay_us = if first {
            0
        } else {
            answer_us + scaled(&plan.delay, Draw::ReceiptDelay) + late_us
        };
        Self {
            delay_us,
            copies_delay_us: if plan.copies_delay == Delay::NONE {
                0
            } else {
                scaled(&plan.copies_delay, Draw::ReceiptDelay)
            },
            release_us: plan.release_every.map(|every| scenario.scaled(every).max(1)),
            intermediate: plan.intermediate.is_some(),
            route: plan.route,
            expires: false,
        }
    }

    /// No sooner than the message is to be delivered, and no later than its validity ends; µs, scaled.
    pub(super) fn within(mut self, scheduled_us: u64, valid_us: Option<u64>) -> Self {
        self.delay_us += scheduled_us;
        if let Some(valid_us) = valid_us.filter(|&valid_us| valid_us < self.delay_us) {
            self.delay_us = valid_us;
            self.expires = true;
        }
        self
    }

    pub(super) fn expires(&self) -> bool {
        self.expires
    }

    /// What the message comes to in the end, if it would else come to that.
    pub(super) fn stat(&self, stat: Stat) -> Stat {
        if self.expires { Stat::Expired } else { stat }
    }

    /// When the message is in its final state, and the first final receipt is due.
    pub(super) fn final_us(&self, now_us: u64) -> u64 {
        let due_us = now_us + self.delay_us;
        self.release_us
            .map_or(due_us, |release_us| due_us.next_multiple_of(release_us))
    }
}
