//! What is older than `history.keep` is forgotten.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::History;
use crate::database::{DatabaseError, Sql};
use crate::domain::UnixMicros;
use crate::engagement;

/// How often it is looked for what is old.
const EVERY: Duration = Duration::from_secs(3_600);

/// Rows that are forgotten in one change.
const AT_ONCE: i64 = 5_000;

/// Rows that are looked through in one change: ids grow with time, but for campaigns that waited for their date.
const LOOKED_AT: i64 = 50_000;

impl History {
    pub(super) async fn tidy(self, stop: CancellationToken) {
        loop {
            if let Err(error) = self.forget_old(&stop).await {
                tracing::warn!(%error, "history that is old cannot be forgotten; it is tried again");
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    pub(super) async fn forget_old(&self, stop: &CancellationToken) -> Result<(), DatabaseError> {
        let deps = &self.0.deps;
        let before = (deps.clock.unix().minus(deps.settings.keep).0 / 1_000) as i64;
        loop {
            let mut forget = Sql::new("DELETE FROM message WHERE id IN (SELECT id FROM (SELECT id, at ");
            forget.push("FROM message ORDER BY id LIMIT ");
            forget.value(LOOKED_AT).push(") AS oldest WHERE at < ").value(before);
            forget.push(" LIMIT ").value(AT_ONCE).push(")");
            let mut change = deps.database.change().await?;
            let forgotten = change.run(forget).await?;
            if forgotten < AT_ONCE as u64 {
                change.run(super::campaigns::forget_old()).await?;
                let mut trials = Sql::new("DELETE FROM trial_message WHERE at < ");
                trials.value(before.saturating_mul(1_000));
                change.run(trials).await?;
                let before = UnixMicros(before.cast_unsigned().saturating_mul(1_000));
                change.run(engagement::forget_old(before)).await?;
            }
            change.commit().await?;
            if forgotten < AT_ONCE as u64 || stop.is_cancelled() {
                return Ok(());
            }
        }
    }
}
