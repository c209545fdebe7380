//! Who has agreed to advertising, where a tenant has to know that of whoever gets it: by the contacts who have their number.

use std::collections::HashSet;

use super::pages::Pages;
use super::{CampaignFault, Campaigns};
use crate::domain::{CampaignId, Purpose, Recipient, Row, TenantId};
use crate::fault::{FieldFault, WordingProblem};
use crate::store::StoreError;

impl Campaigns {
    /// Those of some numbers who have agreed; `None`: nobody has to have.
    pub(super) async fn agreed(
        &self,
        (tenant, purpose): (TenantId, Purpose),
        numbers: &[Recipient],
    ) -> Result<Option<HashSet<Recipient>>, CampaignFault> {
        let is_asked = purpose == Purpose::Marketing && self.terms_of(tenant).await?.require_consent;
        match is_asked {
            true => Ok(Some(self.0.deps.people.agreeing(tenant, numbers).await?)),
            false => Ok(None),
        }
    }

    /// Whether all recipients whom a draft names have agreed.
    ///
    /// # Errors
    /// [`WordingProblem::ConsentRequired`] of the audience, or what does not answer.
    pub(super) async fn check_agreed(&self, of: (TenantId, Purpose), id: CampaignId) -> Result<(), CampaignFault> {
        if self.agreed(of, &[]).await?.is_none() {
            return Ok(());
        }
        let mut pages = Pages::all(id, self.store().partitions());
        loop {
            let chunks = pages.next(self.store()).await?;
            if chunks.is_empty() {
                return Ok(());
            }
            let rows = chunks.iter().flat_map(|chunk| &chunk.rows);
            let number = |packed: &Vec<u8>| match Row::unpack(packed) {
                Ok(row) => Ok(row.recipient),
                Err(_) => Err(StoreError::Corrupt("an audience row")),
            };
            let numbers = rows.map(number).collect::<Result<Vec<Recipient>, StoreError>>()?;
            let agreed = self.agreed(of, &numbers).await?;
            if agreed.is_some_and(|agreed| !numbers.iter().all(|number| agreed.contains(number))) {
                let fault = FieldFault::new("/audience", WordingProblem::ConsentRequired.into());
                return Err(CampaignFault::Fields(vec![fault]));
            }
        }
    }
}
