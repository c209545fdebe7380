//! Waiting for a condition, never for a time.

use std::time::{Duration, Instant};

/// Between two looks: short against every limit in use, long against the price of a look.
const PAUSE: Duration = Duration::from_millis(20);

/// Polls `condition` until it yields a value, and returns it.
///
/// Panics with `what` when `limit` is over.
pub fn eventually<T>(what: &str, limit: Duration, mut condition: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(started.elapsed() < limit, "gave up after {limit:?} waiting until {what}");
        std::thread::sleep(PAUSE);
    }
}
