//! Campaigns of which there are messages: what they were is written down with the first of these, since Redis forgets.

use std::sync::PoisonError;

use rustc_hash::FxHashSet;

use super::Shared;
use super::gather::Gathered;
use crate::database::Sql;
use crate::domain::{CampaignId, MessageId, TenantId, UnixMicros};
use crate::store::{Campaign, CampaignKind, StoreError};

/// Campaigns that are kept in mind. One that was pushed out is written down once more, which changes nothing.
const KNOWN_MAX: usize = 50_000;

/// A campaign that is to be written down.
pub(super) struct Fresh {
    campaign: Campaign,
    /// Which text it has.
    text: Option<String>,
}

impl Shared {
    /// Campaigns that messages are of and that may not be written down yet.
    pub(super) async fn fresh_campaigns(&self, all: impl Iterator<Item = &Gathered>) -> Result<Vec<Fresh>, StoreError> {
        let met: FxHashSet<(TenantId, CampaignId)> = all
            .flat_map(|gathered| &gathered.fates)
            .map(|(id, fate)| (fate.tenant, id.campaign()))
            .collect();
        let fresh: Vec<_> = {
            let known = self.campaigns.lock().unwrap_or_else(PoisonError::into_inner);
            met.into_iter().filter(|(_, id)| !known.contains(id)).collect()
        };
        if fresh.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = Vec::with_capacity(fresh.len());
        // One that Redis has lost says nothing any more: its messages are of no category.
        for campaign in self.deps.store.campaigns_of(&fresh).await?.into_iter().flatten() {
            let says = campaign.kind != CampaignKind::Direct && !campaign.is_erased();
            let text = match says {
                true => Some(
                    self.deps
                        .store
                        .text_key(Some(campaign.tenant))
                        .await?
                        .mark(&campaign.text)?,
                ),
                false => None,
            };
            found.push(Fresh { campaign, text });
        }
        Ok(found)
    }

    /// They are written down.
    pub(super) fn are_known(&self, campaigns: &[Fresh]) {
        let mut known = self.campaigns.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() + campaigns.len() > KNOWN_MAX {
            known.clear();
        }
        known.extend(campaigns.iter().map(|fresh| fresh.campaign.id));
    }
}

/// Writes campaigns down, once each: a campaign that has messages does not change any more.
pub(super) fn statement(some: &[Fresh]) -> Sql {
    let mut put = Sql::new(
        "INSERT INTO sent_campaign (id, tenant, name, purpose, category, template, template_version, sender, text) VALUES ",
    );
    for (at, Fresh { campaign, text }) in some.iter().enumerate() {
        let is_direct = campaign.kind == CampaignKind::Direct;
        let sender = Some(&campaign.sender).filter(|_| !is_direct);
        let name = if is_direct { "" } else { &campaign.name };
        put.push(if at == 0 { "(" } else { ", (" });
        put.list([campaign.id.0 as i64, campaign.tenant.0.into()]).push(", ");
        put.list([name, campaign.purpose.code()]).push(", ");
        put.value(campaign.category.clone()).push(", ");
        put.value(campaign.template.map(|(id, _)| id.0 as i64)).push(", ");
        put.value(campaign.template.map(|(_, version)| i64::from(version)))
            .push(", ");
        put.value(sender.cloned()).push(", ");
        put.value(text.clone()).push(")");
    }
    put.push(" ON CONFLICT (id) DO NOTHING");
    put
}

/// Forgets what campaigns came to that Redis forgot before that time.
pub(super) fn forget_past(before: UnixMicros) -> Sql {
    let mut forget = Sql::new("DELETE FROM past_campaign WHERE at < ");
    forget.value(before.0 as i64);
    forget
}

/// Forgets campaigns that are older than every message: ids grow with time.
pub(super) fn forget_old() -> Sql {
    let shift = MessageId::CAMPAIGN_SHIFT;
    Sql::new(&format!(
        "DELETE FROM sent_campaign WHERE id < (SELECT COALESCE(MIN(id), 0) >> {shift} FROM message)"
    ))
}
