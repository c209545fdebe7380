//! What is needed of a campaign to compose its messages, kept at hand for the dispatchers.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustc_hash::FxHashMap;
use smpp::text::EncodingPolicy;

use super::texts::Texts;
use crate::compose::{Sender, Template, short_link};
use crate::domain::{CampaignId, MessageId, Parameters, Purpose, TenantId, UnixMicros, push_variable, variables};
use crate::encryption::{Cipher, EncryptionFault, LinkKey, LinkOf};
use crate::otel::Context;
use crate::store::{Campaign, CampaignKind, Store, StoreError};

/// Orders that are kept at hand: 10,000 tenants with two campaigns each, about 1 KB an order.
const ORDERS_MAX: usize = 20_000;

/// A campaign, as far as composing needs it. It never changes after the launch.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) tenant: TenantId,
    pub(crate) id: CampaignId,
    /// With [`CampaignKind::Direct`], each message's variables are those of [`DirectVariables`]; texts, sender, encoding
    /// and validity and parameters here mean nothing then.
    pub(crate) kind: CampaignKind,
    /// What it says, bound to the columns of the packed variables.
    texts: Texts,
    pub(crate) sender: Sender,
    pub(crate) purpose: Purpose,
    encoding: EncodingPolicy,
    validity: Option<Duration>,
    /// From then on nothing of it goes to an SMSC.
    ends_at: Option<UnixMicros>,
    parameters: Parameters,
    /// What makes its short links, and of which domain they are; `None`: it has none.
    links: Option<(Arc<LinkKey>, String)>,
    /// What the variables are encrypted with where they are stored.
    pub(super) cipher: Cipher,
    /// When it was launched; a direct campaign: when it was made.
    pub(crate) launched_at: UnixMicros,
    /// What told of its launch, if anything was traced then.
    pub(crate) launch: Option<Context>,
    /// A message of it was leased, as far as is known at hand.
    begun: Arc<AtomicBool>,
}

impl Order {
    /// The order of a stored campaign.
    ///
    /// # Errors
    /// When what is stored is no order.
    pub(super) fn of(campaign: &Campaign, key: Option<&Arc<LinkKey>>) -> Result<Self, StoreError> {
        let (texts, sender) = match campaign.kind {
            CampaignKind::Audience => {
                let texts = Texts::of(campaign);
                let sender = Sender::parse(&campaign.sender);
                (
                    texts.map_err(|_| StoreError::Corrupt("a campaign's text"))?,
                    sender.map_err(|_| StoreError::Corrupt("a campaign's sender"))?,
                )
            }
            CampaignKind::Direct => {
                let template = Template::parse::<String>("", &[]).map_err(|_| StoreError::Corrupt("an empty text"))?;
                (
                    Texts::one(template),
                    Sender {
                        ton: 0,
                        npi: 0,
                        address: String::new(),
                    },
                )
            }
        };
        let links = match &campaign.link {
            Some(link) => {
                let key = key.ok_or(StoreError::Corrupt("the key of links, which nobody has opened"))?;
                Some((key.clone(), link.domain.clone()))
            }
            None => None,
        };
        Ok(Self {
            tenant: campaign.tenant,
            id: campaign.id,
            kind: campaign.kind,
            texts,
            sender,
            purpose: campaign.purpose,
            encoding: campaign.encoding,
            validity: campaign.validity,
            ends_at: campaign.expires_at,
            parameters: campaign.parameters.clone(),
            links,
            cipher: campaign.cipher.clone(),
            launched_at: campaign.launched_at.unwrap_or(campaign.created_at),
            launch: campaign.traceparent.as_deref().and_then(Context::parse),
            begun: Arc::default(),
        })
    }
}

/// What a message of a direct campaign says of itself, in the order of its variables.
pub(super) struct DirectVariables<'a> {
    /// As it was given.
    pub(super) sender: &'a str,
    pub(super) text: &'a str,
    /// When the API took it, µs since 1970.
    pub(super) asked_at: UnixMicros,
    pub(super) encoding: EncodingPolicy,
    /// How long it is worth sending from then on.
    pub(super) validity: Option<Duration>,
    pub(super) parameters: &'a Parameters,
}

/// The place of each.
const SENDER: usize = 0;
const TEXT: usize = 1;
const ASKED_AT: usize = 2;
const ENCODING: usize = 3;
const VALIDITY: usize = 4;
const PARAMETERS: usize = 5;

impl DirectVariables<'_> {
    /// Packs them. What is as usual at the end is left out.
    pub(super) fn pack(&self) -> Vec<u8> {
        let mut packed = Vec::with_capacity(self.text.len() + 64);
        let (asked_at, encoding) = (self.asked_at.0.to_string(), encoding_word(self.encoding));
        let validity = self.validity.map(|validity| validity.as_secs().to_string());
        let all = [
            self.sender,
            self.text,
            &asked_at,
            encoding,
            validity.as_deref().unwrap_or_default(),
            &self.parameters.to_string(),
        ];
        let last = all.iter().rposition(|value| !value.is_empty());
        all[..=last.map_or(ASKED_AT, |last| last.max(ASKED_AT))]
            .iter()
            .for_each(|value| push_variable(&mut packed, value));
        packed
    }
}

/// As it is stored: nothing for what was the only one at first, and is still the usual one.
const fn encoding_word(policy: EncodingPolicy) -> &'static str {
    match policy {
        EncodingPolicy::GsmTransliterate => "",
        EncodingPolicy::Auto | EncodingPolicy::Ucs2 => policy.name(),
    }
}

impl Order {
    /// The packed variables of a message as it is stored.
    ///
    /// # Errors
    /// They cannot be read, or are erased.
    pub(crate) fn open<'a>(&self, stored: &'a [u8]) -> Result<Cow<'a, [u8]>, EncryptionFault> {
        self.cipher.open(stored)
    }

    /// How the text of a message with these packed variables is encoded: as it was priced.
    pub(crate) fn encoding(&self, packed: &[u8]) -> EncodingPolicy {
        match self.kind {
            CampaignKind::Audience => self.encoding,
            CampaignKind::Direct => {
                let given = variables(packed).nth(ENCODING).and_then(|word| word.parse().ok());
                given.unwrap_or_default()
            }
        }
    }

    /// What a message with these packed variables is given beside the text; `None` when they do not fit this order.
    pub(crate) fn parameters(&self, packed: &[u8]) -> Option<Cow<'_, Parameters>> {
        match self.kind {
            CampaignKind::Audience => Some(Cow::Borrowed(&self.parameters)),
            CampaignKind::Direct => {
                let given = variables(packed).nth(PARAMETERS).unwrap_or_default();
                given.parse().ok().map(Cow::Owned)
            }
        }
    }

    /// From when on a message with these packed variables is not worth sending any more.
    pub(crate) fn expires_at(&self, packed: &[u8]) -> Option<UnixMicros> {
        let validity = match self.kind {
            CampaignKind::Audience => self.validity,
            CampaignKind::Direct => {
                let given = variables(packed).nth(VALIDITY).and_then(|seconds| seconds.parse().ok());
                given.map(Duration::from_secs)
            }
        };
        let worth_until = validity.map(|validity| self.asked_at(packed).plus(validity));
        worth_until.into_iter().chain(self.ends_at).min()
    }

    /// A message of it was leased. Whether that is the first of a launched campaign, as far as is known at hand: an order that was
    /// read again does not know of earlier ones.
    pub(crate) fn begins(&self) -> bool {
        self.kind == CampaignKind::Audience
            && !self.begun.load(Ordering::Relaxed)
            && !self.begun.swap(true, Ordering::Relaxed)
    }

    /// The text for a recipient with these packed variables; `None` when they do not fit this order. A link of the recipient's own is
    /// one that is as long.
    pub(crate) fn text(&self, packed: &[u8]) -> Option<String> {
        self.text_with(packed, None)
    }

    /// The text of a message with these packed variables; `None` when they do not fit this order.
    pub(crate) fn text_of(&self, message: MessageId, packed: &[u8]) -> Option<String> {
        let Some((key, domain)) = &self.links else {
            return self.text_with(packed, None);
        };
        let link = short_link(domain, &key.token(LinkOf::Message(message))?);
        self.text_with(packed, Some(&link))
    }

    fn text_with(&self, packed: &[u8], link: Option<&str>) -> Option<String> {
        let values: Vec<&str> = variables(packed).collect();
        match self.kind {
            CampaignKind::Audience => {
                let mut text = String::with_capacity(200);
                match link {
                    Some(link) => self.texts.render_linked(&values, link, &mut text),
                    None => self.texts.render(&values, &mut text),
                }
                Some(text)
            }
            CampaignKind::Direct => values.get(TEXT).map(|text| (*text).to_owned()),
        }
    }

    /// The sender of a message with these packed variables.
    pub(crate) fn sender(&self, packed: &[u8]) -> Option<Cow<'_, Sender>> {
        match self.kind {
            CampaignKind::Audience => Some(Cow::Borrowed(&self.sender)),
            CampaignKind::Direct => Sender::parse(variables(packed).nth(SENDER)?).ok().map(Cow::Owned),
        }
    }

    /// When a message with these packed variables was asked for, at the launch, or when the API took it.
    pub(crate) fn asked_at(&self, packed: &[u8]) -> UnixMicros {
        match self.kind {
            CampaignKind::Audience => self.launched_at,
            CampaignKind::Direct => {
                let given = variables(packed).nth(ASKED_AT).and_then(|at| at.parse().ok());
                given.unwrap_or(self.launched_at)
            }
        }
    }
}

/// Orders by campaign. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Orders {
    store: Store,
    /// What makes short links.
    links: Option<Arc<LinkKey>>,
    kept: Arc<RwLock<FxHashMap<CampaignId, Arc<Order>>>>,
}

impl Orders {
    /// None at hand.
    pub(super) fn new(store: Store, links: Option<Arc<LinkKey>>) -> Self {
        Self {
            store,
            links,
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
        // A draft may be edited yet, by another engine.
        match campaign.kind == CampaignKind::Direct || campaign.launched_at.is_some() {
            true => self.keep(&campaign).map(Some),
            false => self.of(&campaign).map(|order| Some(Arc::new(order))),
        }
    }

    /// The order of a campaign, which is not kept.
    ///
    /// # Errors
    /// When it is invalid.
    pub(super) fn of(&self, campaign: &Campaign) -> Result<Order, StoreError> {
        Order::of(campaign, self.links.as_ref())
    }

    /// Keeps a launched campaign's order at hand.
    ///
    /// # Errors
    /// When it is invalid.
    pub(super) fn keep(&self, campaign: &Campaign) -> Result<Arc<Order>, StoreError> {
        let order = Arc::new(self.of(campaign)?);
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

    /// It is read anew when it is asked for again.
    pub(super) fn forget(&self, forgotten: impl Fn(&Order) -> bool) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, order| !forgotten(order));
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).len()
    }

    #[cfg(test)]
    pub(super) const MAX: usize = ORDERS_MAX;
}
