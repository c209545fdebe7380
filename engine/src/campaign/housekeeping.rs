//! What is put in order now and then: what processes left half done, and what has been here long enough.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{CampaignFault, Campaigns};
use crate::domain::UnixMicros;

/// How often.
const ROUND: Duration = Duration::from_secs(5);

/// How often what people have written is looked through that is to be kept for days.
const TRIM_EVERY: Duration = Duration::from_secs(600);

/// A POST of one message that has not ended after so long has no process any more, or one that will be told so.
const HALF_DONE_AFTER_S: u64 = 60;

/// How long the tokens of direct messages are known: as long as an Idempotency-Key is.
const TOKENS_KEPT_S: u64 = 86_400;

impl Campaigns {
    /// Keeps house until `stop`.
    pub(crate) async fn keep_house(self, stop: CancellationToken) {
        let mut cursors = vec![0; usize::from(self.store().partitions())];
        let (mut trimmed_at, mut alive) = (None, Vec::new());
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            if let Err(error) = self.keep_house_once(&mut cursors).await {
                tracing::debug!(%error, "housekeeping failed; it is tried again");
            }
            if let Err(error) = self.take_over_from_the_dead(&mut alive).await {
                tracing::debug!(%error, "what an engine had begun cannot be gone on with yet; it is tried again");
            }
            let now = self.0.deps.clock.now();
            if trimmed_at.is_none_or(|at| now.duration_since(at) >= TRIM_EVERY) {
                match self.trim_inbound().await {
                    Ok(()) => trimmed_at = Some(now),
                    Err(error) => {
                        tracing::debug!(%error, "old inbound messages cannot be forgotten; it is tried again")
                    }
                }
            }
        }
    }

    async fn keep_house_once(&self, cursors: &mut [u64]) -> Result<(), CampaignFault> {
        let now = self.now();
        let now_s = now.seconds();
        for half in self.store().half_done(now_s.saturating_sub(HALF_DONE_AFTER_S)).await? {
            self.store().resolve_half_done(&half, now).await?;
            if let Some((campaign, _)) = half.place {
                self.0.books.look_soon(half.tenant, campaign);
            }
        }
        self.tell_past().await?;
        self.retire_due(now).await?;
        self.redact_due(now).await?;
        self.rescue_stranded().await?;
        for partition in self.store().all_partitions() {
            self.recut_stale(partition).await?;
            let cursor = &mut cursors[usize::from(partition.0)];
            *cursor = self
                .store()
                .sweep_tokens(partition, *cursor, now_s.saturating_sub(TOKENS_KEPT_S))
                .await?;
        }
        self.forget_drafts().await?;
        self.take_over_resolving().await
    }

    /// Redis forgets campaigns that were over for long enough by then; what they came to is kept elsewhere.
    pub(super) async fn retire_due(&self, now: UnixMicros) -> Result<(), CampaignFault> {
        for (tenant, id) in self.store().to_retire(now.seconds()).await? {
            self.keep_past((tenant, id), true).await?;
            self.store().retire(tenant, id).await?;
        }
        Ok(())
    }

    /// What an engine that has ended was queuing, this one goes on with.
    async fn take_over_from_the_dead(&self, alive: &mut Vec<u32>) -> Result<(), CampaignFault> {
        let now: Vec<u32> = self.store().epochs().await?.iter().map(|epoch| epoch.number).collect();
        if alive.iter().any(|known| !now.contains(known)) {
            self.resume_all().await?;
        }
        *alive = now;
        Ok(())
    }

    /// Drafts whose process ended while it took their audience in.
    async fn forget_drafts(&self) -> Result<(), CampaignFault> {
        let drafting = self.store().drafting().await?;
        if drafting.is_empty() {
            return Ok(());
        }
        let alive = self.store().epochs().await?;
        for (id, epoch) in drafting {
            // Silent epochs leave this list when the sweep has settled their leases.
            if epoch != self.0.deps.epoch && !alive.iter().any(|known| known.number == epoch) {
                self.store().drop_rows(id).await?;
                self.store().set_drafting(id, None).await?;
                tracing::info!(campaign = %id, "a campaign whose request was cut off is forgotten");
            }
        }
        Ok(())
    }
}
