//! What is over leaves the backlog, and so does what has waited for too long.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::endpoint::{Endpoint, count_dropped};
use super::{Shared, Webhooks, backlog};
use crate::database::{DatabaseError, Sql};

/// How often it is looked.
const ROUND: Duration = Duration::from_secs(60);

impl Webhooks {
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
