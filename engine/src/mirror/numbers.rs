//! Numbers of campaigns are never given twice, also by a Redis that has forgotten which it gave.

use super::{Mirror, MirrorFault, Shared};
use crate::database::Sql;
use crate::domain::CampaignId;

/// Numbers that are reserved at once: a start skips what is left of them, of a million million that there are.
const AT_ONCE: u64 = 1_000;

/// The name of the series in SQL.
const SERIES: &str = "campaign";

impl Mirror {
    /// A number that Redis has just given out: it may be used when this returns.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn reserve(&self, id: CampaignId) -> Result<(), MirrorFault> {
        let mut reserved = self.0.reserved.lock().await;
        if id.0 + AT_ONCE / 2 > *reserved {
            match self.0.reserve_up_to(id.0 + AT_ONCE).await {
                Ok(number) => *reserved = number,
                // What is reserved lasts until the database is there again.
                Err(error) if id.0 <= *reserved => tracing::debug!(%error, "no more numbers can be reserved"),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Shared {
    /// What is reserved then: that, or more if somebody else has.
    async fn reserve_up_to(&self, number: u64) -> Result<u64, MirrorFault> {
        let mut change = self.database.change().await?;
        let mut raise = Sql::new("INSERT INTO number_series (name, taken) VALUES (");
        raise.value(SERIES).push(", ").value(number as i64);
        raise.push(") ON CONFLICT (name) DO UPDATE SET taken = ");
        raise.push("CASE WHEN number_series.taken > excluded.taken THEN number_series.taken ELSE excluded.taken END");
        raise.push(" RETURNING taken");
        let taken = change.rows(raise, |row| row.number(0)).await?;
        change.commit().await?;
        Ok(taken.first().map_or(number, |taken| *taken as u64))
    }

    /// At the start: what may have been given out is not given again.
    pub(super) async fn skip_reserved(&self) -> Result<(), MirrorFault> {
        let mut known = Sql::new("SELECT taken FROM number_series WHERE name = ");
        known.value(SERIES);
        let known = self.database.row(known, |row| row.number(0)).await?;
        let known = known.map_or(0, |taken| taken as u64);
        self.store.skip_campaigns(CampaignId(known)).await?;
        *self.reserved.lock().await = known;
        Ok(())
    }
}
