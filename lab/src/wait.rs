//! Waiting for a condition.

use std::time::{Duration, Instant};

/// Between two looks: short against every limit in use, long against the price of a look.
const PAUSE: Duration = Duration::from_millis(10);

/// The one place here that reads a clock.
#[allow(clippy::disallowed_methods, reason = "programs are waited for in real time")]
pub fn now() -> Instant {
    Instant::now()
}

/// Asks `condition` until it gives a value; `None` when `limit` is over.
pub fn poll<T>(limit: Duration, mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = now() + limit;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if now() >= deadline {
            return None;
        }
        std::thread::sleep(PAUSE);
    }
}
