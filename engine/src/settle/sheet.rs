//! A round's drafts, and the moves that were made in them.

use super::case::{Answered, Case, Question};
use super::traced::Settled;
use crate::domain::{Step, Transition};
use crate::store::Swap;

/// A recipient's record in a round.
pub(super) struct Sheet {
    /// As it was, and what the round makes of it.
    pub(super) swap: Swap,
    /// It was read in this round; if not, it is what this process saw last.
    pub(super) fresh: bool,
    /// Something has moved in it.
    pub(super) moved: bool,
}

/// A move in a sheet.
pub(super) enum Made {
    /// By an answer; what it was, where the answer came late.
    Answer(Answered, Option<Box<Transition>>),
    /// By a receipt: the step, and of which message.
    Receipt(Question, Step, Settled),
}

impl Made {
    /// It was not made after all: its record is something else by now.
    pub(super) fn again(self) -> Case {
        match self {
            Self::Answer(answered, _) => Case::Answer(Answered { read: true, ..answered }),
            Self::Receipt(question, ..) => Case::Receipt(question),
        }
    }
}
