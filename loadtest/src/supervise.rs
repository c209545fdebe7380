//! Runs a measurement that starts programs within its time, and says how it ended.

use std::process::ExitCode;
use std::time::Duration;

use lab::{Cause, Processes, Supervisor};

use crate::failure::{INTERRUPTED, exit_code};

/// Runs `work` until it returns, a signal comes, or `limit` has passed; whatever it started is ended.
///
/// Gives the exit code that `work` gives; errors are printed to standard error with their causes.
pub(crate) fn run(limit: Duration, work: impl FnOnce(&Processes) -> anyhow::Result<u8> + Send + 'static) -> ExitCode {
    let supervisor = Supervisor {
        limit,
        // The figures are taken, and the data go with the working directory: nothing is to be saved.
        grace: Duration::ZERO,
        announce,
    };
    let ended = match supervisor.run(work) {
        Ok(ended) => ended,
        Err(fault) => {
            eprintln!("loadtest: {fault}");
            return ExitCode::FAILURE;
        }
    };
    let code = match ended.cause {
        Cause::Finished => None,
        Cause::Signal(_) => Some(ExitCode::from(INTERRUPTED)),
        Cause::Late(_) => Some(ExitCode::FAILURE),
    };
    match (code, ended.result) {
        (None, Some(Ok(code))) => ExitCode::from(code),
        (None, Some(Err(error))) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(exit_code(&error))
        }
        (None, None) => ExitCode::FAILURE,
        (Some(code), Some(Ok(_))) => code,
        (Some(code), Some(Err(error))) => {
            eprintln!("loadtest: stopped while: {error:#}");
            code
        }
        (Some(code), None) => {
            eprintln!("loadtest: the measurement did not stop");
            code
        }
    }
}

fn announce(cause: Cause) {
    match cause {
        Cause::Finished => {}
        Cause::Signal(name) => eprintln!("loadtest: {name}: ending what was started"),
        Cause::Late(limit) => eprintln!(
            "loadtest: not done after {}: giving up (--timeout)",
            humantime::format_duration(limit)
        ),
    }
}
