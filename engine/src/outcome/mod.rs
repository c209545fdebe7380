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
use crate::store::{CounterField, Move, MoveKind};

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
        Reply::Accepted(_) => accept(flight, &message, replies, now_us),
        Reply::Unsent => release(flight, &message, now_us),
        Reply::Lost => lost(flight, &message, policy, now_us),
        Reply::Refused(status) => {
            let taken = replies.iter().any(|reply| matches!(reply, Reply::Accepted(_)));
            refuse(flight, &message, *status, policy, (taken, now_us))
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

fn accept(flight: &Flight, message: &Message<'_>, replies: &[Reply], now_us: u64) -> Decision {
    let trace = |reply: &Reply| {
        let smsc_message_id = if let Reply::Accepted(id) = reply { id.clone() } else { Vec::new() };
        SegmentTrace { smsc_message_id, settled: None }
    };
    let enroute = Enroute { accepted_at: now_us, segments: replies.iter().map(trace).collect() };
    let counts = CounterField::Letter(b'A', flight.credits);
    let action = Move { replacement: message.accepted(&enroute), counts, ..begin(flight, MoveKind::Answer) };
    Decision { action, event: Event::Accept, retry: None }
}

fn release(flight: &Flight, message: &Message<'_>, now_us: u64) -> Decision {
    let replacement = message.with_state(State::Deferred, flight.attempts);
    let action = Move { replacement, due: Some(now_us), ..begin(flight, MoveKind::Release) };
    Decision { action, event: Event::Release, retry: Some("unsent") }
}

fn lost(flight: &Flight, message: &Message<'_>, policy: &Policy<'_>, now_us: u64) -> Decision {
    match policy.in_doubt {
        InDoubt::Hold => {
            let replacement = message.doubted(now_us);
            let action = Move { replacement, counts: CounterField::InDoubt, ..begin(flight, MoveKind::Doubt) };
            Decision { action, event: Event::Doubt, retry: None }
        }
        InDoubt::Resend => Decision { retry: Some("in_doubt"), ..release(flight, message, now_us) },
        InDoubt::Fail => reject(flight, (Status::TransmissionFailed, false), (Reason::InDoubt, 0), now_us),
    }
}

fn refuse(
    flight: &Flight,
    message: &Message<'_>,
    status: CommandStatus,
    policy: &Policy<'_>,
    (taken, now_us): (bool, u64),
) -> Decision {
    let code = status.0 as u16;
    let (label, attempts, pause) = match policy.meanings.answer(status) {
        Meaning::Final(status) => return reject(flight, (status, taken), (Reason::Answer, code), now_us),
        // Being throttled says nothing against the message: it does not use up its attempts.
        Meaning::Throttled => ("throttled", flight.attempts, policy.pause_us),
        Meaning::QueueFull => ("queue_full", flight.attempts, policy.pause_us),
        Meaning::Retry if flight.attempts >= ATTEMPTS_MAX => {
            return reject(flight, (Status::TransmissionFailed, taken), (Reason::AttemptsExhausted, code), now_us);
        }
        Meaning::Retry => ("temporary", flight.attempts + 1, RETRY_FIRST_US << flight.attempts),
    };
    let replacement = message.with_state(State::Deferred, attempts);
    let action = Move { replacement, due: Some(now_us + pause), ..begin(flight, MoveKind::Answer) };
    Decision { action, event: Event::Defer, retry: Some(label) }
}

fn reject(flight: &Flight, (status, accepted): (Status, bool), why: (Reason, u16), now_us: u64) -> Decision {
    let at = (now_us / 1_000_000) as u32;
    let result = ResultSlot { status: Some(status), accepted, reason: why.0, code: why.1, at };
    let counts = CounterField::Letter(result.letter(), flight.credits);
    let action = Move { counts, result: Some(result), ..begin(flight, MoveKind::Answer) };
    Decision { action, event: Event::Reject(status), retry: None }
}

/// A move that ends the message and counts nothing: what a decision changes of it is said where it is made.
fn begin(flight: &Flight, kind: MoveKind) -> Move {
    Move {
        kind,
        recipient: flight.recipient,
        expected: flight.message.clone(),
        replacement: Vec::new(),
        campaign: flight.campaign(),
        counts: CounterField::None,
        result: None,
        due: None,
    }
}

/// The same move for a message that is in doubt by now, since its answer came late or another process gave it up.
pub fn from_doubt(action: Move, doubtful: &Message<'_>) -> Move {
    Move { expected: doubtful.bytes.to_vec(), ..action }
}

#[cfg(test)]
mod tests;
