//! An SMSC that obeys a scenario; everything is in the library.

fn main() -> std::process::ExitCode {
    smpp_sim::cli::run()
}
