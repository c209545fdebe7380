//! Runs something within its time, and ends what it started whichever way it stops.

use std::time::Duration;

use tokio::runtime::Runtime;

use crate::fault::{Result, cannot};
use crate::process::Processes;

/// What interrupted work gets to notice that its programs are gone and to remove its directory.
const LAST_STEPS: Duration = Duration::from_secs(10);

/// Watches over one piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Supervisor {
    /// How long it may take.
    pub limit: Duration,
    /// How long its programs may take to end in order before they are killed; zero: they are killed at once.
    pub grace: Duration,
    /// Told why the work is interrupted, before anything is ended.
    pub announce: fn(Cause),
}

/// Why the work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// It returned, or panicked.
    Finished,
    /// A signal came: its name.
    Signal(&'static str),
    /// The limit has passed.
    Late(Duration),
}

/// How the work ended.
#[derive(Debug)]
pub struct Ended<T> {
    /// Why.
    pub cause: Cause,
    /// What it returned; `None`: it panicked, or did not stop when it was told to.
    pub result: Option<T>,
}

impl Supervisor {
    /// Runs `work` on a thread of its own until it returns, SIGINT or SIGTERM comes, or the limit has passed. Then everything
    /// that it started is ended, and it is given a moment to return.
    pub fn run<T: Send + 'static>(self, work: impl FnOnce(&Processes) -> T + Send + 'static) -> Result<Ended<T>> {
        let runtime = runtime()?;
        let ended = runtime.block_on(self.supervise(work));
        runtime.shutdown_background();
        Ok(ended)
    }

    async fn supervise<T: Send + 'static>(self, work: impl FnOnce(&Processes) -> T + Send + 'static) -> Ended<T> {
        let processes = Processes::default();
        let theirs = processes.clone();
        let mut working = tokio::task::spawn_blocking(move || work(&theirs));
        let cause = tokio::select! {
            finished = &mut working => return Ended { cause: Cause::Finished, result: finished.ok() },
            signal = stop_signal() => Cause::Signal(signal),
            () = tokio::time::sleep(self.limit) => Cause::Late(self.limit),
        };
        (self.announce)(cause);
        processes.end_all(self.grace);
        let result = match tokio::time::timeout(LAST_STEPS, working).await {
            Ok(finished) => finished.ok(),
            Err(_) => None,
        };
        Ended { cause, result }
    }
}

/// Waits for SIGINT or SIGTERM and names it.
pub fn wait_for_stop() -> Result<&'static str> {
    Ok(runtime()?.block_on(stop_signal()))
}

fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(cannot("start"))
}

/// Without a handler for SIGTERM, SIGINT alone is heeded.
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
    use std::process::Command;

    use super::*;
    use crate::process::Site;
    use crate::scratch::Scratch;
    use crate::wait::now;

    #[test]
    fn the_limit_ends_programs_and_is_said() {
        let started = now();
        let supervisor = Supervisor {
            limit: Duration::from_millis(200),
            grace: Duration::ZERO,
            announce: |cause| assert_eq!(cause, Cause::Late(Duration::from_millis(200))),
        };
        let work = |processes: &Processes| {
            let scratch = Scratch::temporary("lab-", false).unwrap();
            let mut sleep = Command::new("sleep");
            sleep.arg("60");
            let sleeper = Site::new(processes, scratch.path()).start("sleeper", sleep).unwrap();
            while sleeper.exited().is_none() {
                std::thread::yield_now();
            }
            sleeper.pid()
        };
        let ended = supervisor.run(work).unwrap();
        assert!(started.elapsed() < Duration::from_secs(50));
        let pid = ended.result.unwrap();
        let process = format!("/proc/{pid}");
        assert!(!std::path::Path::new(&process).exists(), "{pid} outlived the run");
    }
}
