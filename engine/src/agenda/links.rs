//! Links in what people are told: whither each leads, and that it is kept before anybody has it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::plan::ReminderPlan;
use super::reminders::Due;
use super::{Agenda, AgendaFault, fields};
use crate::campaign::DirectLink;
use crate::compose::Wording;
use crate::domain::TenantId;
use crate::store::Token;

/// The links of messages that are asked for, by their tokens; `Err`: why there is none, as a code.
pub(super) type Links = HashMap<Token, Result<DirectLink, String>>;

/// What a plan tells of some events.
pub(super) struct Telling<'a> {
    pub(super) token: Token,
    pub(super) plan: &'a ReminderPlan,
    pub(super) dues: &'a [Due],
    /// Those of the tenant's contacts.
    pub(super) attributes: &'a [String],
}

impl Agenda {
    /// The links of those whose text has one, kept.
    pub(super) async fn links_of(&self, tellings: &[Telling<'_>]) -> Result<Links, AgendaFault> {
        let mut links = Links::new();
        let mut wordings: HashMap<TenantId, Wording> = HashMap::new();
        for one in tellings {
            let (tenant, definition) = (one.plan.tenant, &one.plan.definition);
            let text = definition.text_of(one.dues.len());
            if !fields::has_link(text, one.attributes, definition.link.is_some()) {
                continue;
            }
            let mut own = one.dues.iter().map(|due| due.event.details.link.as_str());
            let own = own.find(|link| !link.is_empty());
            let Some(url) = own.or(definition.link.as_deref()) else {
                links.insert(one.token, Err("no_link".to_owned()));
                continue;
            };
            let campaigns = &self.0.campaigns;
            let wording = match wordings.entry(tenant) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(place) => {
                    let terms = campaigns.terms_of(tenant).await?;
                    place.insert(campaigns.wording_of(tenant, &terms).await?)
                }
            };
            let link = campaigns.direct_link((tenant, wording), (url, None), one.token);
            links.insert(one.token, link.map_err(|problem| problem.code().to_owned()));
        }
        self.0.campaigns.keep_links(links.values().flatten()).await?;
        Ok(links)
    }
}
