//! A message's life as a table: which move leads from which state to which. Nothing moves but through it.

use super::Status;

/// Where a message is in its life. The letters are those of the stored form and of the scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum State {
    /// In a span, from the launch on.
    Queued,
    /// Leased while an earlier message of its tenant to this recipient, in the same lane, was not answered.
    Waiting,
    /// Handed back: refused for now, or surely never sent; due again at a set time.
    Deferred,
    /// Claimed by an engine process that is about to submit it, or has and waits for the answer.
    Leased,
    /// A segment of it was written and never answered, or its process died: it may have been sent.
    InDoubt,
    /// The SMSC took what there is of it; receipts are awaited.
    Enroute,
    /// At its end.
    Final(Status),
    /// At its end without having been sent, because its campaign was stopped or it was called back.
    Canceled,
    /// At its end without having been sent: the lease left it out.
    Skipped,
}

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "`lease.lua` alone takes the first three: the table has all")
)]
pub(crate) enum Step {
    /// A dispatcher claims it.
    Lease,
    /// It has to wait behind an earlier message of its tenant to this recipient.
    Wait,
    /// The recipient opted out or had enough: it is left out.
    Skip,
    /// The SMSC refused it for now, or it surely was not sent.
    Defer,
    /// All its segments have an answer, and at least one of them was taken.
    Accept,
    /// The SMSC refused it for good.
    Reject(Status),
    /// Nobody knows whether it was sent.
    Doubt,
    /// More is known of one of its segments, and others are open.
    Learn,
    /// A receipt settles its last segment.
    Settle(Status),
    /// Its campaign was stopped, or it was called back, before any of it was sent.
    Cancel,
    /// What was taken of it is all that is sent.
    Abandon,
    /// Its campaign's time was over before any of it was sent.
    Outdate(Status),
    /// It waits for others now: its route is gone.
    Reroute,
    /// No receipt came in time.
    Expire(Status),
}

/// A step that cannot be taken in that state: a defect, or news that came twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{step:?} cannot happen to a message that is {state:?}")]
pub(crate) struct IllegalMove {
    /// The state that it is in.
    pub(crate) state: State,
    /// The step that was to be taken.
    pub(crate) step: Step,
}

impl State {
    /// States that have a stored form, in a recipient's record.
    pub(crate) const STORED: [Self; 5] = [
        Self::Waiting,
        Self::Deferred,
        Self::Leased,
        Self::InDoubt,
        Self::Enroute,
    ];

    /// The state after `step`. An end never changes.
    pub(crate) const fn after(self, step: Step) -> Result<Self, IllegalMove> {
        use State::{Canceled, Deferred, Enroute, Final, InDoubt, Leased, Queued, Skipped, Waiting};
        Ok(match (self, step) {
            (Queued | Waiting | Deferred, Step::Lease) => Leased,
            (Queued | Waiting, Step::Wait) => Waiting,
            (Queued | Waiting | Deferred, Step::Skip) => Skipped,
            (Leased | InDoubt, Step::Defer) => Deferred,
            (Leased | InDoubt, Step::Accept) => Enroute,
            (Leased | InDoubt, Step::Reject(status)) => Final(status),
            (Queued | Waiting | Deferred, Step::Outdate(status)) => Final(status),
            // A row whose lease was lost with the tail of the database may have been sent.
            (Queued | Waiting | Deferred | Leased, Step::Doubt) => InDoubt,
            (Enroute, Step::Learn) => Enroute,
            (InDoubt, Step::Learn) => InDoubt,
            (Enroute | InDoubt, Step::Settle(status)) => Final(status),
            (Queued | Waiting | Deferred, Step::Cancel) => Canceled,
            (Deferred, Step::Abandon) => Enroute,
            (Waiting | Deferred, Step::Reroute) => self,
            (Enroute | InDoubt, Step::Expire(status)) => Final(status),
            _ => return Err(IllegalMove { state: self, step }),
        })
    }

    /// The letters of the stored states that `step` may leave: what a script accepts.
    #[cfg(test)]
    pub(crate) fn letters_before(step: Step) -> String {
        let before = Self::STORED.into_iter().filter(|state| state.after(step).is_ok());
        before.filter_map(Self::letter).map(char::from).collect()
    }

    /// The letter in a stored form; `None` for states that have none.
    pub(crate) const fn letter(self) -> Option<u8> {
        match self {
            Self::Waiting => Some(b'W'),
            Self::Deferred => Some(b'D'),
            Self::Leased => Some(b'L'),
            Self::InDoubt => Some(b'I'),
            Self::Enroute => Some(b'E'),
            Self::Queued | Self::Final(_) | Self::Canceled | Self::Skipped => None,
        }
    }

    /// The state that a stored form's letter stands for.
    pub(crate) fn from_letter(letter: u8) -> Option<Self> {
        Self::STORED.into_iter().find(|state| state.letter() == Some(letter))
    }

    /// The word in the API.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Queued | Self::Waiting => "queued",
            Self::Deferred => "deferred",
            Self::Leased => "submitting",
            Self::InDoubt => "in_doubt",
            Self::Enroute => "transmitted",
            Self::Final(status) => status.code(),
            Self::Canceled => "canceled",
            Self::Skipped => "skipped",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: [Step; 14] = [
        Step::Lease,
        Step::Wait,
        Step::Skip,
        Step::Defer,
        Step::Accept,
        Step::Reject(Status::UnknownNumber),
        Step::Doubt,
        Step::Learn,
        Step::Settle(Status::Delivered),
        Step::Cancel,
        Step::Abandon,
        Step::Outdate(Status::TransmissionFailed),
        Step::Reroute,
        Step::Expire(Status::Transmitted),
    ];

    #[test]
    fn an_end_never_changes() {
        for state in [State::Final(Status::Delivered), State::Canceled, State::Skipped] {
            for step in STEPS {
                assert_eq!(state.after(step), Err(IllegalMove { state, step }));
            }
        }
    }

    #[test]
    fn a_message_that_may_have_been_sent_is_never_sent_again_unasked() {
        for state in [State::InDoubt, State::Enroute] {
            assert!(state.after(Step::Lease).is_err());
            assert!(state.after(Step::Cancel).is_err());
        }
        assert!(State::Enroute.after(Step::Defer).is_err());
    }

    #[test]
    fn letters_come_back() {
        for state in State::STORED {
            assert_eq!(state.letter().and_then(State::from_letter), Some(state));
        }
        assert_eq!(State::from_letter(b'Q'), None);
        assert_eq!(State::letters_before(Step::Accept), "LI");
        assert_eq!(State::letters_before(Step::Cancel), "WD");
    }
}
