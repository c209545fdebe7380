//! An SMSC that obeys a scenario; everything is in the library.

/// A message's way is many small allocations, made on one thread and freed on another.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    smpp_sim::cli::run()
}
