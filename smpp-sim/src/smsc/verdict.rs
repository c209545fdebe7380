//! What an account's faults make of a message that was dealt an outcome.

use std::time::Duration;

use smpp::command_status::CommandStatus;

use super::account::LiveAccount;
use crate::model::{Answer, Injected};
use crate::random::{Draw, Subject};

/// What is said to one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Verdict {
    pub(super) status: CommandStatus,
    pub(super) accepted: bool,
    pub(super) answered: bool,
    pub(super) injected: Option<Injected>,
}

impl LiveAccount {
    /// What is said to a message that was dealt an outcome, faults considered.
    pub(super) fn verdict(&self, answer: Answer, subject: &Subject) -> Verdict {
        let (faults, number) = (&self.rights.faults, self.submits);
        let silent = |accepted, injected| Verdict {
            status: CommandStatus::ESME_ROK,
            accepted,
            answered: false,
            injected,
        };
        if self.is_mute() {
            return silent(false, None);
        }
        if faults.lost.meets(subject, Draw::Lost, number) {
            return silent(false, Some(Injected::Lost));
        }
        let status = match answer {
            Answer::Silence { accepted } => return silent(accepted, None),
            Answer::Status(status) => status,
        };
        let answered = |status, accepted, injected| Verdict {
            status,
            accepted,
            answered: injected != Some(Injected::NoAnswer),
            injected,
        };
        if status != CommandStatus::ESME_ROK {
            return answered(status, false, None);
        }
        match self.refusing_status(subject) {
            Some(status) => answered(status, false, Some(Injected::Refused)),
            None => answered(status, true, self.answer_fault(subject)),
        }
    }

    /// The fault that the answer to an accepted message has: the first of those that meet it.
    fn answer_fault(&self, subject: &Subject) -> Option<Injected> {
        let (faults, number) = (&self.rights.faults, self.submits);
        if faults.no_answer.meets(subject, Draw::NoAnswer, number) {
            return Some(Injected::NoAnswer);
        }
        let mut answers = (1u64..).zip(&faults.answers);
        // Each fault has a draw of its own: that of the same purpose for another part.
        let own = |place: u64| Subject {
            recipient: subject.recipient.wrapping_add(place << 56),
            ..*subject
        };
        if let Some((_, &(fault, _))) =
            answers.find(|&(place, (_, aim))| aim.meets(&own(place), Draw::AnswerFault, number))
        {
            return Some(fault);
        }
        if let Some((aim, kinds)) = &faults.malformed
            && aim.meets(subject, Draw::Malformed, number)
        {
            let kind = subject.draw(Draw::MalformedKind) % kinds.len().max(1) as u64;
            return kinds.get(kind as usize).copied();
        }
        let (_, aim) = faults.late.as_ref()?;
        aim.meets(subject, Draw::Late, number).then_some(Injected::Late)
    }

    /// How much later than its outcome says an answer with that fault is, unscaled.
    pub(super) fn late_by(&self, fault: Option<Injected>) -> Duration {
        let late = self.rights.faults.late.filter(|_| fault == Some(Injected::Late));
        late.map_or(Duration::ZERO, |(by, _)| by)
    }

    /// The status that a fault refuses a message with.
    fn refusing_status(&self, subject: &Subject) -> Option<CommandStatus> {
        let (status, aim) = self.rights.faults.refuse?;
        aim.meets(subject, Draw::Refuse, self.submits).then_some(status)
    }
}
