//! Trying a campaign out: its text as somebody would get it, sent to numbers of those who write it.
//!
//! Each is a message by itself, billed as any, and goes by the hours and opt-outs of the campaign's purpose. Consent is not asked for:
//! who tries a campaign out names their own phones.

use rustc_hash::FxHashSet;
use sha2::{Digest, Sha256};

use super::texts::Texts;
use super::{CampaignFault, Campaigns, DirectLink, DirectOrder};
use crate::audience::normalise;
use crate::compose::fold;
use crate::domain::{CampaignId, ContactId, Fitted, MessageId, TenantId};
use crate::fault::{FieldFault, FieldProblem};
use crate::people::{MergeField, PeopleFault};
use crate::store::{Campaign, CampaignKind, Token};

/// The most numbers of one trial.
pub(crate) const TRIAL_MAX: usize = 5;

/// What stands for a code: none is given away.
const CODE: &str = "TEST";

/// To whom a campaign is sent for a trial, and what stands in its fields.
#[derive(Clone, Debug)]
pub(crate) struct TrialOrder {
    /// As people write numbers: 1 to [`TRIAL_MAX`].
    pub(crate) to: Vec<String>,
    /// Whose values; the others' otherwise.
    pub(crate) contact: Option<ContactId>,
    /// By the names of the text's fields.
    pub(crate) values: Vec<(String, String)>,
    /// Which variant, from 1; 0: the campaign's own text.
    pub(crate) variant: usize,
    /// To the tenant's guests alone.
    pub(crate) guests_only: bool,
}

/// What was sent.
#[derive(Clone, Debug)]
pub(crate) struct Trial {
    /// As it was rendered.
    pub(crate) text: String,
    pub(crate) messages: Vec<MessageId>,
}

/// A campaign's texts, with what stands in the fields of one.
struct Rendering {
    texts: Texts,
    values: Vec<String>,
}

impl Rendering {
    /// The text with that link, or one as long as any.
    fn text(&self, link: Option<&DirectLink>) -> String {
        let values: Vec<&str> = self.values.iter().map(String::as_str).collect();
        let mut text = String::new();
        match link {
            Some(link) => self.texts.render_linked(&values, link.text(), &mut text),
            None => self.texts.render(&values, &mut text),
        }
        text
    }
}

impl Campaigns {
    /// Sends a campaign's text to some numbers. Asked again with the same token these are the same messages.
    ///
    /// # Errors
    /// [`CampaignFault::Fields`], [`CampaignFault::Erased`], [`CampaignFault::NotFound`], or as [`Campaigns::send`]: some may have been sent
    /// then.
    pub(crate) async fn try_out(
        &self,
        (tenant, id): (TenantId, CampaignId),
        order: &TrialOrder,
        token: Token,
    ) -> Result<Trial, CampaignFault> {
        let campaign = self.find(tenant, id).await?;
        if campaign.kind == CampaignKind::Direct {
            return Err(CampaignFault::NotFound);
        }
        if campaign.is_erased() {
            return Err(CampaignFault::Erased);
        }
        self.check_numbers(&order.to).map_err(CampaignFault::Fields)?;
        let rendering = self.rendering(&campaign, order).await?;
        let mut messages = Vec::with_capacity(order.to.len());
        let country = self.0.deps.limits.country;
        let mut sent_to = FxHashSet::default();
        for (at, to) in order.to.iter().enumerate() {
            // However often a phone is named, it gets one.
            if normalise(to, country).is_ok_and(|to| !sent_to.insert(to)) {
                continue;
            }
            let token = nth(token, at);
            let link = match &campaign.link {
                Some(link) => Some(self.link_of((tenant, token), (&link.url, link.expires_at)).await?),
                None => None,
            };
            let one = DirectOrder {
                to: to.clone(),
                text: rendering.text(link.as_ref()),
                sender: campaign.sender.clone(),
                purpose: campaign.purpose,
                encoding: Some(campaign.encoding),
                validity: campaign.validity,
                parameters: campaign.parameters.clone(),
                without_consent: true,
                in_hours: false,
                guests_only: order.guests_only,
                own_number: false,
                link,
            };
            let sent = self.send(tenant, &one, token).await;
            messages.push(sent.map_err(|fault| placed(fault, at))?);
        }
        Ok(Trial {
            text: rendering.text(None),
            messages,
        })
    }

    /// All of them, before the first is sent.
    fn check_numbers(&self, numbers: &[String]) -> Result<(), Vec<FieldFault>> {
        let country = self.0.deps.limits.country;
        let wrong = |(at, number): (usize, &String)| {
            let fault = normalise(number, country).err()?;
            Some(FieldFault::new(format!("/to/{at}"), fault.problem()))
        };
        let faults: Vec<FieldFault> = numbers.iter().enumerate().filter_map(wrong).collect();
        if faults.is_empty() { Ok(()) } else { Err(faults) }
    }

    /// The text of the variant that is asked for, with what stands in its fields.
    async fn rendering(&self, campaign: &Campaign, order: &TrialOrder) -> Result<Rendering, CampaignFault> {
        let texts = Texts::of(campaign).map_err(CampaignFault::Fields)?;
        if order.variant > texts.variants() {
            let max = texts.variants() as i64;
            let fault = FieldFault::new("/variant", FieldProblem::OutOfRange { min: 0, max });
            return Err(CampaignFault::Fields(vec![fault]));
        }
        let mut values = match order.contact {
            Some(contact) => self.values_of(campaign, contact).await?,
            None => given(campaign, &order.values).map_err(CampaignFault::Fields)?,
        };
        values.push(order.variant.to_string());
        // As whoever has them would get it; those who have too long ones would not.
        let fitted = values
            .iter()
            .enumerate()
            .map(|(column, value)| match campaign.lengths.fit(column, value) {
                Fitted::Cut(cut) => cut.to_owned(),
                Fitted::AsItIs(_) | Fitted::TooLong => value.clone(),
            });
        let values = fitted.collect();
        Ok(Rendering { texts, values })
    }

    async fn values_of(&self, campaign: &Campaign, contact: ContactId) -> Result<Vec<String>, CampaignFault> {
        let people = &self.0.deps.people;
        let found = people.contact(campaign.tenant, contact).await;
        let contact = found.map_err(|fault| match fault {
            PeopleFault::Database(error) => CampaignFault::Database(error),
            PeopleFault::NotFound | PeopleFault::Fields(_) => {
                let allowed = &["con_…"];
                CampaignFault::Fields(vec![FieldFault::new(
                    "/contact",
                    FieldProblem::UnknownValue { allowed },
                )])
            }
        })?;
        let attributes = people.attributes(campaign.tenant).await?;
        let value = |name: &String| match MergeField::named(name, &attributes) {
            _ if campaign.code_pool.is_some() && MergeField::is_code(name) => CODE.to_owned(),
            Some(field) => field.of(&contact),
            None => String::new(),
        };
        Ok(campaign.columns.iter().map(value).collect())
    }
}

/// The values in the order of the columns.
fn given(campaign: &Campaign, values: &[(String, String)]) -> Result<Vec<String>, Vec<FieldFault>> {
    let known = |name: &str| campaign.columns.iter().any(|column| fold(column) == fold(name));
    let unknown = values.iter().filter(|(name, _)| !known(name));
    let faults: Vec<FieldFault> = unknown
        .map(|(name, _)| {
            let nearest = crate::compose::nearest_column(name, &campaign.columns);
            let problem = FieldProblem::UnknownMergeField {
                name: name.clone(),
                nearest,
                columns: campaign.columns.clone().into(),
                french: Box::default(),
            };
            FieldFault::new("/values", problem)
        })
        .collect();
    if !faults.is_empty() {
        return Err(faults);
    }
    let value = |column: &String| {
        let found = values.iter().find(|(name, _)| fold(name) == fold(column));
        match found {
            Some((_, value)) => value.clone(),
            None if campaign.code_pool.is_some() && MergeField::is_code(column) => CODE.to_owned(),
            None => String::new(),
        }
    };
    Ok(campaign.columns.iter().map(value).collect())
}

/// Each message of a request has a token of its own, the same one each time.
fn nth(token: Token, at: usize) -> Token {
    let digest: [u8; 32] = Sha256::new()
        .chain_update(token.0)
        .chain_update(at.to_be_bytes())
        .finalize()
        .into();
    let mut of_one = [0; 16];
    of_one.copy_from_slice(&digest[..16]);
    Token(of_one)
}

/// What is wrong with a number is wrong with that one.
fn placed(fault: CampaignFault, at: usize) -> CampaignFault {
    let CampaignFault::Fields(mut faults) = fault else {
        return fault;
    };
    for fault in faults.iter_mut().filter(|fault| fault.pointer == "/to") {
        fault.pointer = format!("/to/{at}");
    }
    CampaignFault::Fields(faults)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_of_a_request_is_another_and_the_same_again() {
        let token = Token([7; 16]);
        assert_eq!(nth(token, 1), nth(token, 1));
        assert_ne!(nth(token, 0), nth(token, 1));
        assert_ne!(nth(token, 0), token);
    }
}
