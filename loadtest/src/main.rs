//! The program `loadtest`: arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    loadtest::run(std::env::args_os())
}
