//! Measures Campanile, and keeps its own hands visible while it does: what it started, what it counted, how it divided.
//!
//! One subcommand is one kind of measurement; `bench` runs the whole product on this machine, each part as its own process.

mod clock;
mod cli;
mod supervise;
mod bench;
mod api;
mod http;
mod patients;
mod process;
mod procfs;
mod redis_info;
mod exposition;
pub mod results;
pub mod report;
pub mod compare;

use std::process::ExitCode;

pub use cli::{Arguments, BenchArguments, Command};

/// Runs what the arguments ask for and gives the exit code: 0 measured, 1 failed, 2 wrong arguments (by clap),
/// 99 a threshold missed or a regression, 130 stopped by a signal.
///
/// Whatever the way out, every program that was started is ended first.
pub fn run(arguments: Arguments) -> ExitCode {
    match arguments.command {
        Command::Bench(bench) => {
            let limit = bench.time_limit();
            supervise::run(limit, move |processes| bench::run(&bench, processes))
        }
        Command::Compare(arguments) => exit_code(compare::run(&arguments)),
        Command::Report(arguments) => exit_code(report::run(&arguments.results, &arguments.outputs)),
        Command::Schema => exit_code(report::print_schema()),
    }
}

/// The exit code of work without processes of its own: an error goes to standard error, with its causes.
fn exit_code(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::FAILURE
    })
}
