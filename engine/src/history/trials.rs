//! Messages that tried a campaign out: they are marked, since they are of no campaign.

use super::History;
use crate::database::{DatabaseError, Sql};
use crate::domain::{CampaignId, MessageId, TenantId};

impl History {
    /// Keeps that these messages tried a campaign out.
    ///
    /// # Errors
    /// When the database does not answer. Asked again, what was not done is done.
    pub(crate) async fn mark_trials(
        &self,
        (tenant, campaign): (TenantId, CampaignId),
        messages: &[MessageId],
    ) -> Result<(), DatabaseError> {
        let deps = &self.0.deps;
        let now = deps.clock.unix();
        let mut change = deps.database.change().await?;
        for message in messages {
            let mut mark = Sql::new("INSERT INTO trial_message (id, tenant, campaign, at) VALUES (");
            mark.list([message.0 as i64, i64::from(tenant.0), campaign.0 as i64, now.0 as i64]);
            mark.push(") ON CONFLICT (id) DO NOTHING");
            change.run(mark).await?;
        }
        change.commit().await
    }
}
