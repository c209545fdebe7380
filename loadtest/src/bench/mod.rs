//! `loadtest bench`: the whole product on one machine, every part a process of its own, driven through the API.
//!
//! * `stage` starts Redis, engine and `simulator`, and reads what they use.
//! * `load` makes tenants and campaigns, launches them, and checks what became of them.
//! * `watch` follows the settled messages and turns them into a rate.
//! * `canonical` is the run whose figures the README states; `scaling` asks whether they hold when things grow.
//! * `report` says it, to people and, in the last line, to programs.

mod canonical;
mod scaling;
mod report;
mod watch;
mod load;
mod stage;
mod simulator;
mod parallel;

use anyhow::Result;

pub(crate) use parallel::in_parallel;
pub(crate) use stage::{Stage, StagePlan};

use crate::cli::BenchArguments;
use crate::process::Processes;

/// Runs the measurement that the arguments describe and prints it; the last line of standard output is JSON.
///
/// # Errors
/// A program did not start or died, a call failed, or the ledgers do not agree: then no figure is printed.
pub(crate) fn run(arguments: &BenchArguments, processes: &Processes) -> Result<()> {
    arguments.check()?;
    if arguments.scaling {
        let figures = scaling::measure(arguments, processes)?;
        figures.print()
    } else {
        let figures = canonical::measure(arguments, processes)?;
        figures.print()
    }
}
