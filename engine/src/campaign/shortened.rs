//! Drafts of recipients that came with the request, without those who have too long values, and with values cut.
//!
//! A body is read as it comes, and may say last how long values are: its rows are kept by then. They become those of another draft.

use super::copy::Whom;
use super::draft::{Created, Taken};
use super::{CampaignFault, Campaigns};
use crate::audience::{Counts, REJECTED_MAX, Rejected};
use crate::domain::{CampaignId, TenantId, Terms};
use crate::encryption::Cipher;
use crate::store::Campaign;

impl Campaigns {
    /// Makes the draft in place of the one whose rows were read.
    ///
    /// # Errors
    /// As [`Campaigns::create`].
    pub(super) async fn draft_with_lengths(
        &self,
        (id, cipher): (CampaignId, Cipher),
        read: Taken,
        (tenant, terms): (TenantId, Terms),
    ) -> Result<Created, CampaignFault> {
        let whole = Campaign {
            cipher,
            encoding: read.draft.encoding.unwrap_or(terms.encoding),
            ..self.campaign_of(tenant, id, &read)
        };
        let campaigns = self.clone();
        let (counts, rejected) = (read.counts, read.rejected);
        let make = |id| async move { campaigns.shortened(id, whole, (counts, rejected)).await };
        let created = Box::pin(self.draft_or_forget(make)).await?;
        self.insist("forget", || self.store().drop_rows(id)).await;
        Ok(created)
    }

    async fn shortened(
        &self,
        id: CampaignId,
        whole: Campaign,
        (counts, mut rejected): (Counts, Vec<Rejected>),
    ) -> Result<Created, CampaignFault> {
        let cipher = self.store().new_cipher(whole.tenant).await?;
        let draft = Campaign {
            id,
            cipher,
            ..whole.clone()
        };
        let rows = self.copy_rows((&whole, Whom::All), &draft).await?;
        rejected.extend(rows.rejected.iter().cloned());
        rejected.truncate(REJECTED_MAX);
        let before = Counts { accepted: 0, ..counts };
        self.keep_copied(draft, (before, rows), rejected).await
    }
}
