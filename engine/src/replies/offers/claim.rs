//! Places of offers, given in the change that keeps what people have written.

use std::time::Duration;

use super::{OfferAnswer, OfferSays, OfferState, time};
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{OfferId, Recipient, TenantId, UnixMicros};
use crate::replies::made::Made;
use crate::replies::reading::Confidence;
use crate::replies::threads::SaidState;
use crate::replies::waiting_list::take_off;
use crate::replies::{ReplyFault, Shared};

/// For so long those who come after are told that it is over.
const LATE: Duration = Duration::from_secs(24 * 3_600);

/// What somebody was offered, and may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::replies) struct Offered {
    pub(in crate::replies) id: OfferId,
    pub(in crate::replies) says: OfferSays,
    /// There may be a place.
    pub(in crate::replies) open: bool,
    pub(in crate::replies) asked_at: UnixMicros,
    /// When another one was offered that is open as well.
    pub(in crate::replies) another_at: Option<UnixMicros>,
}

/// Somebody says yes, or no.
#[derive(Clone, Copy, Debug)]
pub(in crate::replies) struct Claim<'a> {
    pub(in crate::replies) whose: (TenantId, Recipient),
    pub(in crate::replies) at: UnixMicros,
    pub(in crate::replies) inbound: &'a str,
    /// Whether it is yes, and how sure that is.
    pub(in crate::replies) answer: (bool, Confidence),
    /// So much was said by itself that nothing is but what has to be.
    pub(in crate::replies) quiet: bool,
}

impl Shared {
    /// What a number of ours has offered to somebody that they may answer now: the last that is open, or else the last.
    pub(in crate::replies) async fn offered(
        &self,
        change: &mut Change,
        (tenant, recipient, number): (TenantId, Recipient, &str),
        at: UnixMicros,
    ) -> Result<Option<Offered>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT offer.id, offer.says, offer.state, asked.due_at FROM offer_person JOIN offer ON offer.id = offer_person.offer \
             JOIN conversation_message AS asked ON asked.id = offer_person.said WHERE offer_person.tenant = ",
        );
        query.value(tenant.0);
        query
            .push(" AND offer_person.recipient = ")
            .value(recipient.0.cast_signed());
        query.push(" AND offer.number = ").value(number);
        query.push(" AND (offer_person.answer IS NULL OR offer_person.answer = 'declined')");
        // What was cut off when it was over may have gone all the same.
        query.push(" AND (asked.state <> 'failed' OR asked.reason = 'offer_over') AND asked.due_at <= COALESCE(offer.over_at, ");
        query.value(self.clock.unix().0.cast_signed()).push(")");
        query.push(" AND (offer.over_at IS NULL OR offer.over_at > ");
        query.value(at.minus(LATE).0.cast_signed());
        query.push(") ORDER BY asked.due_at DESC, offer.id DESC");
        let read = |row: &crate::database::Found<'_>| {
            let state: OfferState = row.parsed(2, "the state of an offer", |state| state.parse().ok())?;
            Ok(Offered {
                id: OfferId(row.number(0)?.cast_unsigned()),
                says: row.parsed(1, "what an offer says", |says| serde_json::from_str(says).ok())?,
                open: state == OfferState::Open,
                asked_at: time(row.number(3)?),
                another_at: None,
            })
        };
        let all = change.rows(query, read).await?;
        let mut open = all.iter().filter(|offered| offered.open);
        let last = open.next().or(all.first()).cloned();
        let another_at = open.next().map(|other| other.asked_at);
        Ok(last.map(|last| Offered { another_at, ..last }))
    }

    /// Gives whoever says yes a place, if there is one. Returns what they are answered.
    pub(in crate::replies) async fn claim(
        &self,
        change: &mut Change,
        offered: &Offered,
        claim: &Claim<'_>,
    ) -> Result<Option<String>, ReplyFault> {
        let ((tenant, recipient), (yes, sure)) = (claim.whose, claim.answer);
        let answer = match yes {
            false => OfferAnswer::Declined,
            true if take_place(change, offered.id, claim.at).await? => OfferAnswer::Won,
            true => OfferAnswer::Late,
        };
        let mut update = Sql::new("UPDATE offer_person SET answer = ");
        update.value(answer.into_str());
        update.push(", confidence = ").value(i64::from(sure));
        update.push(", answered_at = ").value(claim.at.0.cast_signed());
        update.push(", inbound = ").value(claim.inbound);
        update.push(", untold = ").value(i64::from(answer == OfferAnswer::Won));
        update.push(" WHERE offer = ").value(offered.id.0.cast_signed());
        update.push(" AND recipient = ").value(recipient.0.cast_signed());
        change.run(update).await?;
        match answer {
            OfferAnswer::Won => {
                self.has_waited(change, (tenant, offered.id), recipient).await?;
                if is_full(change, offered.id).await? {
                    let now = self.clock.unix();
                    if close(change, offered.id, (OfferState::Taken, now)).await? {
                        self.tell_others(change, (tenant, offered), now).await?;
                    }
                }
                Ok(Some(offered.says.won.clone()))
            }
            OfferAnswer::Late => Ok((!claim.quiet).then(|| offered.says.late.clone())),
            OfferAnswer::Declined => Ok(None),
        }
    }

    /// Who has a place for which they have waited, waits no more.
    async fn has_waited(
        &self,
        change: &mut Change,
        (tenant, offer): (TenantId, OfferId),
        recipient: Recipient,
    ) -> Result<(), ReplyFault> {
        let mut query = Sql::new("SELECT waiting FROM offer_person WHERE waiting IS NOT NULL AND offer = ");
        query.value(offer.0.cast_signed());
        query.push(" AND recipient = ").value(recipient.0.cast_signed());
        let waited = change.rows(query, |row| row.text(0)).await?;
        if !waited.is_empty() {
            take_off(change, tenant, &waited).await?;
        }
        Ok(())
    }

    /// The last place is gone: those who have not answered are told, if it is wished.
    async fn tell_others(
        &self,
        change: &mut Change,
        (tenant, offered): (TenantId, &Offered),
        now: UnixMicros,
    ) -> Result<(), ReplyFault> {
        let Some(text) = &offered.says.others else {
            return Ok(());
        };
        let mut query = Sql::new(
            "SELECT asked.conversation, asked.purpose, asked.as_advertising, asked.until_at FROM offer_person JOIN conversation_message AS asked ON asked.id = offer_person.said \
             WHERE asked.state = 'sent' AND offer_person.answer IS NULL AND offer_person.offer = ",
        );
        query.value(offered.id.0.cast_signed());
        query.push(" ORDER BY offer_person.said");
        let others = change
            .rows(query, |row| {
                Ok((
                    row.number(0)?,
                    row.text_if_any(1)?,
                    row.number(2)?,
                    row.number_if_any(3)?,
                ))
            })
            .await?;
        let text = self.sealed(tenant, text).await?;
        let first = change.numbers("conversation_message", others.len()).await?;
        for (id, (conversation, purpose, as_advertising, until)) in (first..).zip(others) {
            let mut insert = Sql::new(
                "INSERT INTO conversation_message \
                 (id, tenant, conversation, at, text, kind, opted_out, state, due_at, purpose, as_advertising, until_at) VALUES (",
            );
            insert.value(id).push(", ").value(tenant.0);
            insert.push(", ").value(conversation);
            insert.push(", ").value(now.0.cast_signed());
            insert.push(", ").value(text.as_str());
            insert.push(", ").value(Made::Offer.code());
            insert.push(", 0, ").value(SaidState::Due.into_str());
            insert.push(", ").value(now.0.cast_signed());
            // In the hours in which they were asked, and to whom has not opted out since.
            insert.push(", ").value(purpose).push(", ").value(as_advertising);
            insert.push(", ").value(until).push(")");
            change.run(insert).await?;
        }
        Ok(())
    }
}

/// Takes a place of an offer, if one is left at that time; what was written in time may be read when it has ended.
async fn take_place(change: &mut Change, offer: OfferId, at: UnixMicros) -> Result<bool, DatabaseError> {
    let mut update =
        Sql::new("UPDATE offer SET taken = taken + 1 WHERE state IN ('open', 'ended') AND taken < places AND id = ");
    update.value(offer.0.cast_signed());
    update.push(" AND ends_at > ").value(at.0.cast_signed());
    // The diary may have somebody there before the offer is taken back.
    update.push(" AND NOT EXISTS (SELECT 1 FROM freed_slot WHERE freed_slot.offer = offer.id AND freed_slot.state = 'withdrawn')");
    Ok(change.run(update).await? == 1)
}

async fn is_full(change: &mut Change, offer: OfferId) -> Result<bool, DatabaseError> {
    let mut query = Sql::new("SELECT COUNT(*) FROM offer WHERE taken >= places AND id = ");
    query.value(offer.0.cast_signed());
    let full = change.rows(query, |row| row.number(0)).await?;
    Ok(full.first().is_some_and(|count| *count > 0))
}

/// An open offer is over from then on: nobody else is asked. `false`: it was before.
pub(super) async fn close(
    change: &mut Change,
    offer: OfferId,
    (state, at): (OfferState, UnixMicros),
) -> Result<bool, DatabaseError> {
    let mut update = Sql::new("UPDATE offer SET untold = 1, state = ");
    update.value(state.into_str());
    update.push(", over_at = ").value(at.0.cast_signed());
    update
        .push(" WHERE state = 'open' AND id = ")
        .value(offer.0.cast_signed());
    if change.run(update).await? == 0 {
        return Ok(false);
    }
    let mut update = Sql::new(
        "UPDATE conversation_message SET state = 'failed', reason = 'offer_over' WHERE state = 'due' AND id IN \
         (SELECT said FROM offer_person WHERE offer = ",
    );
    update.value(offer.0.cast_signed()).push(")");
    change.run(update).await?;
    Ok(true)
}
