//! An ESME that loads any SMSC: sessions, windows, load models, and the correlation of receipts.
//!
//! Start reading at `drive` below: it binds the sessions of a `run`, lets them send, and collects what is left behind.
//!
//! * `book` is what all sessions share; neither socket nor clock is in it.
//! * `outstanding` finds the message that a receipt is about.
//! * `session` drives one session over one `connection`, plain or in `tls`.
//! * `meters` are the histograms and the row of seconds; `found` makes [`Results`](crate::results::Results) of all that.
//! * `pulse` keeps time: it notices the end of the run and how late this program itself is.

mod outstanding;
pub(crate) mod meters;
mod book;
mod tls;
mod connection;
mod run;
mod session;
mod pulse;
mod found;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use kit::clock::Clock;
use lab::usage::ThreadTimes;
use tokio::task::JoinSet;

pub(crate) use book::{Book, Rules};
pub(crate) use connection::Target;
pub(crate) use found::{Outcome, latencies, results, snapshot};
pub(crate) use pulse::{Observer, Signals};
pub(crate) use run::{Account, Plan};
pub(crate) use tls::Tls;

use crate::load::Schedule;
use run::Run;

/// Binds every session, sends, waits for receipts, unbinds.
///
/// # Errors
/// [`Failure`](crate::failure::Failure) when a session cannot be bound at the beginning.
pub(crate) fn run(plan: Plan, (schedule, rules): (Schedule, Rules), observer: &mut dyn Observer) -> Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = Arc::new(Run {
        plan,
        book: Mutex::new(Book::new(schedule, rules)?),
    });
    runtime.block_on(drive(run, observer))
}

async fn drive(run: Arc<Run>, observer: &mut dyn Observer) -> Result<Outcome> {
    let mut drivers = Vec::with_capacity(run.plan.sessions.len());
    for &kind in &run.plan.sessions {
        drivers.push(session::Driver::bind(&run, kind).await?);
    }
    let before = ThreadTimes::of_this_thread().unwrap_or_default();
    let clock = Clock::from_zero();
    let mut sessions = JoinSet::new();
    for driver in drivers {
        sessions.spawn(driver.run(clock));
    }
    let pulse = pulse::beat(&run, clock, &mut sessions, observer).await?;
    let after = ThreadTimes::of_this_thread().unwrap_or_default();
    let seconds = Duration::from_micros(clock.now_us()).as_secs_f64();
    // Whoever is still unbinding holds the book as well.
    sessions.shutdown().await;
    let run = Arc::into_inner(run).context("a session outlived the run")?;
    Ok(Outcome {
        book: run.book.into_inner().unwrap_or_else(PoisonError::into_inner),
        pulse,
        thread: ThreadTimes {
            running: after.running - before.running,
            waiting: after.waiting - before.waiting,
        },
        seconds,
    })
}

/// The distribution of these latencies in µs.
#[cfg(test)]
pub(crate) fn test_distribution(us: std::ops::RangeInclusive<u64>) -> crate::results::Distribution {
    let mut latencies = meters::Latencies::new().unwrap();
    us.for_each(|us| latencies.record(us));
    latencies.distribution()
}
