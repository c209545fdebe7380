//! What the simulator is to do, read from TOML and checked whole before a port opens.

mod accounts;
mod builtin;
mod delays;
mod dialect;
mod fault;
mod fault_keys;
mod ids;
mod inbound;
mod misbehaviour;
mod phase;
mod preset;
mod read;
mod receipts;
mod recipients;
mod schema;
mod sections;
mod setup;
mod table;
#[cfg(test)]
mod tests;

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use smpp::command_status::CommandStatus;
use smpp::frame::BindKind;

use crate::delay::Delay;
use crate::outcome::{Defaults, Outcome, Redelivery, magic_outcomes};
use crate::random::{Draw, Subject};
use crate::version::Version;

pub(crate) use accounts::{RATE, parse_rate};
pub(crate) use builtin::QUIRKS;
pub use builtin::{BUILT_IN, BuiltIn};
pub use fault::{Fault, Faults};
pub use inbound::{InboundEncoding, InboundForm, InboundRule, InboundSegments, Reply, Script, Trigger};
pub use misbehaviour::{
    Aim, BindFault, BindTrouble, ConnectFault, ConnectTrouble, Hangup, HangupBegin, Misbehaviour, StopReading,
    Throttle, Writing,
};
pub use phase::{Lasts, Phase};
pub use preset::{PRESETS, Preset};
pub(crate) use recipients::Rules;
use recipients::weighted;
pub use schema::schema;
pub use setup::{Certificate, DEFAULT_SMSC, Setup, SmscSetup, Tls};

/// What a time scale may be: beyond, delays would be lost in the clock's microseconds, or outlast every test.
pub(crate) const TIME_SCALE: RangeInclusive<f64> = 0.001..=1_000_000.0;

/// A scenario that has no fault left. Keys and their meaning: docs/scenario-keys.md.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What people call it.
    pub name: String,
    /// One line for people.
    pub about: String,
    /// What every draw depends on.
    pub seed: u64,
    /// Delays are divided by it.
    pub time_scale: f64,
    /// Who may bind, and how.
    pub accounts: Vec<Account>,
    /// What outcomes do that say nothing else.
    pub defaults: Defaults,
    /// Submits of all accounts in any one second; `None`: no limit.
    pub max_tps: Option<u32>,
    /// What people write to the clients.
    pub inbound: Vec<InboundRule>,
    /// Unanswered deliver_sm in one session.
    pub receipt_window: usize,
    /// What becomes of those that are not acknowledged.
    pub redelivery: Redelivery,
    /// How long it waits for a peer, in wall time.
    pub timers: Timers,
    /// How much the ledger keeps.
    pub ledger: LedgerLimits,
    /// Where every finished row is appended.
    pub ledger_file: Option<PathBuf>,
    /// Where message ids come from.
    pub ids: Ids,
    /// How connections are met, and accounts that say nothing else.
    pub faults: Misbehaviour,
    /// What follows what; empty: the scenario is the same for ever.
    pub phases: Vec<Phase>,
    /// Whether the first phase follows the last.
    pub repeat: bool,
    /// Everything that can become of a message; the magic ones last.
    pub outcomes: Vec<Outcome>,
    pub(crate) weights: Vec<f64>,
    pub(crate) quotas: Vec<u32>,
    pub(crate) rules: Arc<Rules>,
    pub(crate) magic_from: Option<usize>,
}

/// One system_id and its rights.
#[derive(Clone, Debug)]
pub struct Account {
    /// `None`: any.
    pub system_id: Option<String>,
    /// `None`: any.
    pub password: Option<String>,
    /// Which binds it may open.
    pub binds: Vec<BindKind>,
    /// How many sessions at one time.
    pub sessions: usize,
    /// Unanswered submits in one session.
    pub window: u32,
    /// What a submit beyond the window gets.
    pub beyond_window: Beyond,
    /// Submits in any one second, over all its sessions; `None`: no limit.
    pub rate: Option<u32>,
    /// So many more than the rate in any one second.
    pub burst: u32,
    /// Submits in any one second of one session; `None`: no limit.
    pub rate_per_session: Option<u32>,
    /// What a submit beyond either rate gets, or beyond [`Scenario::max_tps`].
    pub beyond_rate: Beyond,
    /// How late [`Beyond::Late`] is, in wall time.
    pub late_by: Duration,
    /// Networks that it may bind from; empty: any.
    pub allow: Vec<IpNet>,
    /// The system_type that its binds must have; `None`: any.
    pub system_type: Option<String>,
    /// Octets of a bind's password, right or wrong.
    pub password_max: usize,
    /// Versions that its binds may say.
    pub versions: Vec<Version>,
    /// `sc_interface_version` of the answers to its binds; `None`: absent.
    pub interface_version: Option<u8>,
    /// Whether answers to 5.0 say how busy the SMSC is.
    pub congestion: bool,
    /// Whether messages with fields that the standard forbids are refused.
    pub strict: bool,
    /// How it misbehaves.
    pub faults: Misbehaviour,
}

/// What a submit gets that is one too many, for the window or for the rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beyond {
    /// That status: `ESME_RTHROTTLED`, `ESME_RMSGQFUL` or a carrier's own.
    Refused(CommandStatus),
    /// It is accepted, and answered late.
    Late,
    /// It is neither accepted nor answered.
    Silence,
    /// It is not accepted, and the connection is closed.
    Close,
}

/// How long the simulator waits for its peers, in wall time whatever the time scale.
#[derive(Clone, Copy, Debug)]
pub struct Timers {
    /// From connect to bind.
    pub bind: Duration,
    /// For the rest of a PDU that has begun.
    pub read: Duration,
    /// For the peer to take what was written.
    pub write: Duration,
    /// Idle time before an enquire_link.
    pub enquire_link: Duration,
    /// For its answer.
    pub enquire_link_answer: Duration,
    /// For the answer to our unbind.
    pub unbind: Duration,
}

impl Default for Timers {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self {
            bind: seconds(10),
            read: seconds(10),
            write: seconds(30),
            enquire_link: seconds(30),
            enquire_link_answer: seconds(30),
            unbind: seconds(5),
        }
    }
}

/// How much the ledger keeps.
#[derive(Clone, Copy, Debug)]
pub struct LedgerLimits {
    /// Submits; 88 octets each.
    pub rows_max: usize,
    /// What becomes of more.
    pub keep: Keep,
    /// Submits beyond `rows_max` that wait for their receipts; about 250 octets each. Beyond, submits are answered
    /// `ESME_RMSGQFUL`.
    pub pending_max: usize,
    /// Octets of texts.
    pub text_bytes_max: usize,
    /// Recipients whose attempts are remembered at least; at most twice as many are, 20 octets each.
    pub recipients_max: usize,
}

/// What becomes of submits beyond `rows_max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The oldest finished rows are dropped for them.
    Ring,
    /// They are answered `ESME_RMSGQFUL`: every row stays.
    All,
}

impl Default for LedgerLimits {
    fn default() -> Self {
        // Some 90 MB of rows, the texts of a million ordinary messages, and recipients in between.
        Self {
            rows_max: 1_000_000,
            keep: Keep::Ring,
            pending_max: 5_000_000,
            text_bytes_max: 128 << 20,
            // What a hash table of 2^20 places takes.
            recipients_max: 900_000,
        }
    }
}

/// Where message ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// A hash of (seed, recipient, attempt, part): the same in every run with the same seed.
    Seeded,
    /// Counted from the time of the start: none is repeated by a simulator that was killed and started again.
    SinceStart,
}

impl Scenario {
    /// Reads the scenario of one SMSC; `file` is how faults call it. Returns every fault at once.
    pub fn parse(text: &str, file: &str) -> Result<Self, Faults> {
        Setup::parse(text, file)?.only(file)
    }

    /// Reads a scenario from a file.
    pub fn load(path: &Path) -> Result<Self, Faults> {
        Setup::load(path)?.only(&path.display().to_string())
    }

    /// One that is built in, by its name; a fault that lists the names when there is none.
    pub fn named(name: &str) -> Result<Self, Faults> {
        Setup::named(name)?.only(name)
    }

    /// Accepts anybody, and delivers everything at once.
    pub fn healthy() -> Self {
        read::blank()
    }

    /// The rights of a system_id: its own account's, or those of the account for any.
    pub(crate) fn rights(&self, system_id: &str) -> Option<&Account> {
        let named = self
            .accounts
            .iter()
            .find(|account| account.system_id.as_deref() == Some(system_id));
        named.or_else(|| self.accounts.iter().find(|account| account.system_id.is_none()))
    }

    /// Whether anybody replies to messages.
    pub(crate) fn converses(&self) -> bool {
        let replies = |rule: &InboundRule| matches!(rule.trigger, Trigger::Reply(_));
        self.inbound.iter().any(replies)
    }

    /// A scaled delay, in µs, out of 64 random bits.
    pub(crate) fn scaled_us(&self, delay: &Delay, bits: u64) -> u64 {
        (delay.sample_us(bits) as f64 / self.time_scale) as u64
    }

    /// A scaled duration in µs.
    pub(crate) fn scaled(&self, duration: Duration) -> u64 {
        self.scaled_us(&Delay::Fixed(duration), 0)
    }

    /// What a message's id is written from, if it does not count from the start: 19 decimal or 16 hexadecimal digits.
    pub(crate) fn seeded_id(&self, subject: &Subject) -> Option<u64> {
        match self.ids {
            Ids::Seeded => Some(subject.draw(Draw::Id) >> 3 | 1 << 61),
            Ids::SinceStart => None,
        }
    }

    /// Puts the magic outcomes at the end of the list.
    pub(crate) fn add_magic(&mut self) {
        let mut delivered = Outcome::delivered(&self.defaults);
        "magic_delivered".clone_into(&mut delivered.name);
        let place = self.outcomes.len();
        self.outcomes.push(delivered);
        self.outcomes.extend(magic_outcomes(&self.defaults, place));
        self.magic_from = Some(place + 1);
    }

    /// The outcome that stands for this one at that attempt.
    pub(crate) fn outcome_at(&self, outcome: usize, attempt: u16) -> usize {
        match self.outcomes.get(outcome).and_then(|outcome| outcome.then) {
            Some((attempts, then)) if attempt > attempts => then,
            Some(_) | None => outcome,
        }
    }

    /// By weight; the first outcome when there are no weights.
    pub(crate) fn weighted_outcome(&self, bits: u64) -> usize {
        weighted(&self.weights, bits).unwrap_or(0)
    }
}
