//! Waiting for a condition, never for a time, unless the time is the fault itself.

use std::time::Duration;

use lab::{Signal, poll};

/// Polls `condition` until it yields a value, and returns it.
///
/// Panics with `what` when `limit` is over.
#[track_caller]
pub fn eventually<T>(what: &str, limit: Duration, condition: impl FnMut() -> Option<T>) -> T {
    eventually_or(limit, condition, || {
        format!("gave up after {limit:?} waiting until {what}")
    })
}

/// As [`eventually`], with a failure message made when it is needed.
#[track_caller]
pub fn eventually_or<T>(limit: Duration, condition: impl FnMut() -> Option<T>, failure: impl FnOnce() -> String) -> T {
    poll(limit, condition).unwrap_or_else(|| panic!("{}", failure()))
}

/// SIGSTOP, and SIGCONT after that long: what a machine does that gives its time to others. The fault is defined by its length.
pub(crate) fn stand_still(signal: impl Fn(Signal), length: Duration) {
    signal(Signal::STOP);
    std::thread::sleep(length);
    signal(Signal::CONT);
}
