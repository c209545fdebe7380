//! What becomes of offers by itself: they end, and endpoints are told.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::claim::close;
use super::{Offer, OfferState, select};
use crate::database::Sql;
use crate::domain::{ContactId, ConversationId, OfferId, Recipient, TenantId};
use crate::guard::Verdict;
use crate::replies::{ReplyFault, Shared};

/// How often it is looked.
const TICK: Duration = Duration::from_millis(500);

/// What is done in one go.
const BATCH: i64 = 200;

/// Somebody who has a place, of which nobody is told yet.
struct Won {
    tenant: TenantId,
    offer: OfferId,
    recipient: Recipient,
    about: Value,
}

impl Shared {
    /// Ends offers, and tells of them, until `stop`.
    pub(in crate::replies) async fn follow_offers(self: Arc<Self>, verdict: Verdict, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if verdict.may_take_in().is_err() {
                continue;
            }
            let looked = async {
                self.end_offers().await?;
                self.follow_freed().await?;
                self.tell_of_freed().await?;
                self.tell_of_won().await?;
                self.tell_of_over().await
            };
            if let Err(error) = looked.await {
                tracing::debug!(%error, "offers cannot be looked at; they are looked at again");
            }
        }
    }

    async fn end_offers(&self) -> Result<(), ReplyFault> {
        let now = self.clock.unix();
        let mut query = Sql::new("SELECT id, tenant FROM offer WHERE state = 'open' AND ends_at <= ");
        query.value(now.0.cast_signed());
        query.push(" ORDER BY ends_at LIMIT ").value(BATCH);
        let read = |row: &crate::database::Found<'_>| Ok((row.number(0)?, TenantId(row.number(1)? as u32)));
        for (id, tenant) in self.database.rows(query, read).await? {
            let mut change = self.database.change_of(tenant).await?;
            close(&mut change, OfferId(id.cast_unsigned()), (OfferState::Ended, now)).await?;
            change.commit().await?;
        }
        Ok(())
    }

    /// A crash between telling and noting it has somebody told twice, and never not at all.
    async fn tell_of_won(&self) -> Result<(), ReplyFault> {
        let mut query = Sql::new(
            "SELECT offer_person.tenant, offer.id, offer_person.recipient, offer.name, offer_person.contact, asked.conversation, \
             offer_person.inbound, offer_person.confidence, offer_person.waiting FROM offer_person JOIN offer ON offer.id = offer_person.offer \
             LEFT JOIN conversation_message AS asked ON asked.id = offer_person.said \
             WHERE offer_person.untold = 1 ORDER BY offer_person.answered_at LIMIT ",
        );
        query.value(BATCH);
        let read = |row: &crate::database::Found<'_>| {
            let id =
                |column| Ok::<_, crate::database::DatabaseError>(row.number_if_any(column)?.map(i64::cast_unsigned));
            let offer = OfferId(row.number(1)?.cast_unsigned());
            let recipient = Recipient(row.number(2)?.cast_unsigned());
            Ok(Won {
                tenant: TenantId(row.number(0)? as u32),
                offer,
                recipient,
                about: json!({
                    "id": offer.to_string(),
                    "name": row.text(3)?,
                    "to": recipient.to_string(),
                    "contact": id(4)?.map(|id| ContactId(id).to_string()),
                    "conversation": id(5)?.map(|id| ConversationId(id).to_string()),
                    "inbound": row.text_if_any(6)?.map(|place| format!("inb_{place}")),
                    "confidence": row.number_if_any(7)?,
                    "waiting": row.text_if_any(8)?,
                }),
            })
        };
        for won in self.database.rows(query, read).await? {
            self.tell_of_offer((won.tenant, won.offer), (false, won.about)).await?;
            let mut change = self.database.change().await?;
            let mut update = Sql::new("UPDATE offer_person SET untold = 0 WHERE offer = ");
            update.value(won.offer.0.cast_signed());
            update.push(" AND recipient = ").value(won.recipient.0.cast_signed());
            change.run(update).await?;
            change.commit().await?;
        }
        Ok(())
    }

    async fn tell_of_over(&self) -> Result<(), ReplyFault> {
        let mut query = Sql::new("SELECT id, tenant FROM offer WHERE untold = 1 ORDER BY id LIMIT ");
        query.value(BATCH);
        let read = |row: &crate::database::Found<'_>| Ok((row.number(0)?, TenantId(row.number(1)? as u32)));
        for (id, tenant) in self.database.rows(query, read).await? {
            let mut query = select(tenant);
            query.push(" AND offer.id = ").value(id);
            if let Some(offer) = self.database.row(query, super::read).await? {
                self.tell_of_offer((tenant, offer.id), (true, over(&offer))).await?;
            }
            let mut change = self.database.change().await?;
            let mut update = Sql::new("UPDATE offer SET untold = 0 WHERE id = ");
            update.value(id);
            change.run(update).await?;
            change.commit().await?;
        }
        Ok(())
    }
}

fn over(offer: &Offer) -> Value {
    json!({
        "id": offer.id.to_string(),
        "name": offer.name,
        "state": offer.state.into_str(),
        "places": offer.places,
        "taken": offer.taken,
    })
}
