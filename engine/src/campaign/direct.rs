//! One message by itself, on the fast lane. The messages of a tenant, purpose and hour are gathered in a direct campaign,
//! so that they are counted, billed and listed as any others.

use std::sync::PoisonError;
use std::time::Duration;

use smpp::text::EncodingPolicy;

use super::orders::DirectVariables;
use super::price::{self, Cost};
use super::{CampaignFault, Campaigns, DirectLink, Whose, admitted, view};
use crate::audience::normalise;
use crate::compose::{Sender, Wording, is_blank};
use crate::domain::{
    CampaignId, FlaggedId, Lengths, Line, LocalMoment, MessageId, Parameters, Purpose, Reach, Recipient, Row, TenantId,
    Terms, Territory, UnixMicros, Way,
};
use crate::encryption::Cipher;
use crate::fault::{FieldFault, FieldProblem, WordingProblem};
use crate::flagged::{Looked, Seen, Sent, Source};
use crate::store::{
    Admission, Campaign, CampaignKind, CampaignState, DirectHeld, DirectHold, DirectMessage, DirectPlace, Hold,
    RecipientRow, StoreError, Token,
};

/// Whose messages, on which lane.
pub(super) type Sending = (TenantId, Purpose);

/// A direct campaign, with the hour since 1970 that it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hour {
    hour: u64,
    campaign: CampaignId,
    /// What the tenant has agreed on.
    terms: Terms,
}

/// Direct campaigns that are kept in mind: 10,000 tenants with both purposes. Another one made for the same hour does no
/// harm.
const HOURS_MAX: usize = 20_000;

/// `POST /v1/messages`, as it was given.
#[derive(Clone, Debug)]
pub(crate) struct DirectOrder {
    /// To whom, as people write numbers.
    pub(crate) to: String,
    /// The text as it is to be sent: merge fields mean nothing here.
    pub(crate) text: String,
    /// From whom.
    pub(crate) sender: String,
    pub(crate) purpose: Purpose,
    /// The sender is a number that the tenant has: nobody approves it beside.
    pub(crate) own_number: bool,
    /// How its text is encoded; `None`: as the tenant's are.
    pub(crate) encoding: Option<EncodingPolicy>,
    /// How long it is worth sending; `None`: for ever.
    pub(crate) validity: Option<Duration>,
    /// What its submit_sm's are given beside the text.
    pub(crate) parameters: Parameters,
    /// Advertising that goes though no consent is known: it tries a campaign out on those who write it, or asks for consent.
    pub(crate) without_consent: bool,
    /// Only in the hours of advertising, whatever its purpose.
    pub(crate) in_hours: bool,
    /// It goes to the tenant's guests alone.
    pub(crate) guests_only: bool,
    /// The short link that stands in its text, kept with it; `None`: there is none, or its caller keeps it.
    pub(crate) link: Option<DirectLink>,
}

/// What a message would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TriedMessage {
    pub(crate) recipient: Recipient,
    /// As it would go.
    pub(crate) text: String,
    pub(crate) segments: u8,
    pub(crate) credits: u8,
    /// What the tenant has.
    pub(crate) available: u64,
}

/// An order with its price.
struct Priced {
    recipient: Recipient,
    /// Where the tenant's people are.
    territory: Option<Territory>,
    encoding: EncodingPolicy,
    /// As it goes.
    text: String,
    cost: Cost,
}

/// Whose hours a message keeps.
fn hours_of(order: &DirectOrder) -> Purpose {
    match order.in_hours {
        true => Purpose::Marketing,
        false => order.purpose,
    }
}

impl Campaigns {
    /// Takes one message: holds its credits and queues it. Asked again with the same token it is the same message.
    ///
    /// # Errors
    /// [`CampaignFault::Fields`], [`CampaignFault::TenantSuspended`], [`CampaignFault::TextRejected`], [`CampaignFault::TrafficInReview`], [`CampaignFault::TrafficRejected`], [`CampaignFault::DayFull`], [`CampaignFault::Short`], [`CampaignFault::Busy`] when the hour's campaign is full, or
    /// [`CampaignFault::Store`]: the message may have been taken then.
    pub(crate) async fn send(
        &self,
        tenant: TenantId,
        order: &DirectOrder,
        token: Token,
    ) -> Result<MessageId, CampaignFault> {
        let (recipient, sender) = self.check(order).map_err(CampaignFault::Fields)?;
        let known = self.store().direct_of(recipient, token);
        let (known, admission) = tokio::try_join!(known, self.store().admission(tenant))?;
        if let Some((id, hold)) = known {
            // The try before may have broken off between the queue and the hold.
            self.store().end_direct(tenant, token, Some(hold)).await?;
            self.link_queued(order.link.as_ref(), (token, id)).await;
            return Ok(id);
        }
        let admission = admitted(admission)?;
        self.may_write_to((tenant, order), recipient, &admission).await?;
        let text_flagged = self.look_at_message(tenant, order).await?;
        let hour = self.hour(tenant, order.purpose).await?;
        let priced = self.priced((tenant, order), (recipient, &sender), hour.terms).await?;
        let sent_flagged = self.look_at_recipient((tenant, order.purpose), recipient).await?;
        let partition = recipient.partition(self.store().partitions());
        let hold = DirectHold {
            tenant,
            campaign: hour.campaign,
            token,
            partition,
            credits: u64::from(priced.cost.credits),
            share: &admission.share(self.now()),
        };
        let held = self.hold_one(&hold).await?;
        self.keep_links(&order.link).await?;
        let place = self.queue_one(tenant, held, (order, &priced), token).await?;
        match place {
            DirectPlace::Queued(id, hold) => {
                self.store().end_direct(tenant, token, Some(hold)).await?;
                self.link_queued(order.link.as_ref(), (token, id)).await;
                self.flagged_with([text_flagged, sent_flagged], id).await;
                Ok(id)
            }
            // The next message gets another campaign.
            DirectPlace::Full => {
                self.store().end_direct(tenant, token, None).await?;
                self.forget_hour(tenant, order.purpose);
                Err(CampaignFault::Busy)
            }
            // Whoever asks again by now has a hold of its own under this token.
            DirectPlace::Undone => Err(CampaignFault::Busy),
        }
    }

    /// What a message would be, and cost: nothing is sent, held or kept.
    ///
    /// # Errors
    /// As [`Campaigns::send`], but for what only its reseller decides.
    pub(crate) async fn try_message(
        &self,
        tenant: TenantId,
        order: &DirectOrder,
    ) -> Result<TriedMessage, CampaignFault> {
        let (recipient, sender) = self.check(order).map_err(CampaignFault::Fields)?;
        let admission = admitted(self.store().admission(tenant).await?)?;
        self.may_write_to((tenant, order), recipient, &admission).await?;
        let terms = self.terms_of(tenant).await?;
        let priced = self.priced((tenant, order), (recipient, &sender), terms).await?;
        let known = self.store().tenant(tenant).await?;
        let available = known.map_or(0, |tenant| tenant.credits.available);
        let needed = u64::from(priced.cost.credits);
        if available < needed {
            return Err(CampaignFault::Short { available, needed });
        }
        Ok(TriedMessage {
            recipient,
            text: priced.text,
            segments: priced.cost.segments,
            credits: priced.cost.credits,
            available,
        })
    }

    /// Whether the tenant may write to somebody at all.
    async fn may_write_to(
        &self,
        (tenant, order): (TenantId, &DirectOrder),
        recipient: Recipient,
        admission: &Admission,
    ) -> Result<(), CampaignFault> {
        let refused = |problem| CampaignFault::Fields(vec![FieldFault::new("/to", problem)]);
        let lists = [&self.0.deps.limits.countries, &admission.countries];
        if !lists.iter().all(|countries| countries.allow(recipient)) {
            return Err(refused(FieldProblem::CountryNotAllowed));
        }
        if order.guests_only && !self.0.deps.people.guest_numbers(tenant).await?.contains(&recipient.0) {
            return Err(refused(FieldProblem::NotAGuest));
        }
        self.0.deps.mirror.held_back(tenant, [recipient]).await?;
        Ok(())
    }

    /// The text as it goes, and what it costs under these terms.
    async fn priced(
        &self,
        (tenant, order): (TenantId, &DirectOrder),
        (recipient, sender): (Recipient, &Sender),
        terms: Terms,
    ) -> Result<Priced, CampaignFault> {
        let terms = Terms {
            encoding: order.encoding.unwrap_or(terms.encoding),
            ..terms
        };
        let refused = |fault| CampaignFault::Fields(vec![fault]);
        let wording = self.wording_of(tenant, &terms).await?;
        if !order.without_consent {
            let agreed = self.agreed((tenant, order.purpose), &[recipient]).await?;
            if agreed.is_some_and(|agreed| agreed.is_empty()) {
                let problem = WordingProblem::ConsentRequired.into();
                return Err(refused(FieldFault::new("/purpose", problem)));
            }
        }
        let text = worded(order, sender, &wording).map_err(refused)?;
        let too_long = |_| refused(price::too_long(text.chars().count()));
        Ok(Priced {
            recipient,
            territory: terms.territory,
            encoding: terms.encoding,
            cost: price::of_text(&text, &terms)
                .and_then(|usual| price::there(usual, recipient, &terms))
                .map_err(too_long)?,
            text,
        })
    }

    /// Has the reseller asked about a text that looks like advertising and is sent as something else; it goes all the same, unless it
    /// was rejected.
    async fn look_at_message(&self, tenant: TenantId, order: &DirectOrder) -> Result<Option<FlaggedId>, CampaignFault> {
        // What tries a campaign out goes to those who write it.
        if order.without_consent {
            return Ok(None);
        }
        let seen = Seen {
            tenant,
            purpose: order.purpose,
            text: &order.text,
            source: Source::Message,
        };
        match self.flagged().look(&seen).await? {
            Looked::Flagged(id) => Ok(Some(id)),
            Looked::Goes | Looked::Waits => Ok(None),
            Looked::Rejected { note } => Err(CampaignFault::TextRejected { note }),
        }
    }

    /// Has the reseller asked about numbers that are unusual for the tenant; where it wants to look first, nothing goes there before.
    pub(super) async fn look_at_recipient(
        &self,
        (tenant, purpose): Sending,
        recipient: Recipient,
    ) -> Result<Option<FlaggedId>, CampaignFault> {
        let sent = Sent {
            tenant,
            purpose,
            recipient,
            home: self.0.deps.limits.country,
        };
        let looked = self.flagged().look_at_recipient(&sent).await?;
        self.count_unusual(&looked);
        match looked {
            Looked::Goes => Ok(None),
            Looked::Flagged(id) => Ok(Some(id)),
            Looked::Waits => Err(CampaignFault::TrafficInReview),
            Looked::Rejected { note } => Err(CampaignFault::TrafficRejected { note }),
        }
    }

    /// Which message was the first of what is flagged. Without it that is asked about all the same.
    pub(super) async fn flagged_with(&self, flagged: [Option<FlaggedId>; 2], message: MessageId) {
        for id in flagged.into_iter().flatten() {
            if let Err(error) = self.flagged().seen_with(id, message).await {
                tracing::debug!(%error, "what is flagged stands without its first message");
            }
        }
    }

    /// A message, and how far it is.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`], also when it is another tenant's, or [`CampaignFault::Store`].
    pub(crate) async fn message(&self, tenant: TenantId, id: MessageId) -> Result<RecipientRow, CampaignFault> {
        let campaign = self.find(tenant, id.campaign()).await?;
        let (partition, position) = id.place(self.store().partitions());
        let rows = self.look(campaign.id, partition, (position, 1)).await?;
        rows.into_iter().next().ok_or(CampaignFault::NotFound)
    }

    fn check(&self, order: &DirectOrder) -> Result<(Recipient, Sender), Vec<FieldFault>> {
        let mut faults = Vec::new();
        let mut note = |pointer: &str, problem: FieldProblem| faults.push(FieldFault::new(pointer, problem));
        let recipient = normalise(&order.to, self.0.deps.limits.country);
        let recipient = recipient.map_err(|fault| note("/to", fault.problem())).ok();
        // The tenant's own limit is looked at when the rest is well.
        if is_blank(&order.text) {
            note("/text", FieldProblem::Empty);
        }
        let sender = Sender::parse(&order.sender)
            .map_err(|problem| note("/sender", problem))
            .ok();
        recipient.zip(sender).filter(|_| faults.is_empty()).ok_or(faults)
    }

    /// Holds the credits of a message. Returns the campaign under which they are held.
    pub(super) async fn hold_one(&self, hold: &DirectHold<'_>) -> Result<(CampaignId, Hold), CampaignFault> {
        match self.store().hold_direct(hold, self.now()).await? {
            DirectHeld::Under(campaign, hold) => Ok((campaign, hold)),
            DirectHeld::DayFull => Err(self.day_is_full(hold.tenant, hold.share).await?),
            DirectHeld::Short => {
                let tenant = self.store().tenant(hold.tenant).await?;
                let available = tenant.map_or(0, |tenant| tenant.credits.available);
                let needed = hold.credits;
                Err(CampaignFault::Short { available, needed })
            }
        }
    }

    async fn queue_one(
        &self,
        tenant: TenantId,
        (campaign, hold): (CampaignId, Hold),
        (order, priced): (&DirectOrder, &Priced),
        token: Token,
    ) -> Result<DirectPlace, CampaignFault> {
        let now = self.now();
        let variables = DirectVariables {
            sender: &order.sender,
            text: &priced.text,
            asked_at: now,
            encoding: priced.encoding,
            validity: order.validity,
            parameters: &order.parameters,
        };
        // That under which the credits are held: the one of another hour, when the same was asked before.
        let gathering = self.0.orders.get(tenant, campaign).await?;
        let gathering = gathering.ok_or(StoreError::Corrupt("a campaign that a message is held under"))?;
        let variables = variables.pack();
        let variables = gathering.cipher.close(&variables)?;
        let row = Row {
            recipient: priced.recipient,
            segments: priced.cost.segments,
            credits: priced.cost.credits,
            variables: &variables,
        };
        let table = self.routes();
        let routes = table.chooser(&Whose {
            tenant,
            purpose: order.purpose,
            sender: order.sender.trim(),
        });
        let route = routes.route(priced.recipient);
        let message = DirectMessage {
            hold,
            tenant,
            campaign,
            recipient: priced.recipient,
            row: row.pack(),
            line: Line {
                way: Way::Route(route),
                lane: order.purpose.lane(),
                gate: self
                    .0
                    .deps
                    .gates
                    .of(hours_of(order), (priced.recipient, priced.territory)),
            },
            version: table.version(),
            token,
            worth_until: order.validity.map(|validity| now.plus(validity)),
            is_by_itself: true,
        };
        let place = self.store().enqueue_direct(&message, now).await?;
        let partition = priced.recipient.partition(self.store().partitions());
        self.ring(route, partition, order.purpose == Purpose::Transactional);
        Ok(place)
    }

    /// The direct campaign of this hour; made for the hour's first message.
    async fn hour(&self, tenant: TenantId, purpose: Purpose) -> Result<Hour, CampaignFault> {
        let now = self.now();
        let hour = now.hour();
        let known = self
            .0
            .hours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(tenant, purpose))
            .cloned();
        if let Some(known) = known.filter(|known| known.hour == hour) {
            return Ok(known);
        }
        let id = self.next_id().await?;
        // Listed first: a crash after this costs one useless look; the reverse order would lose the hold.
        self.store().set_active(tenant, id).await?;
        let terms = self.terms_of(tenant).await?;
        let campaign = Campaign {
            cipher: self.store().new_cipher(tenant).await?,
            encoding: terms.encoding,
            ..direct_campaign(tenant, id, purpose, now)
        };
        self.store().save_campaign(&campaign).await?;
        self.0.orders.keep(&campaign)?;
        self.0.books.look_soon(tenant, id);
        let made = Hour {
            hour,
            campaign: id,
            terms,
        };
        let mut hours = self.0.hours.lock().unwrap_or_else(PoisonError::into_inner);
        if hours.len() >= HOURS_MAX {
            hours.retain(|_, known| known.hour == hour);
        }
        if hours.len() >= HOURS_MAX {
            hours.clear();
        }
        hours.insert((tenant, purpose), made.clone());
        Ok(made)
    }

    /// How texts are taken under these terms.
    pub(crate) fn wording(&self, terms: &Terms) -> Wording {
        let limits = &self.0.deps.limits;
        let wording = Wording::new(terms, limits.stop_number.as_deref(), &limits.protected);
        match self.0.deps.links {
            Some(_) => wording,
            None => wording.without_short_links(),
        }
    }

    /// The same of that tenant, whose reseller may protect names as well, and who has numbers: where senders are checked.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn wording_of(&self, tenant: TenantId, terms: &Terms) -> Result<Wording, CampaignFault> {
        let said = self.flagged().said_of(tenant).await;
        let wording = self.wording(terms).beside(said.protected.clone());
        Ok(wording.among_numbers(tenant, self.0.deps.numbers.senders()))
    }

    /// The protected name that a sender of that tenant looks like, or the generic one that it is.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn resembled(&self, tenant: TenantId, sender: &Sender) -> Option<String> {
        let (said, given) = (self.flagged().said_of(tenant).await, sender.text());
        let name = self.0.deps.limits.protected.resembled(&given);
        let name = name.or_else(|| said.protected.resembled(&given));
        let name = name.or_else(|| self.0.deps.limits.protected.generic(&given));
        name.filter(|_| sender.is_name()).map(str::to_owned)
    }

    /// What a tenant has agreed on.
    pub(crate) async fn terms_of(&self, tenant: TenantId) -> Result<Terms, CampaignFault> {
        let tenant = self.store().tenant(tenant).await?;
        Ok(tenant.map(|tenant| tenant.terms).unwrap_or_default())
    }

    /// A moment as the tenant's people read it.
    ///
    /// # Errors
    /// [`CampaignFault::Store`].
    pub(crate) async fn local(&self, tenant: TenantId, at: UnixMicros) -> Result<LocalMoment, CampaignFault> {
        Ok(LocalMoment::by(at, &self.terms_of(tenant).await?.time_zone))
    }

    /// A tenant's settings have changed, and those of its sandbox: its next messages are gathered in another campaign, under the new ones.
    pub(crate) fn forget_hours(&self, tenant: TenantId) {
        let mut hours = self.0.hours.lock().unwrap_or_else(PoisonError::into_inner);
        hours.retain(|(whose, _), _| whose.live() != tenant.live());
    }

    fn forget_hour(&self, tenant: TenantId, purpose: Purpose) {
        self.0
            .hours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(tenant, purpose));
    }
}

/// The text as it goes, if it and its sender are as the tenant's may be.
fn worded(order: &DirectOrder, sender: &Sender, wording: &Wording) -> Result<String, FieldFault> {
    let of_sender = |problem| FieldFault::new("/sender", problem);
    if !order.own_number {
        wording.check_sender(sender).map_err(of_sender)?;
    }
    sender.check_purpose(order.purpose).map_err(of_sender)?;
    let worded = || {
        wording.check(&order.text)?;
        wording.check_advertiser(&order.text, sender, order.purpose)?;
        wording.with_clause(&order.text, (Some(sender), order.purpose))
    };
    worded().map_err(|problem| FieldFault::new("/text", problem))
}

fn direct_campaign(tenant: TenantId, id: CampaignId, purpose: Purpose, now: UnixMicros) -> Campaign {
    Campaign {
        id,
        tenant,
        kind: CampaignKind::Direct,
        // Its caller's.
        cipher: Cipher::Plain,
        redacted: None,
        finding: 0,
        name: format!("messages {}", view::hour(now)),
        text: String::new(),
        sender: String::new(),
        purpose,
        encoding: EncodingPolicy::default(),
        validity: None,
        expires_at: None,
        rate: None,
        late: None,
        parameters: Parameters::default(),
        variants: Vec::new(),
        columns: Vec::new(),
        lengths: Lengths::default(),
        query: None,
        code_pool: None,
        link: None,
        copied_from: None,
        resends: false,
        category: None,
        template: None,
        refused: None,
        state: CampaignState::Running,
        total: 0,
        invalid: 0,
        not_mobile: 0,
        not_allowed: 0,
        not_guests: 0,
        guests_only: false,
        no_consent: 0,
        unreachable: 0,
        frequency_cap: 0,
        by_request: 0,
        value_too_long: 0,
        values_refused: 0,
        shortened: 0,
        duplicates: 0,
        reach: Reach::default(),
        estimate_segments: 0,
        estimate_credits: 0,
        held: 0,
        spent: 0,
        recredited: 0,
        created_at: now,
        scheduled_at: None,
        launched_at: None,
        traceparent: None,
        edits: 0,
        unpriced: false,
    }
}
