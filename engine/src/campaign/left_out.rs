//! Whom a campaign of contacts leaves out since a text cannot reach them: for whoever writes to them otherwise.

use strum::{EnumString, IntoStaticStr};

use super::{CampaignFault, Campaigns};
use crate::audience::normalise;
use crate::domain::{CampaignId, Country, Fitted, Lengths, Purpose, TenantId};
use crate::people::{Audience, Contact, Meant, MergeField};
use crate::store::StoreError;

/// Why somebody is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Because {
    /// They have no number that takes texts.
    NoMobile,
    /// They agree to advertising no more, or have not agreed and the tenant has to know that they have.
    NoConsent,
    /// Their number is known to be unreachable.
    Unreachable,
    /// They have a value that is longer than the campaign has it.
    ValueTooLong,
}

impl Because {
    pub(crate) const CODES: [&str; 4] = [
        Self::NoMobile.into_str(),
        Self::NoConsent.into_str(),
        Self::Unreachable.into_str(),
        Self::ValueTooLong.into_str(),
    ];
}

/// Whom a campaign means and leaves out, as its audience is now.
pub(crate) struct LeftOut {
    meant: Meant,
    marketing: bool,
    consent: bool,
    country: Country,
    /// What its texts name of them, and how long that is at most.
    fields: Vec<MergeField>,
    lengths: Lengths,
    /// Only those; `None`: whatever the reason.
    because: Option<Because>,
}

impl LeftOut {
    pub(crate) const fn meant(&self) -> &Meant {
        &self.meant
    }

    /// Whether somebody whom the campaign means is left out.
    pub(crate) fn has(&self, contact: &Contact) -> bool {
        let number = contact.details.number;
        if number.is_some_and(|number| self.meant.numbers.contains(&number.0)) {
            return false;
        }
        let mobile = number.is_some_and(|number| normalise(&number.to_string(), self.country).is_ok());
        let because = if !mobile {
            Because::NoMobile
        } else if self.marketing && contact.is_opposed() || self.consent && contact.consent_at.is_none() {
            Because::NoConsent
        } else if !self.meant.unreachable && contact.unreachable.is_some() {
            Because::Unreachable
        } else if self.has_too_long(contact) {
            Because::ValueTooLong
        } else {
            return false;
        };
        self.because.is_none_or(|wanted| wanted == because)
    }

    fn has_too_long(&self, contact: &Contact) -> bool {
        let is_skipped = |(column, field): (usize, &MergeField)| {
            let is_asked = self.lengths.of(column).is_some();
            is_asked && self.lengths.fit(column, &field.of(contact)) == Fitted::TooLong
        };
        self.fields.iter().enumerate().any(is_skipped)
    }
}

impl Campaigns {
    /// Whom a campaign of contacts means, and leaves out for that reason. One that names its recipients means no contacts.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`], [`CampaignFault::Fields`]: a list or segment is gone; or what does not answer.
    pub(crate) async fn left_out(
        &self,
        tenant: TenantId,
        id: CampaignId,
        because: Option<Because>,
    ) -> Result<LeftOut, CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        let query = campaign.query.as_deref().unwrap_or("{}");
        let query = serde_json::from_str(query).map_err(|_| StoreError::Corrupt("whom a campaign means"))?;
        let audience = Audience::read(&query).map_err(CampaignFault::Fields)?;
        let is_marketing = campaign.purpose == Purpose::Marketing;
        Ok(LeftOut {
            meant: self.0.deps.people.meant(tenant, &audience).await?,
            marketing: is_marketing,
            consent: is_marketing && self.terms_of(tenant).await?.require_consent,
            country: self.0.deps.limits.country,
            fields: match campaign.lengths.changes_rows() {
                true => {
                    let named = (campaign.columns.as_slice(), "/text");
                    self.merge_fields(tenant, named, campaign.code_pool).await?
                }
                false => Vec::new(),
            },
            lengths: campaign.lengths,
            because,
        })
    }
}
