//! When a delivery that was not taken is tried again: a function of what was tried, and of chance.

use std::time::Duration;

/// How much later than planned an attempt may be, so that all that failed together does not come back together.
const JITTER: f64 = 0.2;

/// The longest that a receiver may ask us to wait.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(86_400);

/// The wait before the next attempt, of which `tried` have been made; `None` when that was the last one.
///
/// `retries`: the wait before each attempt, the first one's as well. `chance`: 0 to 1.
pub(super) fn wait(retries: &[Duration], tried: usize, asked: Option<Duration>, chance: f64) -> Option<Duration> {
    let planned = retries.get(tried)?.mul_f64(1.0 + JITTER * chance.clamp(0.0, 1.0));
    Some(planned.max(asked.unwrap_or_default().min(RETRY_AFTER_MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn attempts_follow_the_schedule_a_little_late_and_end_with_it() {
        let retries = [Duration::ZERO, 5 * SECOND, 300 * SECOND];
        assert_eq!(wait(&retries, 1, None, 0.0), Some(5 * SECOND));
        assert_eq!(wait(&retries, 1, None, 1.0), Some(6 * SECOND));
        assert_eq!(wait(&retries, 2, None, 0.5), Some(330 * SECOND));
        assert_eq!(wait(&retries, 3, None, 0.5), None);
    }

    #[test]
    fn a_receiver_may_ask_for_a_longer_wait_and_not_for_a_shorter_one() {
        let retries = [Duration::ZERO, 5 * SECOND];
        assert_eq!(wait(&retries, 1, Some(60 * SECOND), 0.0), Some(60 * SECOND));
        assert_eq!(wait(&retries, 1, Some(SECOND), 0.0), Some(5 * SECOND));
        assert_eq!(wait(&retries, 1, Some(Duration::MAX), 0.0), Some(RETRY_AFTER_MAX));
        assert_eq!(wait(&retries, 2, Some(SECOND), 0.0), None);
    }
}
