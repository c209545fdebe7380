//! Measures Campanile, and keeps its own hands visible while it does: what it started, what it counted, how it divided.
//!
//! One subcommand is one kind of measurement; `bench` runs the whole product on this machine, each part as its own process.

mod clock;
mod random;
mod failure;
mod shares;
mod parallel;
mod safety;
mod load;
mod traffic;
pub mod results;
mod machine;
mod esme;
mod threshold;
pub mod report;
pub mod compare;
mod cli;
mod progress;
mod profile;
mod manual;
mod supervise;
mod modes;
mod bench;
mod e2e;

use std::ffi::OsString;
use std::process::ExitCode;

use cli::{Asked, Command};

/// Runs what the command line asks for and gives the exit code: 0 measured, 1 failed, 2 wrong arguments, 3 a wrong file,
/// 4 nobody there, 5 refused, 98 figures that mean nothing, 99 thresholds missed, 130 stopped by a signal.
///
/// Whatever the way out, every program that was started is ended first.
pub fn run(command_line: impl IntoIterator<Item = OsString>) -> ExitCode {
    match Asked::parse(command_line) {
        Ok(asked) => carry_out(asked),
        Err(error) => error.exit(),
    }
}

fn carry_out(asked: Asked) -> ExitCode {
    let ended = match &asked.command {
        Command::Smpp(smpp) => modes::smpp(&asked, smpp),
        Command::Capacity(capacity) => modes::capacity(&asked, capacity),
        Command::Soak(soak) => modes::soak(&asked, soak),
        Command::Replay(replay) => modes::replay(&asked, replay),
        Command::Api(api) => modes::api(&asked, api),
        Command::SelfCheck(check) => modes::self_check(&asked, check),
        Command::E2e(e2e) => {
            let e2e = e2e.clone();
            return supervise::run(e2e.time_limit(), move |processes| e2e::run(&asked, &e2e, processes));
        }
        Command::Run(profile) => match profile_of(profile) {
            Ok(Some(line)) => return run(line),
            Ok(None) => Ok(0),
            Err(error) => Err(failure::Failure::Configuration(error).into()),
        },
        Command::Compare(arguments) => return exit_code(compare::run(arguments)),
        Command::Report(arguments) => return exit_code(report::run(&arguments.results, &arguments.outputs)),
        Command::Schema => return exit_code(report::print_schema()),
        Command::Completions { shell } => manual::completions(*shell),
        Command::Man { directory } => manual::pages(directory),
        Command::Bench(bench) => {
            let limit = bench.time_limit();
            let bench = bench.clone();
            return supervise::run(limit, move |processes| bench::run(&bench, processes).map(|()| 0));
        }
    };
    ExitCode::from(ended.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        failure::exit_code(&error)
    }))
}

/// The command line of a profile; `None`: the profiles were listed.
fn profile_of(arguments: &cli::RunArguments) -> anyhow::Result<Option<Vec<OsString>>> {
    match &arguments.profile {
        Some(profile) => profile::command_line(profile, &arguments.options).map(Some),
        None => {
            kit::output::print(&profile::list())?;
            Ok(None)
        }
    }
}

/// The exit code of work without processes of its own: an error goes to standard error, with its causes.
fn exit_code(done: anyhow::Result<ExitCode>) -> ExitCode {
    done.unwrap_or_else(|error| {
        eprintln!("loadtest: {error:#}");
        ExitCode::FAILURE
    })
}
