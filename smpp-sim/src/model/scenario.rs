use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::account::Account;
use super::inbound::InboundRule;
use super::limits::{LedgerLimits, Timers};
use super::magic;
use super::misbehaviour::Misbehaviour;
use super::outcome::{Defaults, Outcome};
use super::receipt_plan::Redelivery;
use super::recipients::{Rules, weighted};
use crate::delay::Delay;
use crate::random::{Draw, Subject};

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
    /// What follows what; empty: the scenario never changes.
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

/// A time in which the SMSC behaves in one way.
#[derive(Clone, Debug)]
pub struct Phase {
    /// What people call it.
    pub name: String,
    /// How long it lasts.
    pub lasts: Lasts,
    /// The whole scenario as it is in this phase.
    pub(crate) scenario: Arc<Scenario>,
}

/// How long a phase lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// That long, scaled.
    Time(Duration),
    /// Until the SMSC has had that many submits since the phase began.
    Submits(u64),
    /// Until somebody ends it: the last one, if phases do not repeat.
    Ever,
}

/// Where message ids come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ids {
    /// A hash of (seed, recipient, attempt, part): the same in every run with the same seed.
    Seeded,
    /// Counted from the time of the start: a simulator that was killed and started again repeats no id.
    SinceStart,
}

impl Scenario {
    /// Accepts anybody, and delivers everything at once.
    pub fn healthy() -> Self {
        Self {
            name: "healthy".to_owned(),
            about: String::new(),
            seed: 1,
            time_scale: 1.0,
            accounts: vec![Account::open(Misbehaviour::default())],
            defaults: Defaults::default(),
            max_tps: None,
            inbound: Vec::new(),
            receipt_window: 1000,
            redelivery: Redelivery::default(),
            timers: Timers::default(),
            ledger: LedgerLimits::default(),
            ledger_file: None,
            ids: Ids::Seeded,
            faults: Misbehaviour::default(),
            phases: Vec::new(),
            repeat: false,
            outcomes: vec![Outcome::delivered(&Defaults::default())],
            weights: Vec::new(),
            quotas: Vec::new(),
            rules: Arc::default(),
            magic_from: None,
        }
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
        self.inbound.iter().any(|rule| rule.reply().is_some())
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

    /// How many outcomes it brings along, those of its phases one after the other.
    pub(crate) fn outcomes_of_all_phases(&self) -> usize {
        let phases = self.phases.iter().map(|phase| phase.scenario.outcomes.len());
        phases.sum::<usize>().max(self.outcomes.len())
    }

    /// Puts the magic outcomes at the end of the list.
    pub(crate) fn add_magic(&mut self) {
        let mut delivered = Outcome::delivered(&self.defaults);
        "magic_delivered".clone_into(&mut delivered.name);
        let place = self.outcomes.len();
        self.outcomes.push(delivered);
        self.outcomes.extend(magic::outcomes(&self.defaults, place));
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

    /// Whether its phases have its seed, time scale and limit still: arguments may overrule those after it was read.
    pub(crate) fn agrees_with_phases(&self) -> bool {
        let agrees = |scenario: &Self| {
            (scenario.seed, scenario.time_scale, scenario.max_tps) == (self.seed, self.time_scale, self.max_tps)
        };
        self.phases.iter().all(|phase| agrees(&phase.scenario))
    }

    /// Gives them to its phases.
    pub(crate) fn overrule_phases(&mut self) {
        for phase in &mut self.phases {
            let own = Arc::make_mut(&mut phase.scenario);
            (own.seed, own.time_scale, own.max_tps) = (self.seed, self.time_scale, self.max_tps);
        }
    }
}
