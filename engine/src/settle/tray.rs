//! What becomes of a group's receipts that move nothing now.

use std::time::Instant;

use rustc_hash::{FxHashMap, FxHashSet};

use super::case::{Case, Question};
use super::group::Group;
use crate::domain::SmscId;
use crate::receipt::Unmatched;
use crate::store::{InboundMark, ParkedOf};
use crate::traffic::Heard;

/// What is done with receipts of a group.
pub(super) struct Tray {
    /// They wait for an answer: parked at once, and asked once more.
    pub(super) early: Vec<Question>,
    /// They match nothing: parked at the end.
    pub(super) park: Vec<Question>,
    /// They were parked, and have found their place.
    pub(super) unpark: Vec<ParkedOf>,
    /// What partitions did not do that were not waited for.
    pub(super) left: Group,
    /// Inbound messages that were kept.
    pub(super) inbound: Vec<InboundMark>,
    /// What they and the answers say of their SMSCs.
    pub(super) heard: FxHashMap<SmscId, Heard>,
    /// Parked receipts that are being handled, or were.
    handled: FxHashSet<ParkedOf>,
}

impl Tray {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            early: Vec::new(),
            park: Vec::new(),
            unpark: Vec::new(),
            left: Group::new(now),
            inbound: Vec::new(),
            heard: FxHashMap::default(),
            handled: FxHashSet::default(),
        }
    }

    /// Whether a receipt is to be handled: a parked one that is being handled, or was, is not.
    pub(super) fn begin(&mut self, question: &Question) -> bool {
        match &question.parked {
            Some(parked) => self.handled.insert(parked.clone()),
            None => true,
        }
    }

    /// Whether some are to be parked and asked once more.
    pub(super) fn waits(&self) -> bool {
        !self.early.is_empty() || !self.park.is_empty()
    }

    pub(super) fn done(&mut self, question: Question) {
        self.unpark.extend(question.parked);
    }

    /// Its message may still be answered: a parked one stays parked, until its message moves.
    pub(super) fn early(&mut self, mut question: Question) {
        match &question.parked {
            Some(parked) => {
                self.handled.remove(parked);
            }
            None => {
                question.unmatched = Unmatched::Early;
                self.early.push(question);
            }
        }
    }

    /// It matches nothing: a parked one stays parked.
    pub(super) fn unmatched(&mut self, question: Question) {
        if question.parked.is_none() {
            self.park.push(question);
        }
    }

    /// Receipts that are still open after the last round are parked. Answers are returned: nobody else knows what they say.
    pub(super) fn give_up(&mut self, cases: Vec<Case>) -> Vec<Case> {
        let mut answers = Vec::new();
        for case in cases {
            match case {
                Case::Answer(_) => answers.push(case),
                Case::Receipt(mut question) => {
                    question.unmatched = Unmatched::Contended;
                    self.unmatched(question);
                }
            }
        }
        answers
    }
}
