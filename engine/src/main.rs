//! `campanile`: arguments → configuration → runtime → engine → exit code.

use std::process::ExitCode;

/// A message's way is many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    campanile::cli::main()
}
