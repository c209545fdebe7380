//! What an answer, or its absence, means for the message. Decides; carries nothing out.

mod brake;
mod collect;
mod meanings;
mod partial;

pub use brake::Brake;
pub use collect::{Collector, Whole};
pub use meanings::{BrokenTable, Meaning, Meanings, Verdict};
pub use partial::to_resubmit;

use smpp::command_status::CommandStatus;

use crate::bind::{Flight, Reply};
use crate::config::InDoubt;
use crate::domain::{Enroute, Event, Message, Reason, ResultSlot, SegmentTrace, State, Status};
use crate::store::{Letter, Move, MoveKind};

/// Submissions of one message that may be refused for now, throttling left aside: with the pauses below, some six
/// minutes.
const ATTEMPTS_MAX: u8 = 8;

/// The pause before the second submission, doubled for each further one.
const RETRY_FIRST_US: u64 = 3_000_000;

/// What is to become of an answered message.
#[derive(Debug)]
pub struct Decision {
    /// The move to make.
    pub action: Move,
    /// What happened, for the counters of the process.
    pub event: Event,
    /// Why it is sent again, if it is: a closed list that labels a metric.
    pub retry: Option<&'static str>,
}

/// How answers are decided at one SMSC.
#[derive(Clone, Copy, Debug)]
pub struct Policy<'a> {
    /// What its answers mean.
    pub meanings: &'a Meanings,
    /// What becomes of messages that may have been sent.
    pub in_doubt: InDoubt,
    /// How long the SMSC wants to be left alone now, µs.
    pub pause_us: u64,
}

/// Decides on a message all of whose segments have a reply. `None` when its bytes are none, which the store rules out.
pub fn decide(flight: &Flight, replies: &[Reply], policy: &Policy<'_>, now_us: u64) -> Option<Decision> {
    let message = Message::unpack(&flight.message)?;
    let worst = replies.iter().max_by_key(|reply| gravity(reply))?;
    Some(match worst {
        Reply::Accepted(_) => accept(&message, replies, now_us),
        Reply::Unsent => release(&message, now_us),
        Reply::Lost => lost(&message, policy, now_us),
        Reply::Refused(status) => {
            let taken = replies.iter().any(|reply| matches!(reply, Reply::Accepted(_)));
            refuse(&message, *status, policy, (taken, now_us))
        }
    })
}

/// The worst segment decides: one that may have been sent forbids to send the message again.
fn gravity(reply: &Reply) -> u8 {
    match reply {
        Reply::Accepted(_) => 0,
        Reply::Unsent => 1,
        Reply::Refused(_) => 2,
        Reply::Lost => 3,
    }
}

fn accept(message: &Message<'_>, replies: &[Reply], now_us: u64) -> Decision {
    let trace = |reply: &Reply| {
        let smsc_message_id = if let Reply::Accepted(id) = reply {
            id.clone()
        } else {
            Vec::new()
        };
        SegmentTrace {
            smsc_message_id,
            settled: None,
        }
    };
    let enroute = Enroute {
        accepted_at: now_us,
        segments: replies.iter().map(trace).collect(),
    };
    let counts = Some(Letter::ACCEPTED);
    let action = Move {
        replacement: message.accepted(&enroute),
        counts,
        ..Move::end(MoveKind::Answer, message)
    };
    Decision {
        action,
        event: Event::Accept,
        retry: None,
    }
}

fn release(message: &Message<'_>, now_us: u64) -> Decision {
    let replacement = message.with_state(State::Deferred, message.attempts);
    let action = Move {
        replacement,
        due: Some(now_us),
        ..Move::end(MoveKind::Release, message)
    };
    Decision {
        action,
        event: Event::Release,
        retry: Some("unsent"),
    }
}

fn lost(message: &Message<'_>, policy: &Policy<'_>, now_us: u64) -> Decision {
    match policy.in_doubt {
        InDoubt::Hold => {
            let replacement = message.doubted(now_us);
            let action = Move {
                replacement,
                counts: Some(Letter::IN_DOUBT),
                ..Move::end(MoveKind::Doubt, message)
            };
            Decision {
                action,
                event: Event::Doubt,
                retry: None,
            }
        }
        InDoubt::Resend => Decision {
            retry: Some("in_doubt"),
            ..release(message, now_us)
        },
        InDoubt::Fail => reject(
            message,
            (Status::TransmissionFailed, false),
            (Reason::InDoubt, 0),
            now_us,
        ),
    }
}

fn refuse(message: &Message<'_>, status: CommandStatus, policy: &Policy<'_>, (taken, now_us): (bool, u64)) -> Decision {
    let code = status.0 as u16;
    let (label, attempts, pause) = match policy.meanings.answer(status) {
        Meaning::Final(status) => return reject(message, (status, taken), (Reason::Answer, code), now_us),
        // Being throttled says nothing against the message: it does not use up its attempts.
        Meaning::Throttled => ("throttled", message.attempts, policy.pause_us),
        Meaning::QueueFull => ("queue_full", message.attempts, policy.pause_us),
        Meaning::Retry if message.attempts >= ATTEMPTS_MAX => {
            return reject(
                message,
                (Status::TransmissionFailed, taken),
                (Reason::AttemptsExhausted, code),
                now_us,
            );
        }
        Meaning::Retry => ("temporary", message.attempts + 1, RETRY_FIRST_US << message.attempts),
    };
    let replacement = message.with_state(State::Deferred, attempts);
    let action = Move {
        replacement,
        due: Some(now_us + pause),
        ..Move::end(MoveKind::Answer, message)
    };
    Decision {
        action,
        event: Event::Defer,
        retry: Some(label),
    }
}

fn reject(message: &Message<'_>, (status, accepted): (Status, bool), why: (Reason, u16), now_us: u64) -> Decision {
    let at = (now_us / 1_000_000) as u32;
    let result = ResultSlot {
        status: Some(status),
        accepted,
        reason: why.0,
        code: why.1,
        at,
    };
    let counts = Some(Letter::of(&result));
    let action = Move {
        counts,
        result: Some(result),
        ..Move::end(MoveKind::Answer, message)
    };
    Decision {
        action,
        event: Event::Reject(status),
        retry: None,
    }
}

/// The same move for a message that is in doubt by now, since its answer came late or another process gave it up.
pub fn from_doubt(action: Move, doubtful: &Message<'_>) -> Move {
    Move {
        expected: doubtful.bytes.to_vec(),
        ..action
    }
}

#[cfg(test)]
mod tests;
