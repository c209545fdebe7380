//! Runs one measurement within its time, and ends what it started whichever way it stops.

use std::process::ExitCode;
use std::time::Duration;

use crate::failure::{INTERRUPTED, exit_code};
use crate::process::Processes;

/// What an interrupted measurement gets to notice that its programs are gone and to remove its directory.
const GRACE: Duration = Duration::from_secs(10);

/// Runs `work` on a thread of its own until it returns, a signal comes, or `limit` has passed.
///
/// Gives the exit code that `work` gives; errors are printed to standard error with their causes.
pub(crate) fn run(limit: Duration, work: impl FnOnce(&Processes) -> anyhow::Result<u8> + Send + 'static) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("loadtest: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(supervised(limit, work));
    runtime.shutdown_background();
    code
}

async fn supervised(limit: Duration, work: impl FnOnce(&Processes) -> anyhow::Result<u8> + Send + 'static) -> ExitCode {
    let processes = Processes::default();
    let theirs = processes.clone();
    let mut working = tokio::task::spawn_blocking(move || work(&theirs));
    let code = tokio::select! {
        finished = &mut working => return verdict(finished),
        signal = stop_signal() => {
            eprintln!("loadtest: {signal}: ending what was started");
            ExitCode::from(INTERRUPTED)
        }
        () = tokio::time::sleep(limit) => {
            eprintln!("loadtest: not done after {}: giving up (--timeout)", humantime::format_duration(limit));
            ExitCode::FAILURE
        }
    };
    processes.end_all();
    match tokio::time::timeout(GRACE, working).await {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => eprintln!("loadtest: stopped while: {error:#}"),
        Ok(Err(panic)) => eprintln!("loadtest: {panic}"),
        Err(_) => eprintln!(
            "loadtest: the measurement did not stop in {}",
            humantime::format_duration(GRACE)
        ),
    }
    code
}

fn verdict(finished: Result<anyhow::Result<u8>, tokio::task::JoinError>) -> ExitCode {
    match finished {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            eprintln!("loadtest: {error:#}");
            ExitCode::from(exit_code(&error))
        }
        Err(panic) => {
            eprintln!("loadtest: {panic}");
            ExitCode::FAILURE
        }
    }
}

/// Waits for SIGINT or SIGTERM and names it; without a handler for SIGTERM, for SIGINT alone.
async fn stop_signal() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return interrupted().await;
    };
    tokio::select! {
        name = interrupted() => name,
        _ = terminate.recv() => "SIGTERM",
    }
}

async fn interrupted() -> &'static str {
    match tokio::signal::ctrl_c().await {
        Ok(()) => "SIGINT",
        // No handler can be had: the time limit still holds.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn the_limit_ends_programs_and_says_failure() {
        let started = clock::now();
        let (sender, receiver) = std::sync::mpsc::sync_channel(1);
        let code = run(Duration::from_millis(200), move |processes| {
            let sleeper = processes.start_for_test("sleep", &["60"])?;
            sender.send(sleeper.pid())?;
            while sleeper.is_running() {
                std::thread::yield_now();
            }
            anyhow::bail!("it was ended")
        });
        assert_eq!(code, ExitCode::FAILURE);
        assert!(started.elapsed() < Duration::from_secs(50));
        let pid = receiver.recv().unwrap();
        assert!(
            !std::path::Path::new(&format!("/proc/{pid}")).exists(),
            "process {pid} outlived the run"
        );
    }
}
