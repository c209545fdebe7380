//! Texts are erased when their tenant's time for them is over, and all of a tenant's when somebody says so.

use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, TenantId, UnixMicros};
use crate::store::{CampaignState, StoreError};

/// Tenants that are asked for in one step.
const AT_ONCE: usize = 500;

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

impl Campaigns {
    /// A tenant's texts are kept for so many days from now on, also those of campaigns that are over.
    ///
    /// # Errors
    /// When the store does not answer; asked again it does the rest.
    pub(crate) async fn keep_texts(&self, tenant: TenantId, days: Option<u16>) -> Result<(), StoreError> {
        self.store().redact_all(tenant, days, self.0.deps.keep.as_secs()).await
    }

    /// Erases what campaigns said whose texts have been kept long enough.
    pub(super) async fn redact_due(&self, now: UnixMicros) -> Result<(), StoreError> {
        for owner in self.store().to_redact(now.seconds()).await? {
            let campaign = self.store().campaign(owner.0, owner.1).await?;
            match campaign.filter(|campaign| !campaign.is_erased()) {
                Some(campaign) => self.store().redact(owner, (now, campaign.text.chars().count())).await?,
                None => self.store().is_redacted(owner).await?,
            }
            self.0.orders.forget(|order| order.id == owner.1);
            tracing::info!(campaign = %owner.1, "what it said is erased: it was kept for as long as its tenant's texts are");
        }
        Ok(())
    }

    /// Forgets what people have written to tenants longer ago than they keep it.
    pub(super) async fn trim_inbound(&self) -> Result<(), StoreError> {
        let tenants = self.store().tenant_ids(0, None).await?;
        for some in tenants.chunks(AT_ONCE) {
            let days = self.store().text_days(some).await?;
            for (tenant, days) in some.iter().zip(days) {
                if let Some(days) = days {
                    let before = self.now().minus(DAY * days.into());
                    self.store().trim_inbound(*tenant, before).await?;
                }
            }
        }
        Ok(())
    }

    /// Destroys the key of a tenant's texts: nobody can tell any more what its campaigns said, to whom they said what, and what was
    /// answered.
    ///
    /// # Errors
    /// [`CampaignFault::TextsInUse`] while a campaign of it is planned or under way, [`CampaignFault::NotFound`] or a store's fault.
    pub(crate) async fn erase_texts(&self, tenant: TenantId) -> Result<(), CampaignFault> {
        self.store().tenant(tenant).await?.ok_or(CampaignFault::NotFound)?;
        if self.needs_texts(tenant).await? {
            return Err(CampaignFault::TextsInUse);
        }
        self.store().replace_text_key(tenant).await?;
        self.0.deps.mirror.keep_tenant(tenant).await?;
        self.store().drop_inbound(tenant).await?;
        self.0.orders.forget(|order| order.tenant == tenant);
        self.forget_hours(tenant);
        self.store().rewrite_log().await;
        Ok(())
    }

    async fn needs_texts(&self, tenant: TenantId) -> Result<bool, CampaignFault> {
        let active = self.store().active().await?;
        if active.iter().any(|(of, _)| *of == tenant) {
            return Ok(true);
        }
        let resolving = self.store().resolving().await?.into_iter().map(|(id, _)| id);
        let waiting: Vec<CampaignId> = self
            .store()
            .planned_of(tenant)
            .await?
            .into_iter()
            .chain(resolving)
            .chain(self.flagged().waiting(tenant).await?)
            .collect();
        for id in waiting {
            let campaign = self.store().campaign(tenant, id).await?;
            let needs = [
                CampaignState::Scheduled,
                CampaignState::Resolving,
                CampaignState::InReview,
            ];
            if campaign.is_some_and(|campaign| needs.contains(&campaign.state)) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
