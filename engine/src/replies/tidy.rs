//! Conversations that are old are forgotten, and texts when their tenant's time for texts is over.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{ReplyFault, Shared};
use crate::database::Sql;
use crate::domain::{TenantId, UnixMicros};

const ROUND: Duration = Duration::from_secs(3_600);

const DAY: Duration = Duration::from_secs(24 * 3_600);

impl Shared {
    pub(super) async fn tidy(self: Arc<Self>, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            if let Err(error) = self.tidy_once().await {
                tracing::debug!(%error, "old conversations cannot be forgotten; it is tried again");
            }
        }
    }

    async fn tidy_once(&self) -> Result<(), ReplyFault> {
        let now = self.clock.unix();
        let mut change = self.database.change().await?;
        let mut delete = Sql::new("DELETE FROM conversation WHERE last_at < ");
        delete.value(now.minus(self.kept_for).0.cast_signed());
        delete.push(
            " AND NOT EXISTS (SELECT 1 FROM conversation_message AS said WHERE said.conversation = conversation.id",
        );
        delete.push(" AND said.state IN ('due', 'asking'))");
        change.run(delete).await?;
        let mut delete = Sql::new("DELETE FROM offer WHERE over_at < ");
        delete.value(now.minus(self.kept_for).0.cast_signed());
        change.run(delete).await?;
        let mut delete = Sql::new("DELETE FROM survey_run WHERE asked_at < ");
        delete.value(now.minus(self.kept_for).0.cast_signed());
        change.run(delete).await?;
        let mut delete = Sql::new("DELETE FROM waiting_person WHERE expires_at < ");
        delete.value(now.0.cast_signed());
        change.run(delete).await?;
        change.commit().await?;
        for id in self.store.tenant_ids(0, None).await? {
            let days = self.store.tenant(id).await?.and_then(|tenant| tenant.terms.text_days);
            if let Some(days) = days {
                self.redact(id, now.minus(DAY * days.into())).await?;
            }
        }
        Ok(())
    }

    /// Forgets what was said before that time.
    async fn redact(&self, tenant: TenantId, before: UnixMicros) -> Result<(), ReplyFault> {
        let mut change = self.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE conversation_message SET text = NULL WHERE text IS NOT NULL AND tenant = ");
        update.value(tenant.0).push(" AND at < ").value(before.0.cast_signed());
        change.run(update).await?;
        let mut update = Sql::new("UPDATE survey_answer SET text = NULL WHERE text IS NOT NULL AND at < ");
        update.value(before.0.cast_signed());
        update.push(" AND run IN (SELECT id FROM survey_run WHERE tenant = ");
        update.value(tenant.0).push(")");
        change.run(update).await?;
        Ok(change.commit().await?)
    }
}
