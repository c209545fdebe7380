//! Whom a campaign of contacts leaves out since a text cannot reach them: for whoever writes to them otherwise.

use strum::{EnumString, IntoStaticStr};

use super::resolve::{choose, variants};
use super::taking::{Rendering, fill};
use super::texts::Texts;
use super::{CampaignFault, Campaigns};
use crate::audience::{ValueBuffer, Values, normalise};
use crate::database::DatabaseError;
use crate::domain::{CampaignId, Country, Fitted, Lengths, Purpose, Recipient, TenantId, Terms};
use crate::people::{Audience, Contact, Filter, Meant, MergeField, People};
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
    /// With their values the text is none that may be sent.
    ValuesRefused,
}

impl Because {
    pub(crate) const CODES: [&str; 5] = [
        Self::NoMobile.into_str(),
        Self::NoConsent.into_str(),
        Self::Unreachable.into_str(),
        Self::ValueTooLong.into_str(),
        Self::ValuesRefused.into_str(),
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
    /// What the texts are made by, and for whom the variants are.
    texts: (Texts, Terms),
    variants: Vec<Filter>,
    code: String,
    /// Only those; `None`: whatever the reason.
    because: Option<Because>,
}

impl LeftOut {
    pub(crate) const fn meant(&self) -> &Meant {
        &self.meant
    }

    /// Those of some whom the campaign means that are left out.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn among(
        &self,
        (people, tenant): (&People, TenantId),
        contacts: Vec<Contact>,
    ) -> Result<Vec<Contact>, DatabaseError> {
        let chosen = choose((people, tenant), &self.variants, contacts).await?;
        let mut rendering = Rendering::new(&self.texts);
        let is_left_out = |(contact, variant): &(Contact, usize)| self.has((contact, *variant), &mut rendering);
        let left_out = chosen.into_iter().filter(is_left_out);
        Ok(left_out.map(|(contact, _)| contact).collect())
    }

    fn has(&self, (contact, variant): (&Contact, usize), rendering: &mut Rendering<'_>) -> bool {
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
        } else if number.is_some_and(|number| self.is_refused((contact, variant), number, rendering)) {
            Because::ValuesRefused
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

    fn is_refused(&self, of: (&Contact, usize), number: Recipient, rendering: &mut Rendering<'_>) -> bool {
        let mut values = ValueBuffer::default();
        let by = (self.fields.as_slice(), &self.lengths, self.code.as_str());
        fill(&mut values, of, by);
        rendering.says(number, Values::of(&values)).is_none()
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
            fields: {
                let named = (campaign.columns.as_slice(), "/text");
                self.merge_fields(tenant, named, campaign.code_pool).await?
            },
            texts: self.priced_by(&campaign).await?,
            variants: variants(&campaign)?,
            code: self.stand_in(&campaign).await?,
            lengths: campaign.lengths,
            because,
        })
    }
}
