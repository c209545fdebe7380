//! Numbers that are pasted beside contacts: those that take texts are kept until the launch, and an account of the others, which is
//! part of what is found out then.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::taking::Pasted;
use super::{CampaignFault, Campaigns, view};
use crate::audience::{Counts, REJECTED_MAX, Rejected};
use crate::domain::{CampaignId, Purpose, Recipient, TenantId};
use crate::people::Meant;
use crate::store::{Campaign, StoreError};

/// Pasted numbers that were not taken.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct PastedLeftOut {
    pub(super) counts: Counts,
    /// The first of them, as they are shown.
    pub(super) rejected: Vec<Value>,
}

impl PastedLeftOut {
    /// Those of a body that was read to its end.
    pub(super) fn of(counts: &Counts, rejected: &[Rejected]) -> Self {
        Self {
            // Who was taken is counted at the launch.
            counts: Counts { accepted: 0, ..*counts },
            rejected: rejected.iter().map(view::rejected_row).collect(),
        }
    }

    /// These, then those who were found out, as many as are listed.
    pub(super) fn and(self, counts: Counts, rejected: &[Rejected]) -> (Counts, Value) {
        let rows = self.rejected.into_iter();
        let rows = rows.chain(rejected.iter().map(view::rejected_row));
        (self.counts.and(counts), rows.take(REJECTED_MAX).collect())
    }
}

impl PastedLeftOut {
    /// The account, and the list of the first of them, as they are kept.
    pub(super) fn stored(&self) -> Result<(String, String), StoreError> {
        let account = serde_json::to_string(self).map_err(|_| StoreError::Corrupt("numbers that were not taken"))?;
        Ok((account, Value::from(self.rejected.clone()).to_string()))
    }
}

impl Campaigns {
    /// Keeps the numbers of a draft, and the account of the others.
    pub(super) async fn keep_pasted(
        &self,
        of: (TenantId, CampaignId),
        (numbers, left_out): (&[Recipient], &PastedLeftOut),
    ) -> Result<(), CampaignFault> {
        self.store().save_pasted(of, numbers).await?;
        let (account, _) = left_out.stored()?;
        Ok(self.store().save_pasted_left_out(of, &account).await?)
    }

    /// That account; nothing is in it of a campaign that an older version made.
    pub(super) async fn pasted_left_out(&self, of: (TenantId, CampaignId)) -> Result<PastedLeftOut, StoreError> {
        let json = self.store().pasted_left_out(of).await?;
        let left_out = json.map(|json| serde_json::from_str(&json)).transpose();
        let left_out = left_out.map_err(|_| StoreError::Corrupt("numbers that were not taken"))?;
        Ok(left_out.unwrap_or_default())
    }

    /// The numbers of a campaign of contacts, as they are to be taken.
    pub(super) async fn pasted_of(&self, campaign: &Campaign, meant: &Meant) -> Result<Pasted, CampaignFault> {
        let numbers = self.store().pasted((campaign.tenant, campaign.id)).await?;
        let people = &self.0.deps.people;
        let excluded = people.excluded_numbers((campaign.tenant, meant), &numbers).await?;
        let recipients: Vec<Recipient> = numbers.iter().copied().map(Recipient).collect();
        let of = (campaign.tenant, campaign.purpose);
        Ok(Pasted {
            excluded: excluded.into_iter().collect(),
            agreed: self.agreed(of, &recipients).await?,
            capped: self.capped(campaign, recipients).await?,
            numbers,
        })
    }

    /// Those of some numbers that have had as much advertising as the tenant allows, if the campaign is some.
    pub(super) async fn capped(
        &self,
        campaign: &Campaign,
        numbers: Vec<Recipient>,
    ) -> Result<HashSet<u64>, CampaignFault> {
        let mut capped = HashSet::new();
        let cap = self.terms_of(campaign.tenant).await?.frequency_cap;
        let (Some(cap), Purpose::Marketing) = (cap, campaign.purpose) else {
            return Ok(capped);
        };
        let partitions = self.store().partitions();
        let mut groups: Vec<_> = self.store().all_partitions().map(|of| (of, Vec::new())).collect();
        for number in numbers {
            groups[usize::from(number.partition(partitions).0)].1.push(number);
        }
        let of = (campaign.tenant, cap, self.now());
        let enough = self.store().had_enough(of, &groups).await?;
        for ((_, numbers), enough) in groups.iter().zip(enough) {
            let those = numbers.iter().zip(enough).filter(|(_, enough)| *enough);
            capped.extend(those.map(|(number, _)| number.0));
        }
        Ok(capped)
    }
}
