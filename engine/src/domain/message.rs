//! A message's life as a table: which event leads from which state to which.

use super::Status;

/// Where a message is in its life. The letters are those of the stored record and of the scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// In a lane, due.
    Queued,
    /// Handed back: refused for now, or surely never sent; due again at a set time.
    Deferred,
    /// Behind another message to the same recipient that has no answer yet.
    Waiting,
    /// Claimed by an engine process that is about to submit it, or has and waits for the answer.
    Leased,
    /// Written and never answered, or leased by a process that died: it may have been sent.
    InDoubt,
    /// The SMSC took it; its receipt is awaited.
    Enroute,
    /// At its end.
    Final(Status),
    /// At its end without having been sent, because its campaign was stopped.
    Canceled,
}

/// What can happen to a message. Each is carried out by the script of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A dispatcher claims it (`lease.lua`).
    Lease,
    /// It was claimed while another message to the recipient is unanswered (`lease.lua`).
    Wait,
    /// The message ahead was answered (`answer.lua`).
    Wake,
    /// It surely was not sent (`release.lua`).
    Release,
    /// The SMSC took it (`answer.lua`).
    Accept,
    /// The SMSC refused it for now (`answer.lua`).
    Defer,
    /// The SMSC refused it for good (`answer.lua`).
    Reject(Status),
    /// Nobody knows whether it was sent (`doubt.lua`).
    Doubt,
    /// A receipt says how it ended (`receipt.lua`).
    Receipt(Status),
    /// Its campaign was stopped before it was sent (`cancel.lua`).
    Cancel,
    /// No receipt came in time (`expire.lua`).
    Expire,
}

/// An event that cannot happen in that state: a defect, or news that came twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{event:?} cannot happen to a message that is {state:?}")]
pub struct IllegalMove {
    /// The state that it is in.
    pub state: State,
    /// The event that came.
    pub event: Event,
}

impl State {
    /// The state after `event`. A final state never changes.
    pub fn after(self, event: Event) -> Result<Self, IllegalMove> {
        use State::{Canceled, Deferred, Enroute, Final, InDoubt, Leased, Queued, Waiting};
        let next = match (self, event) {
            (Queued | Deferred, Event::Lease) => Leased,
            (Queued, Event::Wait) => Waiting,
            (Waiting, Event::Wake) => Deferred,
            (Leased | InDoubt, Event::Release | Event::Defer) => Deferred,
            (Leased | InDoubt, Event::Accept) => Enroute,
            (Leased | InDoubt, Event::Reject(status)) => Final(status),
            (Leased, Event::Doubt) => InDoubt,
            (Enroute | InDoubt, Event::Receipt(status)) => Final(status),
            (Queued | Deferred | Waiting, Event::Cancel) => Canceled,
            (Enroute, Event::Expire) => Final(Status::Transmitted),
            (InDoubt, Event::Expire) => Final(Status::TransmissionFailed),
            _ => return Err(IllegalMove { state: self, event }),
        };
        Ok(next)
    }

    /// The letter in a stored record; `None` for states that have no record.
    pub const fn letter(self) -> Option<u8> {
        match self {
            Self::Deferred => Some(b'D'),
            Self::Waiting => Some(b'W'),
            Self::Leased => Some(b'L'),
            Self::InDoubt => Some(b'I'),
            Self::Enroute => Some(b'E'),
            Self::Queued | Self::Final(_) | Self::Canceled => None,
        }
    }

    /// The state that a stored record's letter stands for.
    pub const fn from_letter(letter: u8) -> Option<Self> {
        match letter {
            b'D' => Some(Self::Deferred),
            b'W' => Some(Self::Waiting),
            b'L' => Some(Self::Leased),
            b'I' => Some(Self::InDoubt),
            b'E' => Some(Self::Enroute),
            _ => None,
        }
    }

    /// The word in the API for a state that is not final.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queued | Self::Waiting => "queued",
            Self::Deferred => "deferred",
            Self::Leased => "submitting",
            Self::InDoubt => "in_doubt",
            Self::Enroute => "transmitted",
            Self::Final(status) => status.code(),
            Self::Canceled => "canceled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVENTS: [Event; 11] = [
        Event::Lease,
        Event::Wait,
        Event::Wake,
        Event::Release,
        Event::Accept,
        Event::Defer,
        Event::Reject(Status::UnknownNumber),
        Event::Doubt,
        Event::Receipt(Status::Delivered),
        Event::Cancel,
        Event::Expire,
    ];

    #[test]
    fn a_final_state_never_changes() {
        for state in [State::Final(Status::Delivered), State::Canceled] {
            for event in EVENTS {
                assert_eq!(state.after(event), Err(IllegalMove { state, event }));
            }
        }
    }

    #[test]
    fn a_message_that_may_have_been_sent_is_never_sent_again_unasked() {
        assert!(State::InDoubt.after(Event::Lease).is_err());
        assert!(State::Enroute.after(Event::Lease).is_err());
        assert!(State::Enroute.after(Event::Release).is_err());
    }

    #[test]
    fn letters_come_back() {
        for letter in b'A'..=b'Z' {
            if let Some(state) = State::from_letter(letter) {
                assert_eq!(state.letter(), Some(letter));
            }
        }
    }
}
