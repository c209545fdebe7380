//! Offers: what few may have is offered to many by text, and the first who say yes have it.
//!
//! Each is asked by a message of a conversation, which *send* sends once. Whoever says yes is given a place in the change that keeps how
//! far was read, if there is one: a place is given once, whatever crashes.

mod claim;
mod course;
mod freed;
mod joined;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

pub(super) use claim::{Claim, Offered};
pub(crate) use freed::FreedSlot;

use super::made::Made;
use super::threads::{SaidState, conversation_of, open_conversation};
use super::{Replies, ReplyFault};
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{ContactId, ConversationId, EventId, MessageId, OfferId, Purpose, Recipient, TenantId, UnixMicros};
use crate::store::Token;

/// The most people of an offer: all are written down in one change.
pub(crate) const OFFERED_MAX: usize = 1_000;

/// How many places an offer may have.
pub(crate) const PLACES: (i64, i64) = (1, 100);

/// How many of its people are asked at once, and how many minutes lie between two waves.
pub(crate) const WAVE_PEOPLE: (i64, i64) = (1, OFFERED_MAX as i64);
pub(crate) const WAVE_MINUTES: (i64, i64) = (1, 24 * 60);

/// How many days ahead it may end.
pub(crate) const OFFER_DAYS: u32 = 30;

/// The most words of its own by which people say yes.
pub(crate) const ACCEPT_MAX: usize = 20;

/// Where an offer is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum OfferState {
    Open,
    /// All its places are.
    Taken,
    /// Its time is over.
    Ended,
    /// Somebody has taken it back.
    Canceled,
}

/// What somebody answers to an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum OfferAnswer {
    /// Yes, and there was a place.
    Won,
    /// Yes, and there was none any more.
    Late,
    /// No.
    Declined,
}

/// What an offer says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OfferSays {
    pub(crate) text: String,
    /// By which people say yes, beside all that means it anyway.
    pub(crate) accept: Vec<String>,
    /// What is answered to those who have a place, and to those who come after.
    pub(crate) won: String,
    pub(crate) late: String,
    /// What those are told who have not answered when the last place is gone; `None`: nothing.
    pub(crate) others: Option<String>,
}

/// How many people are asked at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wave {
    pub(crate) people: usize,
    pub(crate) every: Duration,
}

/// An offer to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewOffer {
    pub(crate) name: String,
    /// One of the tenant's.
    pub(crate) number: String,
    pub(crate) says: OfferSays,
    pub(crate) purpose: Purpose,
    pub(crate) places: u32,
    pub(crate) ends_at: UnixMicros,
    /// `None`: all at once.
    pub(crate) wave: Option<Wave>,
    /// Each number once, in the order in which they are asked.
    pub(crate) people: Vec<Invited>,
}

/// Somebody who is to be asked.
#[derive(Clone, Debug)]
pub(crate) struct Invited {
    pub(crate) recipient: Recipient,
    pub(crate) contact: Option<ContactId>,
    /// By which reference of the waiting list.
    pub(crate) waiting: Option<String>,
}

/// How an offer is put in its place.
struct Placed<'a> {
    tenant: TenantId,
    token: Token,
    /// What it asks, encrypted: all get the same.
    text: &'a str,
    /// When each of its people is asked.
    dues: &'a [UnixMicros],
    /// The event whose time it offers: people are asked as if it were advertising.
    event: Option<EventId>,
    now: UnixMicros,
}

/// An offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    pub(crate) id: OfferId,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) says: OfferSays,
    pub(crate) purpose: Purpose,
    pub(crate) places: u32,
    pub(crate) taken: u32,
    pub(crate) state: OfferState,
    pub(crate) ends_at: UnixMicros,
    pub(crate) created_at: UnixMicros,
    pub(crate) over_at: Option<UnixMicros>,
    pub(crate) people: u64,
    /// The event whose time it offers.
    pub(crate) event: Option<EventId>,
}

/// Somebody to whom something was offered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OfferedPerson {
    pub(crate) offer: OfferId,
    pub(crate) recipient: Recipient,
    pub(crate) contact: Option<ContactId>,
    pub(super) said: u64,
    /// Of the message that asks; absent when its conversation was forgotten.
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) state: Option<String>,
    pub(crate) due_at: Option<UnixMicros>,
    pub(crate) message: Option<MessageId>,
    pub(crate) reason: Option<String>,
    pub(crate) answer: Option<String>,
    pub(crate) confidence: Option<u8>,
    pub(crate) answered_at: Option<UnixMicros>,
    pub(crate) inbound: Option<String>,
    pub(crate) waiting: Option<String>,
}

impl OfferedPerson {
    /// Where a list goes on behind them.
    pub(crate) fn place(&self) -> u64 {
        self.said
    }
}

const COLUMNS: &str = "offer.id, offer.name, offer.number, offer.says, offer.purpose, offer.places, offer.taken, offer.state, \
     offer.ends_at, offer.created_at, offer.over_at, (SELECT COUNT(*) FROM offer_person WHERE offer_person.offer = offer.id), offer.event";

const PERSON: &str = "SELECT offer_person.offer, offer_person.recipient, offer_person.contact, offer_person.said, asked.conversation, \
     asked.state, asked.due_at, asked.message, asked.reason, offer_person.answer, offer_person.confidence, offer_person.answered_at, \
     offer_person.inbound, offer_person.waiting FROM offer_person LEFT JOIN conversation_message AS asked ON asked.id = offer_person.said \
     WHERE offer_person.tenant = ";

impl Replies {
    /// Makes an offer, and has its people asked. Asked for again with the same token it is the same.
    ///
    /// # Errors
    /// [`ReplyFault::NotOurs`], or the database's.
    pub(crate) async fn make_offer(
        &self,
        tenant: TenantId,
        (order, token): (&NewOffer, Token),
    ) -> Result<Offer, ReplyFault> {
        if !self.0.is_own(tenant, &order.number) {
            return Err(ReplyFault::NotOurs);
        }
        let text = self.0.sealed(tenant, &order.says.text).await?;
        let now = self.0.clock.unix();
        let territory = self.0.campaigns.territory_of(tenant).await?;
        let opens = |at: usize, from| match order.purpose {
            Purpose::Marketing => self.0.opens((order.people.get(at)?.recipient, territory), from),
            Purpose::Transactional => Some(from),
        };
        let dues = waves((now, order.wave), order.people.len(), opens);
        // Whoever may never be asked is not before it ends.
        let dues: Vec<UnixMicros> = dues.into_iter().map(|due| due.unwrap_or(order.ends_at)).collect();
        let placed = Placed {
            tenant,
            token,
            text: &text,
            dues: &dues,
            event: None,
            now,
        };
        let mut change = self.0.database.change_of(tenant).await?;
        if put_offer(&mut change, &placed, order).await?.is_some() {
            change.commit().await?;
            self.0.due.notify_one();
        } else {
            drop(change);
        }
        let mut query = select(tenant);
        query.push(" AND offer.token = ").value(token.hex());
        self.0.database.row(query, read).await?.ok_or(ReplyFault::NotFound)
    }

    /// A tenant's offers, the newest first, behind that one.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn offers(
        &self,
        tenant: TenantId,
        (behind, limit): (Option<OfferId>, usize),
    ) -> Result<Vec<Offer>, DatabaseError> {
        let mut query = select(tenant);
        if let Some(behind) = behind {
            query.push(" AND offer.id < ").value(behind.0.cast_signed());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY offer.id DESC LIMIT ").value(limit);
        self.0.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ReplyFault::NotFound`], or the database's.
    pub(crate) async fn offer(&self, tenant: TenantId, id: OfferId) -> Result<Offer, ReplyFault> {
        let mut query = select(tenant);
        query.push(" AND offer.id = ").value(id.0.cast_signed());
        self.0.database.row(query, read).await?.ok_or(ReplyFault::NotFound)
    }

    /// Its people, in the order in which they are asked, behind that place.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn offered_people(
        &self,
        (tenant, id): (TenantId, OfferId),
        (behind, limit): (Option<u64>, usize),
    ) -> Result<Vec<OfferedPerson>, DatabaseError> {
        let mut query = Sql::new(PERSON);
        query.value(tenant.0);
        query.push(" AND offer_person.offer = ").value(id.0.cast_signed());
        query
            .push(" AND offer_person.said > ")
            .value(behind.unwrap_or(0).cast_signed());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY offer_person.said LIMIT ").value(limit);
        self.0.database.rows(query, read_person).await
    }

    /// What was offered to a number, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn offered_to(
        &self,
        tenant: TenantId,
        (recipient, limit): (Recipient, usize),
    ) -> Result<Vec<OfferedPerson>, DatabaseError> {
        let mut query = Sql::new(PERSON);
        query.value(tenant.0);
        query
            .push(" AND offer_person.recipient = ")
            .value(recipient.0.cast_signed());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY offer_person.said DESC LIMIT ").value(limit);
        self.0.database.rows(query, read_person).await
    }

    /// Takes an offer back: nobody else is asked, and nobody gets a place any more. One that is over stays as it is.
    ///
    /// # Errors
    /// As [`Replies::offer`].
    pub(crate) async fn cancel_offer(&self, tenant: TenantId, id: OfferId) -> Result<Offer, ReplyFault> {
        self.offer(tenant, id).await?;
        let now = self.0.clock.unix();
        let mut change = self.0.database.change_of(tenant).await?;
        claim::close(&mut change, id, (OfferState::Canceled, now)).await?;
        change.commit().await?;
        self.offer(tenant, id).await
    }
}

/// When each of so many people is asked, in waves, where people may be asked from `opens` of a time on; `None`: never.
fn waves(
    (now, wave): (UnixMicros, Option<Wave>),
    count: usize,
    opens: impl Fn(usize, UnixMicros) -> Option<UnixMicros>,
) -> Vec<Option<UnixMicros>> {
    let mut begins = Some(now);
    let due = |at: usize| {
        let is_first = at == 0 || wave.is_some_and(|wave| at.is_multiple_of(wave.people));
        if is_first {
            let every = wave.filter(|_| at > 0).map_or(Duration::ZERO, |wave| wave.every);
            // The next wave lies as far behind this one, though that has to wait for the morning.
            begins = begins.and_then(|begins| opens(at, begins.plus(every)));
        }
        begins.and_then(|begins| opens(at, begins))
    };
    (0..count).map(due).collect()
}

/// Writes down an offer, and who is asked. `None`: there is one with that token.
async fn put_offer(change: &mut Change, placed: &Placed<'_>, order: &NewOffer) -> Result<Option<OfferId>, ReplyFault> {
    let id = change.numbers("offer", 1).await?;
    let mut insert = Sql::new(
        "INSERT INTO offer (id, tenant, token, name, number, says, purpose, places, taken, state, ends_at, created_at, event, untold) VALUES (",
    );
    insert.value(id).push(", ").value(placed.tenant.0);
    insert.push(", ").value(placed.token.hex());
    insert.push(", ").value(order.name.as_str());
    insert.push(", ").value(order.number.as_str());
    insert
        .push(", ")
        .value(serde_json::to_string(&order.says).unwrap_or_default());
    insert.push(", ").value(order.purpose.code());
    insert.push(", ").value(order.places);
    insert.push(", 0, ").value(OfferState::Open.into_str());
    insert.push(", ").value(order.ends_at.0.cast_signed());
    insert.push(", ").value(placed.now.0.cast_signed());
    insert.push(", ").value(placed.event.map(|event| event.0.cast_signed()));
    insert.push(", 0) ON CONFLICT (tenant, token) DO NOTHING");
    if change.run(insert).await? == 0 {
        return Ok(None);
    }
    let offer = OfferId(id.cast_unsigned());
    ask_all(change, (placed, offer), order).await?;
    Ok(Some(offer))
}

/// Writes down who is asked, and when.
async fn ask_all(
    change: &mut Change,
    (placed, offer): (&Placed<'_>, OfferId),
    order: &NewOffer,
) -> Result<(), ReplyFault> {
    let (tenant, now) = (placed.tenant, placed.now);
    let first = change.numbers("conversation_message", order.people.len()).await?;
    for ((id, person), due) in (first..).zip(&order.people).zip(placed.dues) {
        let whose = (tenant, person.recipient, order.number.as_str());
        open_conversation(change, whose, now).await?;
        let conversation = conversation_of(change, whose).await?.ok_or(ReplyFault::NotFound)?;
        let mut insert = Sql::new(
            "INSERT INTO conversation_message \
             (id, tenant, conversation, at, text, kind, opted_out, state, due_at, purpose, as_advertising, until_at) VALUES (",
        );
        insert.value(id).push(", ").value(tenant.0);
        insert.push(", ").value(conversation.id.0.cast_signed());
        insert
            .push(", ")
            .value(now.0.cast_signed())
            .push(", ")
            .value(placed.text);
        insert.push(", ").value(Made::Offer.code());
        insert.push(", 0, ").value(SaidState::Due.into_str());
        insert.push(", ").value(due.0.cast_signed());
        insert.push(", ").value(order.purpose.code());
        insert.push(", ").value(i64::from(placed.event.is_some()));
        insert.push(", ").value(order.ends_at.0.cast_signed()).push(")");
        change.run(insert).await?;
        let mut insert =
            Sql::new("INSERT INTO offer_person (offer, tenant, recipient, contact, said, waiting, untold) VALUES (");
        insert.value(offer.0.cast_signed()).push(", ").value(tenant.0);
        insert.push(", ").value(person.recipient.0.cast_signed());
        insert
            .push(", ")
            .value(person.contact.map(|contact| contact.0.cast_signed()));
        insert.push(", ").value(id);
        insert.push(", ").value(person.waiting.clone()).push(", 0)");
        change.run(insert).await?;
    }
    Ok(())
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM offer WHERE offer.tenant = ")
        .value(tenant.0);
    query
}

fn time(number: i64) -> UnixMicros {
    UnixMicros(number.cast_unsigned())
}

fn read(row: &Found<'_>) -> Result<Offer, DatabaseError> {
    Ok(Offer {
        id: OfferId(row.number(0)?.cast_unsigned()),
        name: row.text(1)?,
        number: row.text(2)?,
        says: row.parsed(3, "what an offer says", |says| serde_json::from_str(says).ok())?,
        purpose: row.parsed(4, "the purpose of an offer", |purpose| purpose.parse().ok())?,
        places: row.number(5)? as u32,
        taken: row.number(6)? as u32,
        state: row.parsed(7, "the state of an offer", |state| state.parse().ok())?,
        ends_at: time(row.number(8)?),
        created_at: time(row.number(9)?),
        over_at: row.number_if_any(10)?.map(time),
        people: row.number(11)?.cast_unsigned(),
        event: row.number_if_any(12)?.map(|id| EventId(id.cast_unsigned())),
    })
}

fn read_person(row: &Found<'_>) -> Result<OfferedPerson, DatabaseError> {
    let id = |column| Ok::<_, DatabaseError>(row.number_if_any(column)?.map(i64::cast_unsigned));
    Ok(OfferedPerson {
        offer: OfferId(row.number(0)?.cast_unsigned()),
        recipient: Recipient(row.number(1)?.cast_unsigned()),
        contact: id(2)?.map(ContactId),
        said: row.number(3)?.cast_unsigned(),
        conversation: id(4)?.map(ConversationId),
        state: row.text_if_any(5)?,
        due_at: row.number_if_any(6)?.map(time),
        message: id(7)?.map(MessageId),
        reason: row.text_if_any(8)?,
        answer: row.text_if_any(9)?,
        confidence: row.number_if_any(10)?.map(|confidence| confidence as u8),
        answered_at: row.number_if_any(11)?.map(time),
        inbound: row.text_if_any(12)?,
        waiting: row.text_if_any(13)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000_000;

    #[test]
    fn waves_lie_as_far_apart_in_the_morning_as_they_would_in_the_evening() {
        let wave = Wave {
            people: 2,
            every: Duration::from_secs(3_600),
        };
        // Open from 8 to 20 o'clock, and for the last one from 9 on.
        let opens = |at: usize, from: UnixMicros| {
            let first = if at == 5 { 9 } else { 8 };
            let (day, hour) = (from.0 / (24 * HOUR), from.0 % (24 * HOUR) / HOUR);
            let begins = |day: u64| Some(UnixMicros((24 * day + first) * HOUR));
            match hour {
                hour if hour >= 20 => begins(day + 1),
                hour if hour < first => begins(day),
                _ => Some(from),
            }
        };
        let hours = |now: u64, wave: Option<Wave>| -> Vec<u64> {
            let dues = waves((UnixMicros(now * HOUR), wave), 6, opens);
            dues.into_iter().map(|due| due.expect("it opens").0 / HOUR).collect()
        };
        assert_eq!(hours(10, Some(wave)), [10, 10, 11, 11, 12, 12]);
        assert_eq!(hours(22, Some(wave)), [32, 32, 33, 33, 34, 34]);
        assert_eq!(hours(18, Some(wave)), [18, 18, 19, 19, 32, 33]);
        assert_eq!(hours(2, None), [8, 8, 8, 8, 8, 9]);
        assert!(waves((UnixMicros(0), None), 2, |_, _| None).iter().all(Option::is_none));
    }
}
