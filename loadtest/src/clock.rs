//! The one place that reads this program's clocks; those that count µs are `kit::clock`.

use std::time::Instant;

/// Now, on the monotonic clock: figures are differences of these.
#[allow(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for; it is read here and nowhere else"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// The date and time of day in UTC as RFC 3339, to the second: for people, never for figures.
pub(crate) fn date_and_time() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
