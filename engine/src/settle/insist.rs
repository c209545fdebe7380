//! Asking the store until it is done: answers and receipts are not given up while the engine lives.

use std::future::Future;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::Settler;
use crate::domain::PartitionSet;
use crate::metrics::Metrics;
use crate::store::{Away, StoreError};

/// The pause before the store is asked again, doubled up to a second.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// Asks until the store does it. Whatever is asked may have been done when the reply was lost: asking again does it once.
pub(super) async fn insist<T, F>(metrics: &Metrics, op: &'static str, mut ask: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, StoreError>>,
{
    let mut pauses = pauses();
    loop {
        match ask().await {
            Ok(done) => return done,
            Err(error) => away(metrics, op, &error, pauses.next()).await,
        }
    }
}

impl Settler {
    /// Asks of partitions. What some of them do not do is asked again here where this settler is patient; else it is said which these are,
    /// and somebody else sees to it.
    pub(super) async fn within_reach<T, F>(&self, op: &'static str, mut ask: impl FnMut() -> F) -> (T, PartitionSet)
    where
        F: Future<Output = Result<(T, Away), StoreError>>,
    {
        let mut pauses = pauses();
        loop {
            let error = match ask().await {
                Ok((done, Away { partitions, why: None })) => return (done, partitions),
                Ok((
                    done,
                    Away {
                        partitions,
                        why: Some(why),
                    },
                )) if !self.is_patient => {
                    self.report_unreached(op, &why);
                    return (done, partitions);
                }
                Ok((_, Away { why: Some(error), .. })) | Err(error) => error,
            };
            away(&self.metrics, op, &error, pauses.next()).await;
        }
    }

    /// Asks one partition. `None`: it did not do it, and somebody else sees to it.
    pub(super) async fn if_there<T, F>(&self, op: &'static str, mut ask: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        if self.is_patient {
            return Some(insist(&self.metrics, op, ask).await);
        }
        ask().await.inspect_err(|error| self.report_unreached(op, error)).ok()
    }

    fn report_unreached(&self, op: &'static str, error: &StoreError) {
        self.metrics.redis_errors_total.with_label_values(&[op]).inc();
        tracing::warn!(%error, op, "some partitions of the store did not do it; they are asked again, and the others go on");
    }
}

/// The pauses between attempts.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    ExponentialBuilder::new()
        .with_min_delay(PAUSE_MIN)
        .with_max_delay(PAUSE_MAX)
        .without_max_times()
        .build()
}

/// The store did not do it: says so, and waits before it is asked again.
pub(super) async fn away(metrics: &Metrics, op: &'static str, error: &StoreError, pause: Option<Duration>) {
    metrics.redis_errors_total.with_label_values(&[op]).inc();
    tracing::warn!(%error, op, "the store did not do it; it is asked again");
    tokio::time::sleep(pause.unwrap_or(PAUSE_MAX)).await;
}
