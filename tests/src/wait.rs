//! Waiting for a condition, never for a time, unless the time is the fault itself.

use std::time::{Duration, Instant};

/// Between two looks: short against every limit in use, long against the price of a look.
const PAUSE: Duration = Duration::from_millis(20);

/// Polls `condition` until it yields a value, and returns it.
///
/// Panics with `what` when `limit` is over.
pub fn eventually<T>(what: &str, limit: Duration, condition: impl FnMut() -> Option<T>) -> T {
    eventually_or(limit, condition, || {
        format!("gave up after {limit:?} waiting until {what}")
    })
}

/// While a fault lasts that is defined by its length, such as a process that stands still.
pub fn while_a_fault_lasts(length: Duration) {
    std::thread::sleep(length);
}

/// As [`eventually`], with a failure message made when it is needed.
pub fn eventually_or<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Option<T>,
    failure: impl FnOnce() -> String,
) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        if started.elapsed() >= limit {
            panic!("{}", failure());
        }
        std::thread::sleep(PAUSE);
    }
}
