//! One message by itself, on the fast lane. The messages of a tenant, purpose and hour are gathered in a direct campaign,
//! so that they are counted, billed and listed as any others.

use std::sync::PoisonError;

use super::price;
use super::{CampaignFault, Campaigns, view};
use crate::audience::normalise;
use crate::compose::{Sender, check_text};
use crate::domain::{CampaignId, Entry, MessageId, Purpose, Recipient, SmscId, TenantId};
use crate::fault::{FieldFault, FieldProblem};
use crate::store::{Campaign, CampaignKind, CampaignState, DirectMessage, RecipientRow};

/// Whose messages, on which lane.
pub(super) type Line = (TenantId, Purpose);

/// A direct campaign, with the hour since 1970 that it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hour {
    hour: u64,
    campaign: CampaignId,
}

/// Direct campaigns that are kept in mind: 10,000 tenants with both purposes. Another one made for the same hour does no
/// harm.
const HOURS_MAX: usize = 20_000;

pub(super) const HOUR_US: u64 = 3_600_000_000;

/// `POST /v1/messages`, as it was given.
#[derive(Clone, Debug)]
pub struct DirectOrder {
    /// To whom, as people write numbers.
    pub to: String,
    /// The text as it is to be sent: merge fields mean nothing here.
    pub text: String,
    /// From whom.
    pub sender: String,
    /// Its lane.
    pub purpose: Purpose,
}

/// An order that can be sent.
struct Checked {
    recipient: Recipient,
    segments: u8,
}

impl Campaigns {
    /// Takes one message: holds its credits and enqueues it.
    ///
    /// # Errors
    /// [`CampaignFault::Fields`], [`CampaignFault::Short`], [`CampaignFault::Busy`] when the hour's campaign is full, or
    /// [`CampaignFault::Store`]: the message may have been taken then.
    pub async fn send(&self, tenant: TenantId, order: &DirectOrder) -> Result<MessageId, CampaignFault> {
        let checked = self.check(order).map_err(CampaignFault::Fields)?;
        let hour = self.hour(tenant, order.purpose).await?;
        let needed = u64::from(checked.segments);
        if !self
            .store()
            .hold_direct(tenant, hour.campaign, needed, self.now_us())
            .await?
        {
            let available = self
                .store()
                .tenant(tenant)
                .await?
                .map_or(0, |tenant| tenant.credits.available);
            return Err(CampaignFault::Short { available, needed });
        }
        match self.enqueue_one(tenant, hour.campaign, (order, &checked)).await? {
            Some(id) => Ok(id),
            // Full: the next message gets another campaign, and this hold ends with the hour.
            None => {
                self.forget_hour(tenant, order.purpose);
                Err(CampaignFault::Busy)
            }
        }
    }

    /// A message, and how far it is.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`], also when it is another tenant's, or [`CampaignFault::Store`].
    pub async fn message(&self, tenant: TenantId, id: MessageId) -> Result<RecipientRow, CampaignFault> {
        let campaign = self.find(tenant, id.campaign()).await?;
        let (partition, position) = id.place(self.store().partitions());
        let rows = self.store().recipients(campaign.id, partition, position, 1).await?;
        rows.into_iter().next().ok_or(CampaignFault::NotFound)
    }

    fn check(&self, order: &DirectOrder) -> Result<Checked, Vec<FieldFault>> {
        let mut faults = Vec::new();
        let mut note = |pointer: &str, problem: FieldProblem| faults.push(FieldFault::new(pointer, problem));
        let recipient = normalise(&order.to, self.0.deps.limits.country);
        let recipient = recipient.map_err(|fault| note("/to", fault.problem())).ok();
        let checked = check_text(&order.text)
            .map_err(|problem| note("/text", problem))
            .is_ok();
        if let Err(problem) = Sender::parse(&order.sender) {
            note("/sender", problem);
        }
        let segments = price::of_text(&order.text).ok().filter(|_| checked);
        match (recipient, segments) {
            (Some(recipient), Some(segments)) if faults.is_empty() => Ok(Checked { recipient, segments }),
            _ => Err(faults),
        }
    }

    async fn enqueue_one(
        &self,
        tenant: TenantId,
        campaign: CampaignId,
        (order, checked): (&DirectOrder, &Checked),
    ) -> Result<Option<MessageId>, CampaignFault> {
        let now = self.now_us();
        let mut body = Vec::with_capacity(order.text.len() + 48);
        for variable in [&order.sender, &order.text, &now.to_string()] {
            Entry::push_variable(&mut body, variable);
        }
        let smsc = self.0.deps.routes.route(checked.recipient);
        let entry = Entry {
            recipient: checked.recipient,
            id: MessageId(0),
            tenant,
            smsc: smsc.unwrap_or(SmscId(0)),
            segments: checked.segments,
            credits: checked.segments,
            lane: order.purpose.lane(),
            body: &body,
        };
        let row = checked.recipient.0.to_be_bytes().to_vec();
        let message = DirectMessage {
            campaign,
            row,
            entry,
            purpose: order.purpose,
        };
        let id = self.store().enqueue_direct(&message, now).await?;
        let partition = checked.recipient.partition(self.store().partitions());
        self.ring(smsc.into_iter(), partition, order.purpose == Purpose::Transactional);
        self.0.books.touch(tenant, campaign);
        Ok(id)
    }

    /// The direct campaign of this hour; made for the hour's first message.
    async fn hour(&self, tenant: TenantId, purpose: Purpose) -> Result<Hour, CampaignFault> {
        let now = self.now_us();
        let hour = now / HOUR_US;
        let known = self
            .0
            .hours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&(tenant, purpose))
            .copied();
        if let Some(known) = known.filter(|known| known.hour == hour) {
            return Ok(known);
        }
        let id = self.store().next_campaign().await?;
        // Listed first: a campaign that is listed and not there is looked at in vain, the other way its hold is lost.
        self.store().set_active(tenant, id, true).await?;
        let campaign = direct_campaign(tenant, id, purpose, now);
        self.store().save_campaign(&campaign).await?;
        self.0.orders.keep(&campaign)?;
        let made = Hour { hour, campaign: id };
        let mut hours = self.0.hours.lock().unwrap_or_else(PoisonError::into_inner);
        if hours.len() >= HOURS_MAX {
            hours.retain(|_, known| known.hour == hour);
        }
        if hours.len() >= HOURS_MAX {
            hours.clear();
        }
        hours.insert((tenant, purpose), made);
        Ok(made)
    }

    fn forget_hour(&self, tenant: TenantId, purpose: Purpose) {
        self.0
            .hours
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&(tenant, purpose));
    }
}

fn direct_campaign(tenant: TenantId, id: CampaignId, purpose: Purpose, now_us: u64) -> Campaign {
    Campaign {
        id,
        tenant,
        kind: CampaignKind::Direct,
        name: format!("messages {}", view::hour(now_us)),
        text: String::new(),
        sender: String::new(),
        purpose,
        columns: Vec::new(),
        state: CampaignState::Running,
        total: 0,
        invalid: 0,
        not_mobile: 0,
        duplicates: 0,
        estimate_segments: 0,
        estimate_credits: 0,
        held: 0,
        spent: 0,
        recredited: 0,
        created_at: now_us,
        launched_at: 0,
    }
}
