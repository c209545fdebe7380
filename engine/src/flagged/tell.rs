//! Endpoints are told of what is to be looked at and of what was decided, and texts are erased when their time is over.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::kept::{TOLD, read};
use super::{FlagFault, FlagState, Flagged, FlaggedTexts};
use crate::database::Sql;
use crate::domain::{TenantId, UnixMicros};
use crate::webhooks::WebhookFault;

/// How often it is looked for something to be told.
const LOOK: Duration = Duration::from_millis(500);

/// Texts of which is told at once.
const TOGETHER: i64 = 100;

/// How often texts are erased.
const ROUND: Duration = Duration::from_secs(3_600);

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// How long a decision is remembered: as long as lines of the ledger.
const KEPT: Duration = Duration::from_secs(400 * 24 * 3_600);

/// Of a text: no campaign waits until it is decided on, or for what was decided.
const NOBODY_WAITS: &str =
    " AND NOT EXISTS (SELECT 1 FROM flagged_campaign WHERE flagged_campaign.flagged = flagged.id AND waits = 1)";

impl FlaggedTexts {
    /// Tells, and erases, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let tell = async {
            while stop.run_until_cancelled(tokio::time::sleep(LOOK)).await.is_some() {
                if let Err(error) = self.tell().await {
                    tracing::debug!(%error, "of texts to be looked at cannot be told; it is tried again");
                }
            }
        };
        let tidy = async {
            while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
                if let Err(error) = self.tidy().await {
                    tracing::debug!(%error, "old texts cannot be erased; it is tried again");
                }
            }
        };
        tokio::join!(tell, tidy);
    }

    /// A crash between may tell twice.
    async fn tell(&self) -> Result<(), WebhookFault> {
        let mut query = Sql::new("SELECT ");
        query
            .push(TOLD)
            .push(" FROM flagged WHERE untold = 1 ORDER BY id LIMIT ");
        query.value(TOGETHER);
        for flagged in self.0.database.rows(query, read).await? {
            if let Some(webhooks) = &self.0.webhooks {
                let is_decided = flagged.state != FlagState::Open;
                let about = about(&flagged);
                match flagged.traffic {
                    Some(_) => webhooks.tell_of_traffic(flagged.tenant, (is_decided, &about)).await?,
                    None => webhooks.tell_of_text(flagged.tenant, (is_decided, &about)).await?,
                }
            }
            let mut change = self.0.database.change().await?;
            let mut told = Sql::new("UPDATE flagged SET untold = 0 WHERE id = ");
            told.value(flagged.id.0.cast_signed());
            // It may have been decided meanwhile.
            told.push(" AND state = ").value(flagged.state.code());
            told.push(" AND COALESCE(decided_at, 0) = ");
            told.value(flagged.decided_at.map_or(0, |at| at.0.cast_signed()));
            change.run(told).await?;
            change.commit().await?;
        }
        Ok(())
    }

    async fn tidy(&self) -> Result<(), FlagFault> {
        let now = self.0.clock.unix();
        let mut change = self.0.database.change().await?;
        let mut delete = Sql::new("DELETE FROM flagged WHERE COALESCE(decided_at, created_at) < ");
        delete.value(now.minus(KEPT).0.cast_signed());
        // To which countries a tenant sends is known for good.
        delete.push(" AND digest NOT LIKE 'country:%'").push(NOBODY_WAITS);
        change.run(delete).await?;
        change.commit().await?;
        for id in self.0.store.tenant_ids(0, None).await? {
            let tenant = self.0.store.tenant(id).await?;
            if let Some(days) = tenant.and_then(|tenant| tenant.terms.text_days) {
                self.redact(id, now.minus(DAY * days.into())).await?;
            }
        }
        Ok(())
    }

    /// Forgets what was said before that time, and what of it looks like advertising; not while a campaign waits for it.
    async fn redact(&self, tenant: TenantId, before: UnixMicros) -> Result<(), FlagFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut update = Sql::new("UPDATE flagged SET text = NULL, words = '[]' WHERE text IS NOT NULL AND tenant = ");
        update.value(tenant.0).push(" AND created_at < ");
        update.value(before.0.cast_signed()).push(NOBODY_WAITS);
        change.run(update).await?;
        Ok(change.commit().await?)
    }
}

/// What endpoints are told: not the text.
fn about(flagged: &Flagged) -> Value {
    let reasons: Vec<&str> = flagged.reasons.iter().map(|reason| reason.code()).collect();
    json!({
        "id": flagged.id.to_string(),
        "reasons": reasons,
        "purpose": flagged.purpose.code(),
        "traffic": flagged.traffic,
        "campaign": flagged.campaign.map(|id| id.to_string()),
        "message": flagged.message.map(|id| id.to_string()),
        "state": flagged.state.code(),
        "note": flagged.note,
    })
}
