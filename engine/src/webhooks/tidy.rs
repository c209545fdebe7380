//! What is over leaves the backlog, and so does what has waited for too long.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::endpoint::{Endpoint, count_dropped};
use super::{Shared, Webhooks, backlog};
use crate::database::{DatabaseError, Sql};
use crate::domain::{Recipient, TenantId};

/// How often it is looked.
const ROUND: Duration = Duration::from_secs(60);

impl Webhooks {
    /// Forgets what was told, and is to be told, of somebody under their number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn forget_number(&self, tenant: TenantId, number: Recipient) -> Result<(), DatabaseError> {
        let mut change = self.0.database.change().await?;
        let mut delete = Sql::new("DELETE FROM webhook_delivery WHERE endpoint IN ");
        delete
            .push("(SELECT id FROM webhook_endpoint WHERE tenant = ")
            .value(tenant.0);
        delete.push(") AND news LIKE ").value(format!("%\"{number}\"%"));
        change.run(delete).await?;
        change.commit().await
    }

    pub(super) async fn tidy(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            if let Err(error) = self.0.tidy().await {
                tracing::warn!(%error, "what webhooks have told cannot be tidied up; it is tried again");
            }
        }
    }
}

impl Shared {
    pub(super) async fn tidy(&self) -> Result<(), DatabaseError> {
        let all = Endpoint::all(&self.database).await?;
        if all.is_empty() {
            return Ok(());
        }
        let before = self.now().minus(self.settings.keep);
        let mut change = self.database.change().await?;
        let dropped = backlog::expire(&mut change, before).await?;
        for (endpoint, events) in &dropped {
            count_dropped(&mut change, *endpoint, *events).await?;
        }
        for endpoint in &all {
            backlog::tidy(&mut change, endpoint.id, before).await?;
        }
        // A tenant without endpoints is told nothing: what it was told last is of no use.
        let gone = "DELETE FROM webhook_campaign WHERE tenant NOT IN (SELECT tenant FROM webhook_endpoint)";
        change.run(Sql::new(gone)).await?;
        change.commit().await?;
        self.count_dropped("old", dropped.iter().map(|(endpoint, events)| (endpoint, events)));
        self.hint_all();
        self.count_waiting().await
    }
}
