use std::time::Duration;

use kit::random::{mix, unit};
use smpp::command_status::CommandStatus;

use super::injected::Injected;
use crate::random::{Draw, Subject};

/// Ways in which an SMSC misbehaves, apart from outcomes. docs/scenario-keys.md has every key.
#[derive(Clone, Debug, PartialEq)]
pub struct Misbehaviour {
    /// Bursts of refusals.
    pub throttle: Option<Throttle>,
    /// Submits that are accepted and never answered.
    pub no_answer: Aim,
    /// Submits that are neither accepted nor answered.
    pub lost: Aim,
    /// Messages whose receipt comes before the answer.
    pub receipt_first: Aim,
    /// Messages whose receipt comes twice.
    pub receipt_twice: Aim,
    /// A session that hangs up.
    pub close: Option<Hangup>,
    /// A session that is not read for a while.
    pub stop_reading: Option<StopReading>,
    /// The number of the submit from which on nothing at all is answered.
    pub mute: Option<u64>,
    /// What happens to connections. Only that of the whole scenario counts: who connects has no account yet.
    pub connect: Option<ConnectFault>,
    /// What happens to binds.
    pub bind: Option<BindFault>,
    /// Submits that are refused with a status.
    pub refuse: Option<(CommandStatus, Aim)>,
    /// How much later than their outcome says submits are answered.
    pub late: Option<(Duration, Aim)>,
    /// What is wrong with answers, in this order of precedence: one fault an answer.
    pub answers: Vec<(Injected, Aim)>,
    /// Answers that a malformed PDU comes before, and of which kinds.
    pub malformed: Option<(Aim, Vec<Injected>)>,
    /// Whether an enquire_link of the client is answered.
    pub link_unanswered: bool,
    /// Whether the client's answers to our enquire_link are ignored.
    pub link_deaf: bool,
    /// How long after its bind we unbind every session.
    pub unbind_every: Option<Duration>,
    /// Whether an unbind of the client is left without answer.
    pub unbind_unanswered: bool,
    /// How octets are written.
    pub write: Option<Writing>,
    /// What our clock is wrong by in the dates of receipts, µs.
    pub clock_skew_us: i64,
}

impl Default for Misbehaviour {
    fn default() -> Self {
        Self {
            throttle: None,
            no_answer: Aim::NEVER,
            lost: Aim::NEVER,
            receipt_first: Aim::NEVER,
            receipt_twice: Aim::NEVER,
            close: None,
            stop_reading: None,
            mute: None,
            connect: None,
            bind: None,
            refuse: None,
            late: None,
            answers: Vec::new(),
            malformed: None,
            link_unanswered: false,
            link_deaf: false,
            unbind_every: None,
            unbind_unanswered: false,
            write: None,
            clock_skew_us: 0,
        }
    }
}

/// Whom a fault meets: by number (connections, binds or submits are counted from 1 since the start,
/// the reset, or the phase), by share, and by the place in a long message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aim {
    /// Share of those that the numbers name, 0 to 1.
    pub share: f64,
    /// The first number that is met.
    pub from: u64,
    /// The last number that is met.
    pub until: u64,
    /// Only every n-th of them, beginning with the first.
    pub every: u64,
    /// Only that segment of a message, from 1; `None`: any. Connections and binds have none.
    pub segment: Option<u8>,
}

impl Aim {
    /// Meets nothing.
    pub const NEVER: Self = Self {
        share: 0.0,
        from: 1,
        until: u64::MAX,
        every: 1,
        segment: None,
    };

    fn counts(&self, number: u64) -> bool {
        (self.from..=self.until).contains(&number) && (number - self.from).is_multiple_of(self.every)
    }

    /// Whether a segment is met: the share by (seed, recipient, attempt), the number by the account's submits.
    pub(crate) fn meets(&self, subject: &Subject, draw: Draw, number: u64) -> bool {
        let of_segment = self.segment.is_none_or(|segment| segment == subject.part);
        self.share > 0.0 && of_segment && self.counts(number) && subject.falls_into(self.share, draw)
    }

    /// Whether a connection or a bind is met.
    pub(crate) fn meets_event(&self, seed: u64, number: u64) -> bool {
        self.counts(number) && unit(mix(mix(seed ^ Draw::Event as u64) ^ number)) < self.share
    }
}

/// After every `every` submits, the next `burst` are refused with `status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Throttle {
    /// Submits that are taken between two bursts.
    pub every: u64,
    /// Submits that are refused in one.
    pub burst: u64,
    /// The status they are refused with.
    pub status: CommandStatus,
}

/// A session stops answering, collects, and hangs up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hangup {
    /// What begins it.
    pub begin: HangupBegin,
    /// How many unanswered submits it waits for.
    pub holding: u32,
    /// Whether what was collected is answered before.
    pub answered: bool,
    /// With a TCP reset rather than in order.
    pub reset: bool,
    /// Again after every further `after` submits.
    pub repeat: bool,
}

/// When a hang-up begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HangupBegin {
    /// With the account's submit of that number, in the session that brings it.
    Submits(u64),
    /// With the PDU of that number of each session, its bind included; it hangs up at once.
    Pdus(u64),
    /// That long after the bind of each session, scaled.
    Time(Duration),
}

/// The session that brings the account's submit number `after` is not read for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StopReading {
    /// Which submit begins it.
    pub after: u64,
    /// How long, scaled.
    pub duration: Duration,
    /// Again after every further `after` submits.
    pub repeat: bool,
}

/// What happens to connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConnectFault {
    /// What becomes of the connection.
    pub what: ConnectTrouble,
    /// Which connections are met, counted since the phase began.
    pub aim: Aim,
}

/// What can happen to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectTrouble {
    /// Nobody listens: the kernel refuses it.
    Refuse,
    /// It is accepted and closed at once.
    Close,
    /// It is accepted and reset at once.
    Reset,
    /// It is accepted and read, and nothing is ever answered.
    HalfOpen,
}

/// What happens to binds, whatever their password.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BindFault {
    /// What becomes of the bind.
    pub what: BindTrouble,
    /// Which binds are met, counted since the phase began.
    pub aim: Aim,
}

/// What can happen to a bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindTrouble {
    /// It is refused with that status, and the connection is closed.
    Refuse(CommandStatus),
    /// It is answered that much later, scaled.
    Delay(Duration),
    /// It is never answered; the connection stays.
    Silence,
}

/// How octets are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Writing {
    /// The most octets in one write; 1: octet by octet.
    pub octets: usize,
    /// Between two writes, µs.
    pub pause_us: u64,
    /// How long octets are gathered before the first write of a batch, µs.
    pub gather_us: u64,
}
