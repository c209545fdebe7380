//! The run's pulse: a task that wakes at fixed moments. How late it wakes is how late this program is with everything.

use std::sync::Arc;

use anyhow::{Context, Result};
use kit::clock::Clock;
use tokio::task::JoinSet;

use super::book::{Book, Stage};
use super::meters::Latencies;
use super::run::Run;

/// Between two beats: short enough to see a stall of the event loop, long enough to cost nothing.
const BEAT_US: u64 = 10_000;

/// The observer is asked this often.
const LOOK_EVERY: u64 = 50;

/// Whoever follows a run: progress, thresholds that end it.
pub(crate) trait Observer {
    /// Looks at the book, twice a second; false ends the sending.
    fn look(&mut self, book: &Book, now_us: u64) -> bool;
}

/// What the pulse has noticed.
pub(crate) struct Pulse {
    /// How late beats were.
    pub(crate) lag: Latencies,
    /// Signals that came: one ends the sending, a second one the run.
    pub(crate) signals: u32,
    /// Whether the observer ended the sending.
    pub(crate) aborted: bool,
    /// No session could be bound any more: the run ended before its time.
    pub(crate) deserted: bool,
}

/// Beats until the run is over and its sessions have said goodbye.
pub(super) async fn beat(
    run: &Arc<Run>,
    clock: Clock,
    sessions: &mut JoinSet<()>,
    observer: &mut dyn Observer,
) -> Result<Pulse> {
    let mut pulse = Pulse {
        lag: Latencies::new()?,
        signals: 0,
        aborted: false,
        deserted: false,
    };
    let mut signals = Signals::new();
    let mut beats = 0u64;
    loop {
        let at_us = (clock.now_us() / BEAT_US + 1) * BEAT_US;
        tokio::select! {
            biased;
            ended = sessions.join_next() => match ended {
                None => break,
                Some(ended) => ended.context("a session's task failed")?,
            },
            () = signals.next() => {
                pulse.signals += 1;
                if pulse.signals > 1 { run.book().end() } else { run.book().stop_sending() }
            }
            () = tokio::time::sleep_until(clock.instant(at_us)) => {
                let now_us = clock.now_us();
                pulse.lag.record(now_us - at_us);
                beats += 1;
                let mut book = run.book();
                book.pass(now_us);
                if beats.is_multiple_of(LOOK_EVERY) && book.stage() == Stage::Sending && !observer.look(&book, now_us) {
                    pulse.aborted = true;
                    book.stop_sending();
                }
            }
        }
    }
    // Sessions end when the run is over, or when none can bind any more: then nothing more can come.
    let mut book = run.book();
    pulse.deserted = book.stage() != Stage::Over;
    book.end();
    drop(book);
    Ok(pulse)
}

/// SIGINT and SIGTERM.
pub(crate) struct Signals {
    terminate: Option<tokio::signal::unix::Signal>,
}

impl Signals {
    /// From now on they end nothing by themselves.
    pub(crate) fn new() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self {
            terminate: signal(SignalKind::terminate()).ok(),
        }
    }

    /// The next of them.
    pub(crate) async fn next(&mut self) {
        let terminated = async {
            match &mut self.terminate {
                Some(terminate) => terminate.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            Some(()) = terminated => {}
            Ok(()) = tokio::signal::ctrl_c() => {}
            // No handler can be had: the limits of the run still hold.
            else => std::future::pending().await,
        }
    }
}
