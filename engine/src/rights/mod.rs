//! The rights of a person: to have what is kept of them, and to have it forgotten.
//!
//! What is known hangs on the contact, or on the number: messages, answers, codes and opt-outs are of the number, which a family may
//! share. So a contact alone is forgotten while others have its number, and everything is when a number is.
//!
//! Of a number that was erased SQL keeps a hash, under a key of the key file: who comes again with it in a file is held back, who writes
//! down history leaves the number out, and whatever is still queued is skipped, since the opt-out is in Redis, where each lease asks.

use crate::agenda::{Agenda, Event, Sought};
use crate::campaign::{CampaignFault, Campaigns};
use crate::database::DatabaseError;
use crate::domain::{BadForm, ContactId, ListId, MessageId, Purpose, Recipient, Record, TenantId};
use crate::history::{self, History, Past};
use crate::links::{Clicks, Links};
use crate::mirror::{Mirror, MirrorFault};
use crate::people::{Consent, Contact, Engaged, GivenCode, People, PeopleFault, Sources, Visit};
use crate::replies::{Conversation, OfferedPerson, Replies, ReplyFault, Said, SurveyRun, WaitingPerson};
use crate::store::{InboundEntry, Store, StoreError};
use crate::webhooks::Webhooks;

/// The most messages that are told of a person, the newest.
pub(crate) const MESSAGES_MAX: usize = 10_000;

/// Why nothing is told or forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RightsFault {
    /// Messages to that person are on their way.
    #[error("{0} messages to that person are under way")]
    UnderWay(u64),
    #[error("a record cannot be read: {0}")]
    Record(BadForm),
    #[error(transparent)]
    People(#[from] PeopleFault),
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Mirror(#[from] MirrorFault),
    #[error(transparent)]
    Replies(#[from] ReplyFault),
    #[error(transparent)]
    Campaign(#[from] CampaignFault),
}

/// Who is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whom {
    Contact(ContactId),
    /// Whoever has it.
    Number(Recipient),
}

/// What is kept of somebody as a contact.
pub(crate) struct Known {
    pub(crate) contact: Contact,
    pub(crate) engaged: Engaged,
    /// Whence what is known of them is.
    pub(crate) sources: Sources,
    pub(crate) visits: Vec<Visit>,
    pub(crate) lists: Vec<(ListId, String)>,
    pub(crate) consents: Vec<Consent>,
    /// Of the diary.
    pub(crate) events: Vec<Event>,
}

/// What is kept of a number.
#[derive(Default)]
pub(crate) struct OfNumber {
    /// What is not wanted.
    pub(crate) opted_out: Vec<Purpose>,
    /// The newest first.
    pub(crate) messages: Vec<Past>,
    /// What came of these, and of the number.
    pub(crate) engaged: Engaged,
    /// Which links were followed.
    pub(crate) clicks: Vec<(MessageId, Clicks)>,
    /// The oldest first.
    pub(crate) inbound: Vec<InboundEntry>,
    /// With our numbers, the newest message first.
    pub(crate) conversations: Vec<(Conversation, Vec<Said>)>,
    pub(crate) codes: Vec<GivenCode>,
    /// What was offered, the latest first.
    pub(crate) offers: Vec<OfferedPerson>,
    /// What they were asked by surveys, and what they answered, the latest first.
    pub(crate) surveys: Vec<SurveyRun>,
    pub(crate) waiting_list: Vec<WaitingPerson>,
    /// Events that are of no contact.
    pub(crate) events: Vec<Event>,
    /// Whether the tenant's team keys reach the number.
    pub(crate) is_guest: bool,
}

/// Everything that is kept of somebody.
pub(crate) struct Everything {
    pub(crate) contacts: Vec<Known>,
    pub(crate) number: Option<(Recipient, OfNumber)>,
}

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Forgotten {
    pub(crate) contacts: u64,
    pub(crate) messages: u64,
    pub(crate) inbound: u64,
    /// Others have the number: what hangs on it stays.
    pub(crate) number_is_shared: bool,
}

/// Carries out what people ask for.
pub(crate) struct Rights<'a> {
    pub(crate) store: &'a Store,
    pub(crate) mirror: &'a Mirror,
    pub(crate) people: &'a People,
    pub(crate) history: &'a History,
    pub(crate) campaigns: &'a Campaigns,
    pub(crate) agenda: &'a Agenda,
    pub(crate) replies: &'a Replies,
    pub(crate) webhooks: &'a Webhooks,
    /// `None`: nobody has any.
    pub(crate) links: Option<&'a Links>,
}

impl Rights<'_> {
    /// Everything that is kept of somebody.
    ///
    /// # Errors
    /// [`PeopleFault::NotFound`] for no contact of that tenant, or whoever does not answer.
    pub(crate) async fn everything(&self, tenant: TenantId, whom: Whom) -> Result<Everything, RightsFault> {
        let (contacts, number) = match whom {
            Whom::Contact(id) => (vec![id], self.people.contact(tenant, id).await?.details.number),
            Whom::Number(number) => (self.people.contacts_with(tenant, number).await?, Some(number)),
        };
        let mut known = Vec::with_capacity(contacts.len());
        for id in contacts {
            let contact = self.people.contact(tenant, id).await?;
            let engaged = self.people.engaged(tenant, std::slice::from_ref(&contact)).await?;
            known.push(Known {
                contact,
                engaged: engaged.first().copied().unwrap_or_default(),
                sources: self.people.sources_of(tenant, id).await?,
                visits: self.people.visits_of(tenant, id).await?,
                lists: self.people.lists_of(tenant, id).await?,
                consents: self.people.consents_of(tenant, id).await?,
                events: self.events_of(tenant, (Some(id), None)).await?,
            });
        }
        let number = match number {
            Some(number) => Some((number, self.of_number(tenant, number).await?)),
            None => None,
        };
        Ok(Everything {
            contacts: known,
            number,
        })
    }

    async fn events_of(
        &self,
        tenant: TenantId,
        (contact, number): (Option<ContactId>, Option<Recipient>),
    ) -> Result<Vec<Event>, DatabaseError> {
        let sought = Sought {
            contact,
            number,
            ..Sought::default()
        };
        self.agenda.events((tenant, &sought), (None, MESSAGES_MAX)).await
    }

    async fn of_number(&self, tenant: TenantId, number: Recipient) -> Result<OfNumber, RightsFault> {
        let asked = history::Asked {
            recipient: Some(number),
            ..history::Asked::default()
        };
        Ok(OfNumber {
            opted_out: self.opted_out(tenant, number).await?,
            messages: self.history.find(tenant, &asked, MESSAGES_MAX).await?,
            engaged: self.people.engaged_with(tenant, number).await?,
            clicks: match self.links {
                Some(links) => links.clicks_of(tenant, number).await?,
                None => Vec::new(),
            },
            inbound: self.store.inbound_from(tenant, number).await?,
            conversations: self.replies.conversations_with(tenant, number, MESSAGES_MAX).await?,
            codes: self.people.codes_of(tenant, number).await?,
            offers: self.replies.offered_to(tenant, (number, MESSAGES_MAX)).await?,
            surveys: self.replies.surveyed(tenant, (number, MESSAGES_MAX)).await?,
            waiting_list: self.replies.waiting_with(tenant, number).await?,
            events: self.events_of(tenant, (None, Some(number))).await?,
            is_guest: self.people.guest_numbers(tenant).await?.contains(&number.0),
        })
    }

    async fn opted_out(&self, tenant: TenantId, number: Recipient) -> Result<Vec<Purpose>, RightsFault> {
        let asked = [(number.partition(self.store.partitions()), vec![number])];
        let mut purposes = Vec::new();
        for purpose in Purpose::ALL {
            let wanted = self.store.opted_out((tenant, *purpose), &asked).await?;
            if wanted.iter().flatten().any(|out| *out) {
                purposes.push(*purpose);
            }
        }
        Ok(purposes)
    }

    /// Forgets somebody. No advertising goes to the number from then on, whatever else comes of it; asked for again it goes on where it
    /// ended.
    ///
    /// # Errors
    /// [`RightsFault::UnderWay`] while something is that cannot be stopped, [`PeopleFault::NotFound`] for no contact of that tenant, or
    /// whoever does not answer.
    pub(crate) async fn erase(&self, tenant: TenantId, whom: Whom) -> Result<Forgotten, RightsFault> {
        let (contacts, number, number_is_shared) = match whom {
            Whom::Contact(id) => {
                let number = self.people.contact(tenant, id).await?.details.number;
                let with_it = match number {
                    Some(number) => self.people.contacts_with(tenant, number).await?,
                    None => Vec::new(),
                };
                (vec![id], number, with_it.iter().any(|other| *other != id))
            }
            Whom::Number(number) => (self.people.contacts_with(tenant, number).await?, Some(number), false),
        };
        let mut forgotten = Forgotten {
            number_is_shared,
            ..Forgotten::default()
        };
        let number = number.filter(|_| !number_is_shared);
        if let Some(number) = number {
            // Before all else: from here on it is skipped, held back, and not written down.
            self.mirror.erase(tenant, number).await?;
            let under_way = self.under_way(tenant, number).await?;
            if under_way > 0 {
                return Err(RightsFault::UnderWay(under_way));
            }
            // By what history still knows.
            if let Some(links) = self.links {
                links.forget_clicks_of(tenant, number).await?;
            }
            forgotten.messages = self.history.erase(tenant, number).await?;
            forgotten.inbound = self.store.forget_inbound(tenant, number).await?;
            self.store.forget_near(tenant, number).await?;
            self.replies.forget_person(tenant, number).await?;
            self.agenda.forget_number(tenant, number).await?;
            self.webhooks.forget_number(tenant, number).await?;
        }
        // The contact is the last: until then it can be asked for again.
        forgotten.contacts = self.people.erase(tenant, &contacts, number).await?;
        Ok(forgotten)
    }

    /// Messages that an SMSC has, or that wait and are not skipped for an opt-out.
    async fn under_way(&self, tenant: TenantId, number: Recipient) -> Result<u64, RightsFault> {
        let packed = self.store.records(&[number]).await?;
        let packed = packed.first().map(|packed| &packed[..]).unwrap_or_default();
        let record = Record::unpack(number, packed).map_err(RightsFault::Record)?;
        let in_record = record.messages.iter().filter(|message| message.tenant == tenant);
        let mut under_way = in_record.count() as u64;
        let opted_out = self.opted_out(tenant, number).await?;
        let active = self.store.active().await?;
        for (_, id) in active.into_iter().filter(|(of, _)| *of == tenant) {
            let campaign = self.store.campaigns_of(&[(tenant, id)]).await?.pop().flatten();
            let skips = campaign.is_none_or(|campaign| opted_out.contains(&campaign.purpose));
            if skips {
                continue;
            }
            let placed = self.campaigns.messages_to(number, id).await?;
            let in_record = |id| record.messages.iter().any(|message| message.id == id);
            let queued = placed
                .iter()
                .filter(|placed| placed.row.result.is_none() && !in_record(placed.row.id));
            under_way += queued.count() as u64;
        }
        Ok(under_way)
    }
}
