//! The one place that reads this program's clock.

use std::time::Instant;

/// Now, on the monotonic clock: figures are differences of these.
#[allow(
    clippy::disallowed_methods,
    reason = "measuring time is what this program is for; it is read here and nowhere else"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}
