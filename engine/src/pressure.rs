//! How far settling is behind: leases slow down before receipts have to wait. And whether the journal is full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

/// What waits to be settled may be so old before leases wait: an SMSC that waits for its deliver_sm_resp for seconds gives
/// the session up.
const BEHIND_MAX: Duration = Duration::from_millis(100);

/// Whether the journal is as long as it may be, since somebody does not keep up with it. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fullness(Arc<AtomicBool>);

impl Fullness {
    /// It is, or is not any more.
    pub(crate) fn set(&self, full: bool) {
        self.0.store(full, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The age of the oldest event that is not settled. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Pressure {
    start: Instant,
    /// When the oldest of each settler came, µs since the start, plus one; 0: nothing waits there.
    oldest: Arc<[AtomicU64]>,
    /// `oldest` is another one.
    changed: Arc<Notify>,
}

impl Pressure {
    /// Nothing waits yet with any of the settlers.
    pub(crate) fn new(now: Instant, settlers: usize) -> Self {
        Self {
            start: now,
            oldest: (0..settlers).map(|_| AtomicU64::new(0)).collect(),
            changed: Arc::default(),
        }
    }

    /// The oldest event of that settler that is not settled came then; `None`: nothing waits there.
    pub(crate) fn set(&self, settler: usize, oldest: Option<Instant>) {
        let since = oldest.map_or(0, |oldest| {
            oldest.saturating_duration_since(self.start).as_micros() as u64 + 1
        });
        self.oldest[settler].store(since, Ordering::Relaxed);
        self.changed.notify_waiters();
    }

    /// How long the oldest event has been waiting.
    pub(crate) fn behind(&self, now: Instant) -> Duration {
        let oldest = self.oldest.iter().map(|oldest| oldest.load(Ordering::Relaxed));
        match oldest.filter(|since| *since > 0).min() {
            None => Duration::ZERO,
            Some(since) => now.saturating_duration_since(self.start + Duration::from_micros(since - 1)),
        }
    }

    /// Waits until settling has caught up.
    pub(crate) async fn relieved(&self, now: impl Fn() -> Instant) {
        loop {
            // Before the look, so that no change falls between the two.
            let changed = self.changed.notified();
            if self.behind(now()) <= BEHIND_MAX {
                return;
            }
            changed.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;
    use crate::clock::Clock;

    #[test]
    fn what_waits_grows_old_until_it_is_settled() {
        let start = Clock::new().now();
        let pressure = Pressure::new(start, 2);
        let later = start + Duration::from_secs(3);
        assert_eq!(pressure.behind(later), Duration::ZERO);
        pressure.set(1, Some(start + Duration::from_secs(1)));
        pressure.set(0, Some(start + Duration::from_secs(2)));
        assert_eq!(pressure.behind(later), Duration::from_secs(2));
        pressure.set(1, None);
        assert_eq!(pressure.behind(later), Duration::from_secs(1));
        pressure.set(0, None);
        assert_eq!(pressure.behind(later), Duration::ZERO);
    }

    #[tokio::test]
    async fn leases_wait_until_settling_has_caught_up() {
        let start = Clock::new().now();
        let pressure = Pressure::new(start, 2);
        pressure.set(0, Some(start));
        let mut relieved = std::pin::pin!(pressure.relieved(|| start + Duration::from_secs(1)));
        assert_eq!(relieved.as_mut().now_or_never(), None);
        pressure.set(0, Some(start + Duration::from_millis(700)));
        assert_eq!(relieved.as_mut().now_or_never(), None);
        pressure.set(0, Some(start + Duration::from_millis(950)));
        assert_eq!(relieved.as_mut().now_or_never(), Some(()));
    }
}
