//! Faults, each a function of a seed: what is done to the engine, when, and how much of it. Tests run each with a few seeds, the
//! program `torture` with many.

pub mod dice;
pub mod ground;
pub mod stopping;
pub mod neighbours;
pub mod long_messages;
pub mod cancel;
pub mod older_state;
pub mod receipts;
pub mod memory;
pub mod starved;
pub mod kills;
pub mod rerouted;
pub mod posted;

pub use dice::Dice;
pub use ground::Ground;

use std::collections::BTreeMap;

use crate::programs::Programs;

/// What one run counted, for people to look at.
pub type Figures = BTreeMap<&'static str, u64>;

/// How many seeds `make test` runs of each scenario.
const SEEDS_IN_TESTS: u64 = 3;

/// One fault, and what has to hold after it.
#[derive(Clone, Copy, Debug)]
pub struct Scenario {
    /// Unique; names the directory of its runs.
    pub name: &'static str,
    /// Does it, and panics when a promise is broken.
    pub run: fn(&Run) -> Figures,
}

impl Scenario {
    const fn new(name: &'static str, run: fn(&Run) -> Figures) -> Self {
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

/// Every scenario, by theme.
pub fn all() -> Vec<Scenario> {
    [
        stopping::ALL,
        neighbours::ALL,
        long_messages::ALL,
        cancel::ALL,
        older_state::ALL,
        receipts::ALL,
        memory::ALL,
        starved::ALL,
        kills::ALL,
        rerouted::ALL,
        posted::ALL,
    ]
    .concat()
}

/// Runs a scenario with the seeds of `make test`. The seed is in the name of the directory, and in what is printed.
pub fn hold(programs: Programs, scenario: &Scenario) {
    for seed in 1..=SEEDS_IN_TESTS {
        println!("{}: seed {seed}", scenario.name);
        let figures = (scenario.run)(&Run {
            programs,
            name: scenario.name,
            seed,
        });
        println!("{}: seed {seed}: {figures:?}", scenario.name);
    }
}
