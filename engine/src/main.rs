//! `campanile`: arguments → configuration → runtime → engine → exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    campanile::cli::main()
}
