use kit::random::unit;
use rustc_hash::FxHashMap;

use crate::number::write_decimal;

/// What is decided by the recipient alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    pub(crate) recipients: FxHashMap<u64, u16>,
    /// The longest first: the first that fits is the one that counts.
    pub(crate) prefixes: Vec<Prefix>,
    pub(crate) population: Option<Population>,
}

#[derive(Clone, Debug)]
pub(crate) struct Prefix {
    pub(crate) digits: String,
    pub(crate) outcome: PrefixOutcome,
}

#[derive(Clone, Debug)]
pub(crate) enum PrefixOutcome {
    Always(usize),
    /// Sums of weights, and the outcomes that they belong to.
    Weighted(Vec<f64>, Vec<usize>),
}

/// Recipients that are known beforehand: each has a card of the deck of quotas that is its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Population {
    pub(crate) first: u64,
    /// How many there are.
    pub(crate) count: u32,
}

impl Population {
    /// Which one of them a recipient is, from 0.
    pub(crate) fn place(self, identity: u64) -> Option<u32> {
        let place = identity.checked_sub(self.first)?;
        u32::try_from(place).ok().filter(|&place| place < self.count)
    }
}

impl Rules {
    /// The outcome of a recipient by its exact number.
    pub(crate) fn by_number(&self, identity: u64) -> Option<usize> {
        self.recipients.get(&identity).map(|&outcome| usize::from(outcome))
    }

    /// By the longest prefix that fits; where that one has weights, 64 random bits choose among them.
    pub(crate) fn by_prefix(&self, identity: u64, bits: impl Fn() -> u64) -> Option<usize> {
        if self.prefixes.is_empty() {
            return None;
        }
        let mut digits = Vec::with_capacity(20);
        write_decimal(identity, &mut digits);
        let prefix = self
            .prefixes
            .iter()
            .find(|prefix| digits.starts_with(prefix.digits.as_bytes()))?;
        match &prefix.outcome {
            PrefixOutcome::Always(outcome) => Some(*outcome),
            PrefixOutcome::Weighted(sums, outcomes) => outcomes.get(weighted(sums, bits())?).copied(),
        }
    }

    /// The recipients that are known beforehand, if the scenario names them.
    pub(crate) fn population(&self) -> Option<Population> {
        self.population
    }
}

/// The place that 64 random bits choose, by sums of weights; `None` when there are none.
pub(super) fn weighted(sums: &[f64], bits: u64) -> Option<usize> {
    let point = unit(bits) * sums.last()?;
    Some(sums.partition_point(|&until| until <= point).min(sums.len() - 1))
}
