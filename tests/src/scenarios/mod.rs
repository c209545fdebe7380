//! Faults, each a function of a seed: what is done to the engine, when, and how much of it. Tests run each with a few seeds, the
//! program `torture` with many.
//!
//! Start reading at `run`, what a scenario is, and `ground`, what it happens on; `memory` is a short example.

pub mod dice;
pub mod run;
pub mod ground;
pub mod stopping;
pub mod neighbours;
pub mod long_messages;
pub mod cancel;
pub mod older_state;
pub mod receipts;
pub mod memory;
pub mod starved;
pub mod adaptive;
pub mod kills;
pub mod company;
pub mod masters;
pub mod rerouted;
pub mod reloaded;
pub mod failover;
pub mod sick;
pub mod posted;
pub mod stops;
pub mod money;
pub mod reminders;

pub use dice::Dice;
pub use ground::Ground;
pub use run::{Figures, Run, Scenario};

use crate::programs::Programs;

/// How many seeds `make test` runs of each scenario.
const SEEDS_IN_TESTS: u64 = 3;

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
        adaptive::ALL,
        kills::ALL,
        company::ALL,
        masters::ALL,
        rerouted::ALL,
        reloaded::ALL,
        failover::ALL,
        sick::ALL,
        posted::ALL,
        stops::ALL,
        money::ALL,
        reminders::ALL,
    ]
    .concat()
}

/// Runs a scenario with the seeds of `make test`. The seed is in the name of the directory, and in what is printed.
pub fn hold(programs: Programs, scenario: &Scenario) {
    (1..=SEEDS_IN_TESTS).for_each(|seed| hold_once(programs, scenario, seed));
}

/// Runs a scenario with one seed, where every run is long.
pub fn hold_once(programs: Programs, scenario: &Scenario, seed: u64) {
    println!("{}: seed {seed}", scenario.name);
    let figures = (scenario.run)(&Run {
        programs,
        name: scenario.name,
        seed,
    });
    println!("{}: seed {seed}: {figures:?}", scenario.name);
}
