//! The program `loadtest`: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    loadtest::run(loadtest::Arguments::parse())
}
