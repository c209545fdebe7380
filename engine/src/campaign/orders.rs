//! What is needed of a campaign to compose its messages, kept at hand for the dispatchers.

use std::borrow::Cow;
use std::sync::{Arc, PoisonError, RwLock};

use rustc_hash::FxHashMap;

use crate::compose::{Sender, Template};
use crate::domain::{CampaignId, Purpose, TenantId, UnixMicros, variables};
use crate::store::{Campaign, CampaignKind, Store, StoreError};

/// Orders that are kept at hand: 10,000 tenants with two campaigns each, about 1 KB an order.
const ORDERS_MAX: usize = 20_000;

/// A campaign, as far as composing needs it. It never changes after the launch.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) tenant: TenantId,
    pub(crate) id: CampaignId,
    /// With [`CampaignKind::Direct`], each message's variables are sender, text, and when it was accepted, in µs since
    /// 1970; template and sender here mean nothing then.
    pub(crate) kind: CampaignKind,
    /// Its text, bound to the columns of the packed variables.
    pub(crate) template: Template,
    pub(crate) sender: Sender,
    pub(crate) purpose: Purpose,
    /// When it was launched; a direct campaign: when it was made.
    pub(crate) launched_at: UnixMicros,
}

impl Order {
    /// The order of a stored campaign.
    ///
    /// # Errors
    /// When what is stored is no order.
    pub(super) fn of(campaign: &Campaign) -> Result<Self, StoreError> {
        let (template, sender) = match campaign.kind {
            CampaignKind::Audience => {
                let template = Template::parse(&campaign.text, &campaign.columns);
                let sender = Sender::parse(&campaign.sender);
                (
                    template.map_err(|_| StoreError::Corrupt("a campaign's text"))?,
                    sender.map_err(|_| StoreError::Corrupt("a campaign's sender"))?,
                )
            }
            CampaignKind::Direct => {
                let template = Template::parse::<String>("", &[]).map_err(|_| StoreError::Corrupt("an empty text"))?;
                (
                    template,
                    Sender {
                        ton: 0,
                        npi: 0,
                        address: String::new(),
                    },
                )
            }
        };
        Ok(Self {
            tenant: campaign.tenant,
            id: campaign.id,
            kind: campaign.kind,
            template,
            sender,
            purpose: campaign.purpose,
            launched_at: campaign.launched_at.unwrap_or(campaign.created_at),
        })
    }
}

impl Order {
    /// The text for a recipient with these packed variables; `None` when they do not fit this order.
    pub(crate) fn text(&self, packed: &[u8]) -> Option<String> {
        let values: Vec<&str> = variables(packed).collect();
        match self.kind {
            CampaignKind::Audience => {
                let mut text = String::with_capacity(200);
                self.template.render(&values, &mut text);
                Some(text)
            }
            CampaignKind::Direct => values.get(1).map(|text| (*text).to_owned()),
        }
    }

    /// The sender of a message with these packed variables.
    pub(crate) fn sender(&self, packed: &[u8]) -> Option<Cow<'_, Sender>> {
        match self.kind {
            CampaignKind::Audience => Some(Cow::Borrowed(&self.sender)),
            CampaignKind::Direct => Sender::parse(variables(packed).next()?).ok().map(Cow::Owned),
        }
    }

    /// When a message with these packed variables was asked for, at the launch, or when the API took it.
    pub(crate) fn asked_at(&self, packed: &[u8]) -> UnixMicros {
        match self.kind {
            CampaignKind::Audience => self.launched_at,
            CampaignKind::Direct => {
                let given = variables(packed).nth(2).and_then(|at| at.parse().ok());
                given.unwrap_or(self.launched_at)
            }
        }
    }
}

/// Orders by campaign. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orders {
    store: Store,
    kept: Arc<RwLock<FxHashMap<CampaignId, Arc<Order>>>>,
}

impl Orders {
    /// None at hand.
    pub(super) fn new(store: Store) -> Self {
        Self {
            store,
            kept: Arc::default(),
        }
    }

    /// The order, if it is at hand.
    pub(crate) fn cached(&self, id: CampaignId) -> Option<Arc<Order>> {
        self.kept
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&id)
            .cloned()
    }

    /// The order, from the store if it is not at hand; `None` when that tenant has no such campaign.
    ///
    /// # Errors
    /// When the store does not answer, or holds no order there.
    pub(crate) async fn get(&self, tenant: TenantId, id: CampaignId) -> Result<Option<Arc<Order>>, StoreError> {
        if let Some(order) = self.cached(id) {
            return Ok(Some(order).filter(|order| order.tenant == tenant));
        }
        let Some(campaign) = self.store.campaign(tenant, id).await? else {
            return Ok(None);
        };
        self.keep(&campaign).map(Some)
    }

    /// Keeps a launched campaign's order at hand.
    ///
    /// # Errors
    /// When it is invalid.
    pub(super) fn keep(&self, campaign: &Campaign) -> Result<Arc<Order>, StoreError> {
        let order = Arc::new(Order::of(campaign)?);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= ORDERS_MAX {
            // Ids count up: the older half goes, and comes back if it is still needed.
            let mut ids: Vec<CampaignId> = kept.keys().copied().collect();
            let (_, middle, _) = ids.select_nth_unstable(ORDERS_MAX / 2);
            let middle = *middle;
            kept.retain(|id, _| *id >= middle);
        }
        kept.insert(order.id, order.clone());
        Ok(order)
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    #[cfg(test)]
    pub(super) const MAX: usize = ORDERS_MAX;
}
