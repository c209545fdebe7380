//! A scenario, and one run of it with a seed.

use std::collections::BTreeMap;

use super::dice::Dice;
use crate::programs::Programs;

/// What one run counted, for people to look at.
pub type Figures = BTreeMap<&'static str, u64>;

/// One fault, and what has to hold after it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Unique; names the directory of its runs.
    pub name: &'static str,
    /// Does it, and panics when a promise is broken.
    pub run: fn(&Run) -> Figures,
}

impl Scenario {
    pub(super) const fn new(name: &'static str, run: fn(&Run) -> Figures) -> Self {
        Self { name, run }
    }
}

/// One run of a scenario.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Where the programs are.
    pub programs: Programs,
    /// The scenario's name.
    pub name: &'static str,
    /// What decides on everything that is left to chance.
    pub seed: u64,
}

impl Run {
    /// The directory of its own that this run has; short, since a socket's path is.
    pub fn directory(&self) -> String {
        format!("{}-{}", self.name, self.seed)
    }

    /// For failure messages.
    pub fn context(&self) -> String {
        format!("{}, seed {}", self.name, self.seed)
    }

    /// The chance of this run.
    pub fn dice(&self) -> Dice {
        Dice::new(self.seed)
    }
}
