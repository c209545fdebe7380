//! The command line. Begin with [`run`]; `arguments` are what clap reads, `run` starts the simulator, and `tools` are the
//! commands that start nothing.

mod arguments;
mod healthcheck;
mod manager;
mod run;
mod tools;

use std::process::ExitCode;

use clap::Parser;

use crate::http::OPENAPI;
use crate::reader::schema;
use arguments::{Arguments, Command};

/// A port could not be opened.
const EXIT_CANNOT_START: u8 = 1;

/// The arguments do not go together; clap uses the same.
const EXIT_USAGE: u8 = 2;

/// The scenario is wrong.
const EXIT_SCENARIO: u8 = 3;

/// Runs the program with the process's arguments; the simulator ends with SIGINT or SIGTERM. Its exit code.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let done = match arguments.command {
        None => return run::run(arguments.run),
        Some(Command::Run(run)) => return run::run(*run),
        Some(Command::Check(check)) => return tools::check(&check.files),
        Some(Command::Scenarios(scenarios)) => tools::scenarios(scenarios.show.as_deref()),
        Some(Command::Presets(presets)) => tools::presets(presets.show.as_deref()),
        Some(Command::Healthcheck(whom)) => healthcheck::healthcheck(&whom),
        Some(Command::Magic) => tools::magic(),
        Some(Command::Schema) => tools::print(&format!("{:#}\n", schema())),
        Some(Command::Openapi) => tools::print(OPENAPI),
        Some(Command::Completions(completions)) => tools::completions(completions.shell),
        Some(Command::Man(man)) => tools::man(man.directory.as_deref()),
    };
    match done {
        Ok(code) => code,
        // A reader that has enough, `head` for example, is no failure.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("smpp-sim: {error}");
            ExitCode::from(EXIT_CANNOT_START)
        }
    }
}
