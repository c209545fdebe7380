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

/// Rows that are looked through in one change.
const LOOKED_AT: i64 = 50_000;

/// Changes of an hour behind the front in which nothing is found: everything is looked through within days, however long it is.
const FURTHER: usize = 20;

/// What one change has come to.
struct Step {
    forgotten: u64,
    /// The last id that was looked at. `None`: there was none.
    last: Option<i64>,
}

impl History {
    pub(super) async fn tidy(self, stop: CancellationToken) {
        let mut after = i64::MIN;
        loop {
            match self.forget_old((after, LOOKED_AT), &stop).await {
                Ok(next) => after = next,
                Err(error) => tracing::warn!(%error, "history that is old cannot be forgotten; it is tried again"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
                return;
            }
        }
    }

    /// Ids grow with time, so that most of what is old is in front: all of it goes. A campaign that waited long for its date hides what
    /// is behind it: so each time it is looked further from where it was stopped, too. Returns where that is.
    pub(super) async fn forget_old(
        &self,
        (after, looked_at): (i64, i64),
        stop: &CancellationToken,
    ) -> Result<i64, DatabaseError> {
        let deps = &self.0.deps;
        let before = (deps.clock.unix().minus(deps.settings.keep).0 / 1_000) as i64;
        let mut front = i64::MIN;
        while !stop.is_cancelled() {
            match self.forget_behind(front, (before, looked_at)).await? {
                Step { forgotten: 0, .. } | Step { last: None, .. } => break,
                // There may be more of it among these.
                Step { forgotten, .. } if forgotten == AT_ONCE as u64 => {}
                Step { last: Some(last), .. } => front = last,
            }
        }
        let (mut after, mut further) = (after.max(front), 0);
        while further < FURTHER && !stop.is_cancelled() {
            match self.forget_behind(after, (before, looked_at)).await? {
                Step { last: None, .. } => {
                    after = i64::MIN;
                    break;
                }
                Step { forgotten, .. } if forgotten == AT_ONCE as u64 => {}
                Step {
                    forgotten,
                    last: Some(last),
                } => {
                    after = last;
                    further += usize::from(forgotten == 0);
                }
            }
        }
        self.forget_what_belonged(before).await?;
        Ok(after)
    }

    async fn forget_behind(&self, after: i64, (before, looked_at): (i64, i64)) -> Result<Step, DatabaseError> {
        let mut change = self.0.deps.database.change().await?;
        let mut look = Sql::new("SELECT MAX(id) FROM (SELECT id FROM message WHERE id > ");
        look.value(after)
            .push(" ORDER BY id LIMIT ")
            .value(looked_at)
            .push(") AS looked_at");
        let last = change.rows(look, |row| row.number_if_any(0)).await?;
        let Some(last) = last.into_iter().flatten().next() else {
            return Ok(Step {
                forgotten: 0,
                last: None,
            });
        };
        let mut forget = Sql::new("DELETE FROM message WHERE id IN (SELECT id FROM message WHERE id > ");
        forget.value(after).push(" AND id <= ").value(last);
        forget
            .push(" AND at < ")
            .value(before)
            .push(" LIMIT ")
            .value(AT_ONCE)
            .push(")");
        let forgotten = change.run(forget).await?;
        change.commit().await?;
        let last = Some(last);
        Ok(Step { forgotten, last })
    }

    /// What is kept beside messages, and is not needed without them.
    async fn forget_what_belonged(&self, before: i64) -> Result<(), DatabaseError> {
        let mut change = self.0.deps.database.change().await?;
        change.run(super::campaigns::forget_old()).await?;
        let mut trials = Sql::new("DELETE FROM trial_message WHERE at < ");
        trials.value(before.saturating_mul(1_000));
        change.run(trials).await?;
        let before = UnixMicros(before.cast_unsigned().saturating_mul(1_000));
        change.run(super::campaigns::forget_past(before)).await?;
        change.run(engagement::forget_old(before)).await?;
        change.commit().await
    }
}
