//! Campaigns that Redis keeps no more: what is shown of them.

use super::Mirror;
use crate::database::{DatabaseError, Sql};
use crate::domain::{CampaignId, TenantId};

impl Mirror {
    /// Keeps what is shown of a campaign that is over; `whole`: Redis is about to forget it, and asked again, part of it may be forgotten
    /// already, so that this is kept once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn keep_past_campaign(
        &self,
        (tenant, id): (TenantId, CampaignId),
        (shown, whole): (&str, bool),
    ) -> Result<(), DatabaseError> {
        let mut change = self.0.database.change().await?;
        let mut put = Sql::new("INSERT INTO past_campaign (id, tenant, shown, at, whole) VALUES (");
        put.value(id.0 as i64).push(", ").value(tenant.0);
        put.push(", ")
            .value(shown)
            .push(", ")
            .value(self.0.clock.unix().0 as i64);
        put.push(", ").value(i64::from(whole));
        put.push(") ON CONFLICT (id) DO UPDATE SET shown = excluded.shown, at = excluded.at, whole = excluded.whole");
        put.push(" WHERE past_campaign.whole = 0");
        change.run(put).await?;
        change.commit().await
    }

    /// Nothing of it is kept any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn forget_past_campaign(&self, (tenant, id): (TenantId, CampaignId)) -> Result<(), DatabaseError> {
        let mut change = self.0.database.change().await?;
        let mut forget = Sql::new("DELETE FROM past_campaign WHERE id = ");
        forget.value(id.0 as i64).push(" AND tenant = ").value(tenant.0);
        change.run(forget).await?;
        change.commit().await
    }

    /// What is shown of it; `None`: nothing is known of such a campaign of that tenant.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn past_campaign(
        &self,
        (tenant, id): (TenantId, CampaignId),
    ) -> Result<Option<String>, DatabaseError> {
        let mut one = Sql::new("SELECT shown FROM past_campaign WHERE id = ");
        one.value(id.0 as i64).push(" AND tenant = ").value(tenant.0);
        Ok(self.0.database.rows(one, |row| row.text(0)).await?.into_iter().next())
    }
}
