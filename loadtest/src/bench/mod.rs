//! `loadtest bench`: the whole product on one machine, every part a process of its own, driven through the API.
//!
//! Start reading at `canonical`, the run whose figures the README states.
//!
//! * `stage` starts Redis, engine and simulator, and reads what they use.
//! * `load` makes tenants and campaigns, launches them, and checks what became of them.
//! * `watch` follows the settled messages and turns them into a rate.
//! * `scaling` asks whether the canonical figures hold when things grow.
//! * `turns` runs it with two engines, or two settings of Redis, in turns; `overtake` sends single messages beside a storm.
//! * `report` says it, to people and, in the last line, to programs.

mod turns;
mod overtake;
mod canonical;
mod scaling;
mod report;
mod watch;
mod load;
mod stage;

use anyhow::Result;
use lab::Processes;

pub(crate) use stage::{Stage, StagePlan};

use crate::cli::BenchArguments;

/// Runs the measurement that the arguments describe and prints it; the last line of standard output is JSON.
///
/// # Errors
/// A program did not start or died, a call failed, or the ledgers do not agree: then no figure is printed.
pub(crate) fn run(arguments: &BenchArguments, processes: &Processes) -> Result<()> {
    arguments.check()?;
    let figures = if arguments.scaling {
        scaling::measure(arguments, processes)?
    } else if arguments.overtake {
        overtake::measure(arguments, processes)?
    } else if let Some(baseline) = &arguments.baseline {
        turns::against_engine(baseline, arguments, processes)?
    } else if arguments.compare_fsync {
        turns::fsync(arguments, processes)?
    } else {
        canonical::measure(arguments, processes)?
    };
    figures.print()
}
