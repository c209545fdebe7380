//! Short links of messages by themselves: what stands in their texts is known before their messages are.

use super::{CampaignFault, Campaigns};
use crate::compose::{Template, Wording, short_link};
use crate::domain::{MessageId, OwnLinkId, TenantId, UnixMicros};
use crate::fault::{FieldFault, FieldProblem, WordingProblem};
use crate::links::OwnLink;
use crate::store::Token;

/// The short link of a message by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DirectLink {
    /// As it stands in the text.
    text: String,
    kept: OwnLink,
}

impl DirectLink {
    /// As it stands in the text.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// A text with this link wherever it says `[lien]`; other fields are none.
    ///
    /// # Errors
    /// At `/text`: a field that is another, or is broken; or there is no link in it.
    pub(crate) fn filled_into(&self, text: &str) -> Result<String, Vec<FieldFault>> {
        let template = Template::parse_linked(text, &[""; 0], Some(&self.text))?;
        if !template.has_link() {
            let fields = &["[lien]"];
            return Err(vec![FieldFault::new("/text", FieldProblem::MissingBeside { fields })]);
        }
        let mut filled = String::new();
        template.render(&[], &mut filled);
        Ok(filled)
    }
}

impl Campaigns {
    /// The link of the message that is asked for with that token, the same each time; nothing is kept yet.
    ///
    /// # Errors
    /// Why it may not lead there, or the tenant has none.
    pub(crate) fn direct_link(
        &self,
        (tenant, wording): (TenantId, &Wording),
        (url, expires_at): (&str, Option<UnixMicros>),
        token: Token,
    ) -> Result<DirectLink, FieldProblem> {
        let shortened = wording.shorten(url)?;
        let id = id_of(token);
        let links = self.0.deps.links.as_ref();
        let behind = links.and_then(|links| links.own_token(id));
        let behind = behind.ok_or(WordingProblem::NoShortDomain)?;
        Ok(DirectLink {
            text: short_link(&shortened.domain, &behind),
            kept: OwnLink {
                id,
                tenant,
                domain: shortened.domain,
                url: shortened.url,
                expires_at,
            },
        })
    }

    /// The same for one message of a tenant.
    ///
    /// # Errors
    /// [`CampaignFault::Fields`] at `/link`, or the database's.
    pub(crate) async fn link_of(
        &self,
        (tenant, token): (TenantId, Token),
        leads: (&str, Option<UnixMicros>),
    ) -> Result<DirectLink, CampaignFault> {
        let wording = self.wording_of(tenant, &self.terms_of(tenant).await?).await?;
        let link = self.direct_link((tenant, &wording), leads, token);
        link.map_err(|problem| CampaignFault::Fields(vec![FieldFault::new("/link", problem)]))
    }

    /// Before their messages are asked for: these links lead somewhere from now on.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn keep_links<'l>(
        &self,
        links: impl IntoIterator<Item = &'l DirectLink>,
    ) -> Result<(), CampaignFault> {
        let kept: Vec<OwnLink> = links.into_iter().map(|link| link.kept.clone()).collect();
        match &self.0.deps.links {
            Some(links) => Ok(links.keep_own(&kept).await?),
            None => Ok(()),
        }
    }

    /// These messages are queued, whose links were kept.
    ///
    /// # Errors
    /// The database's: who follows these links is not counted then.
    pub(crate) async fn links_queued(&self, queued: &[(Token, MessageId)]) -> Result<(), CampaignFault> {
        let queued: Vec<_> = queued
            .iter()
            .map(|(token, message)| (id_of(*token), *message))
            .collect();
        match &self.0.deps.links {
            Some(links) => Ok(links.queued(&queued).await?),
            None => Ok(()),
        }
    }
}

impl Campaigns {
    /// The same of one that was kept with its message: it is queued all the same, whoever follows its link.
    pub(super) async fn link_queued(&self, link: Option<&DirectLink>, queued: (Token, MessageId)) {
        if link.is_none() {
            return;
        }
        if let Err(fault) = self.links_queued(&[queued]).await {
            tracing::debug!(%fault, "who follows the link of a message is not counted");
        }
    }
}

/// Of a token that nobody draws twice.
fn id_of(token: Token) -> OwnLinkId {
    let [first, ..] = token.0.as_chunks::<8>().0 else {
        return OwnLinkId(0);
    };
    OwnLinkId(u64::from_be_bytes(*first))
}
