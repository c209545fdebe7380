//! What became free in a diary is offered to those who wait for it.
//!
//! The diary notes a free time in the change that cancels or moves what was there, and the offer is made in the change that notes that it is: once, whatever
//! crashes.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::claim::close;
use super::{Invited, NewOffer, OFFERED_MAX, OfferSays, OfferState, Placed, Wave, put_offer, waves};
use crate::agenda::{AgendaFault, Event, SlotSettings, SlotState, Was};
use crate::campaign::view::time;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{EventId, OfferId, Purpose, Recipient, TenantId, Territory, UnixMicros};
use crate::people::PeopleFault;
use crate::replies::{Replies, ReplyFault, Shared};
use crate::store::{KeyOwner, Token};
use crate::webhooks::OfferNews;

/// What is done in one go.
const BATCH: i64 = 50;

/// A time that became free.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) tenant: TenantId,
    pub(super) event: EventId,
    turn: u32,
    pub(super) starts_at: UnixMicros,
    /// `None`: the event is as it was.
    was: Option<Was>,
}

/// One for which those who wait are to be looked through again.
#[derive(Debug)]
pub(super) struct SlotRow {
    pub(super) slot: Slot,
    /// `None`: nobody could be asked.
    pub(super) offer: Option<OfferId>,
    /// How often somebody has joined.
    pub(super) joined: i64,
}

/// From when on people are asked, and who is not.
pub(super) struct Asking<'a> {
    pub(super) begins: UnixMicros,
    /// Nobody is from then on.
    pub(super) ends_at: UnixMicros,
    /// Who is asked already.
    pub(super) besides: &'a [Recipient],
}

/// Slots that may still be given to who joins.
pub(super) const ONLY_OPEN: &str = " AND state IN ('offered', 'nobody')";

const COLUMNS: &str = "SELECT tenant, event, turn, starts_at, was";

/// A time that became free, as its tenant sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct FreedSlot {
    /// `free`, `open`, `taken`, `ended`, `withdrawn`, `nobody`, `too_late`, `no_number`.
    pub(crate) state: &'static str,
    pub(crate) offer: Option<OfferId>,
    /// How many are asked in the end.
    pub(crate) people: u64,
    pub(crate) freed_at: UnixMicros,
    /// The time itself: its event may be at another one.
    pub(crate) starts_at: UnixMicros,
}

impl FreedSlot {
    pub(crate) const CODES: [&str; 8] = [
        SlotState::Free.into_str(),
        OfferState::Open.into_str(),
        OfferState::Taken.into_str(),
        OfferState::Ended.into_str(),
        SlotState::Withdrawn.into_str(),
        SlotState::Nobody.into_str(),
        SlotState::TooLate.into_str(),
        SlotState::NoNumber.into_str(),
    ];
}

/// What of a time is told: how it stands, and which offer it is.
fn stands(slot: SlotState, offer: Option<OfferState>) -> &'static str {
    match (slot, offer) {
        // Who has it has it, though somebody is booked there since.
        (SlotState::Offered | SlotState::Withdrawn, Some(OfferState::Taken)) => OfferState::Taken.into_str(),
        (SlotState::Offered, Some(OfferState::Canceled)) => SlotState::Withdrawn.into_str(),
        (SlotState::Offered, Some(state @ (OfferState::Open | OfferState::Ended))) => state.into_str(),
        // Offers are forgotten before events are.
        (SlotState::Offered, None) => OfferState::Ended.into_str(),
        (slot, _) => slot.into_str(),
    }
}

impl Replies {
    /// The time of an event that became free, if it did; the last, if it did several times.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn freed_slot(
        &self,
        (tenant, event): (TenantId, EventId),
    ) -> Result<Option<FreedSlot>, DatabaseError> {
        let mut query = Sql::new(
            "SELECT freed_slot.state, offer.state, freed_slot.offer, freed_slot.people, freed_slot.freed_at, freed_slot.starts_at \
             FROM freed_slot LEFT JOIN offer ON offer.id = freed_slot.offer WHERE freed_slot.tenant = ",
        );
        query.value(tenant.0);
        query.push(" AND freed_slot.event = ").value(event.0.cast_signed());
        query.push(" ORDER BY freed_slot.turn DESC LIMIT 1");
        let read = |row: &Found<'_>| {
            let offered = match row.text_if_any(1)? {
                Some(_) => Some(row.parsed(1, "the state of an offer", |state| state.parse().ok())?),
                None => None,
            };
            let slot = row.parsed(0, "the state of a time that became free", |state| state.parse().ok())?;
            Ok(FreedSlot {
                state: stands(slot, offered),
                offer: row.number_if_any(2)?.map(|id| OfferId(id.cast_unsigned())),
                people: row.number(3)?.cast_unsigned(),
                freed_at: UnixMicros(row.number(4)?.cast_unsigned()),
                starts_at: UnixMicros(row.number(5)?.cast_unsigned()),
            })
        };
        self.0.database.row(query, read).await
    }
}

impl Shared {
    /// Offers what became free, and takes back what is free no more.
    pub(super) async fn follow_freed(&self) -> Result<(), ReplyFault> {
        let mut query = Sql::new(COLUMNS);
        query.push(" FROM freed_slot WHERE state = 'free' ");
        query.push("ORDER BY freed_at LIMIT ").value(BATCH);
        for slot in self.database.rows(query, read_slot).await? {
            // One that cannot be offered now does not hold the others up.
            if let Err(error) = self.offer_slot(&slot).await {
                tracing::debug!(%error, event = %slot.event, "a time that became free cannot be offered; it is tried again");
            }
        }
        self.follow_joined().await?;
        let mut query =
            Sql::new("SELECT offer.id, offer.tenant FROM freed_slot JOIN offer ON offer.id = freed_slot.offer ");
        query.push("WHERE freed_slot.state = 'withdrawn' AND offer.state = 'open' LIMIT ");
        query.value(BATCH);
        let read = |row: &Found<'_>| Ok((row.number(0)?, TenantId(row.number(1)? as u32)));
        for (id, tenant) in self.database.rows(query, read).await? {
            let mut change = self.database.change_of(tenant).await?;
            let now = self.clock.unix();
            close(&mut change, OfferId(id.cast_unsigned()), (OfferState::Canceled, now)).await?;
            change.commit().await?;
        }
        Ok(())
    }

    /// Who has joined the waiting list is asked for what is still free.
    async fn follow_joined(&self) -> Result<(), ReplyFault> {
        let mut query = Sql::new(COLUMNS);
        query
            .push(", offer, joined FROM freed_slot WHERE joined > 0")
            .push(ONLY_OPEN);
        query.push(" ORDER BY freed_at LIMIT ").value(BATCH);
        let read = |row: &Found<'_>| {
            Ok(SlotRow {
                slot: read_slot(row)?,
                offer: row.number_if_any(5)?.map(|id| OfferId(id.cast_unsigned())),
                joined: row.number(6)?,
            })
        };
        for row in self.database.rows(query, read).await? {
            if let Err(error) = self.ask_who_joined(&row).await {
                tracing::debug!(%error, event = %row.slot.event, "who has joined cannot be asked; it is tried again");
            }
        }
        Ok(())
    }

    /// The event of a time, as it was there.
    pub(super) async fn event_of(&self, slot: &Slot) -> Result<Event, ReplyFault> {
        let mut event = self.agenda.event(slot.tenant, slot.event).await?;
        if let Some(was) = &slot.was {
            was.put_onto(&mut event);
        }
        Ok(event)
    }

    pub(super) async fn offer_slot(&self, slot: &Slot) -> Result<(), ReplyFault> {
        let (tenant, now) = (slot.tenant, self.clock.unix());
        let event = match self.event_of(slot).await {
            // It was forgotten meanwhile, and its time with it.
            Err(ReplyFault::Agenda(AgendaFault::NotFound)) => return Ok(()),
            event => event?,
        };
        let settings = self.agenda.slot_settings(tenant).await?;
        let ends_at = slot
            .starts_at
            .minus(Duration::from_secs(60 * u64::from(settings.notice)));
        let state = match () {
            () if !settings.enabled => SlotState::Withdrawn,
            () if ends_at <= now => SlotState::TooLate,
            () if !self.is_own(tenant, &settings.number) => SlotState::NoNumber,
            () => SlotState::Offered,
        };
        if state != SlotState::Offered {
            return self.end_slot(slot, state).await;
        }
        let asking = Asking {
            begins: now,
            ends_at,
            besides: &[],
        };
        let people = match self
            .invited((tenant, &settings), (&event, slot.starts_at), &asking)
            .await
        {
            Err(ReplyFault::People(PeopleFault::NotFound)) => return Ok(()),
            people => people?,
        };
        if people.is_empty() {
            return self.end_slot(slot, SlotState::Nobody).await;
        }
        let said = (tenant, &settings.texts);
        let texts = self.agenda.slot_texts(said, (&event, slot.starts_at)).await?;
        let (people, dues): (Vec<Invited>, Vec<UnixMicros>) = people.into_iter().unzip();
        let order = NewOffer {
            name: event.reference.clone(),
            number: settings.number,
            says: OfferSays {
                text: texts.text,
                accept: Vec::new(),
                won: texts.won,
                late: texts.late,
                others: texts.others,
            },
            purpose: Purpose::Transactional,
            places: 1,
            ends_at,
            wave: None,
            people,
        };
        self.ask_for(slot, (&order, &dues)).await
    }

    /// Makes the offer, and notes that the time is offered: both, or neither.
    async fn ask_for(&self, slot: &Slot, (order, dues): (&NewOffer, &[UnixMicros])) -> Result<(), ReplyFault> {
        let tenant = slot.tenant;
        let key = format!("{} {}", slot.event, slot.turn);
        let text = self.sealed(tenant, &order.says.text).await?;
        let placed = Placed {
            tenant,
            token: Token::of_key(KeyOwner::Tenant(tenant), "slot", &key),
            text: &text,
            dues,
            event: Some(slot.event),
            now: self.clock.unix(),
        };
        let mut change = self.database.change_of(tenant).await?;
        let Some(offer) = put_offer(&mut change, &placed, order).await? else {
            return Ok(());
        };
        let offered = (SlotState::Offered, Some((offer, order.people.len())));
        if note_slot(&mut change, slot, offered).await? {
            change.commit().await?;
            self.due.notify_one();
        }
        Ok(())
    }

    /// Whom a time suits, and when each is asked: in the order in which they wait, in the hours of advertising, and nobody who has opted out.
    pub(super) async fn invited(
        &self,
        (tenant, settings): (TenantId, &SlotSettings),
        (event, starts_at): (&Event, UnixMicros),
        asking: &Asking<'_>,
    ) -> Result<Vec<(Invited, UnixMicros)>, ReplyFault> {
        let mut waiting = self.waiting_for(tenant, (event, starts_at)).await?;
        waiting.retain(|(number, _)| !asking.besides.contains(number));
        let numbers: Vec<Recipient> = waiting.iter().map(|(number, _)| *number).collect();
        let opted_out = self.opted_out(tenant, &numbers).await?;
        waiting.retain(|(number, _)| !opted_out.contains(number));
        waiting.truncate(OFFERED_MAX);
        let wave = settings.wave.map(|wave| Wave {
            people: wave.people as usize,
            every: Duration::from_secs(60 * u64::from(wave.minutes)),
        });
        let territory = self.campaigns.territory_of(tenant).await?;
        let opens = |at: usize, from| {
            let (number, _) = waiting.get(at)?;
            self.opens((*number, territory), from)
        };
        let dues = waves((asking.begins, wave), waiting.len(), opens);
        let asked = waiting.into_iter().zip(dues).filter_map(|((recipient, person), due)| {
            let due = due.filter(|due| *due < asking.ends_at.min(person.expires_at))?;
            let contact = match person.whom {
                crate::agenda::Whom::Contact(contact) => Some(contact),
                crate::agenda::Whom::Number(_) => None,
            };
            let invited = Invited {
                recipient,
                contact,
                waiting: Some(person.reference),
            };
            Some((invited, due))
        });
        Ok(asked.collect())
    }

    /// When people may be asked by themselves from that time on: in the hours of advertising. `None`: never.
    pub(in crate::replies) fn opens(
        &self,
        whose: (Recipient, Option<Territory>),
        from: UnixMicros,
    ) -> Option<UnixMicros> {
        let gates = self.campaigns.gates();
        gates.opens_from(gates.of(Purpose::Marketing, whose), from)
    }

    /// Which of these want no messages of some purpose.
    pub(in crate::replies) async fn opted_out(
        &self,
        tenant: TenantId,
        numbers: &[Recipient],
    ) -> Result<Vec<Recipient>, ReplyFault> {
        let partitions = self.store.partitions();
        let groups: Vec<_> = self
            .store
            .all_partitions()
            .map(|partition| {
                let own = numbers
                    .iter()
                    .filter(|number| number.partition(partitions) == partition);
                (partition, own.copied().collect::<Vec<_>>())
            })
            .filter(|(_, own)| !own.is_empty())
            .collect();
        let mut out = Vec::new();
        for purpose in Purpose::ALL {
            let wanted = self.store.opted_out((tenant, *purpose), &groups).await?;
            for ((_, own), wanted) in groups.iter().zip(wanted) {
                out.extend(
                    own.iter()
                        .zip(wanted)
                        .filter(|(_, out)| *out)
                        .map(|(number, _)| *number),
                );
            }
        }
        Ok(out)
    }

    async fn end_slot(&self, slot: &Slot, state: SlotState) -> Result<(), ReplyFault> {
        let mut change = self.database.change_of(slot.tenant).await?;
        note_slot(&mut change, slot, (state, None)).await?;
        Ok(change.commit().await?)
    }

    /// A crash between telling and noting it has somebody told twice, and never not at all.
    pub(super) async fn tell_of_freed(&self) -> Result<(), ReplyFault> {
        let mut query = Sql::new(COLUMNS);
        query.push(", state, offer, people FROM freed_slot WHERE untold = 1 ORDER BY freed_at LIMIT ");
        query.value(BATCH);
        let read = |row: &Found<'_>| {
            let offer = row.number_if_any(6)?.map(|id| OfferId(id.cast_unsigned()).to_string());
            // It was offered, whatever came of that since.
            let state = match &offer {
                Some(_) => OfferState::Open.into_str().to_owned(),
                None => row.text(5)?,
            };
            let about = json!({ "state": state, "offer": offer, "people": row.number(7)? });
            Ok((read_slot(row)?, about))
        };
        for (slot, about) in self.database.rows(query, read).await? {
            if let Some(mut whole) = self.of_slot(&slot).await? {
                whole.extend(about.as_object().cloned().unwrap_or_default());
                let news = (OfferNews::SlotFreed, &Value::Object(whole));
                self.webhooks.tell_of_offer(slot.tenant, news).await?;
            }
            let mut change = self.database.change().await?;
            let mut update = Sql::new("UPDATE freed_slot SET untold = 0");
            of(&mut update, &slot);
            change.run(update).await?;
            change.commit().await?;
        }
        Ok(())
    }

    /// Tells what became of an offer; of a time that became free, with the event whose it was.
    pub(super) async fn tell_of_offer(
        &self,
        (tenant, offer): (TenantId, OfferId),
        (is_over, about): (bool, Value),
    ) -> Result<(), ReplyFault> {
        let mut query = Sql::new(COLUMNS);
        query.push(" FROM freed_slot WHERE offer = ");
        query.value(offer.0.cast_signed());
        let slot = self.database.row(query, read_slot).await?;
        let whole = match slot {
            Some(slot) => self.of_slot(&slot).await?,
            None => None,
        };
        let (news, about) = match (whole, about) {
            (Some(mut whole), Value::Object(mut about)) => {
                // What they say of the offer stands in its row.
                about.retain(|name, _| !["name", "places", "taken"].contains(&name.as_str()));
                whole.insert("offer".to_owned(), about.remove("id").unwrap_or_default());
                if about
                    .get("state")
                    .is_some_and(|state| state == OfferState::Canceled.into_str())
                {
                    about.insert("state".to_owned(), SlotState::Withdrawn.into_str().into());
                }
                whole.extend(about);
                let news = match is_over {
                    true => OfferNews::SlotEnded,
                    false => OfferNews::SlotTaken,
                };
                (news, Value::Object(whole))
            }
            (_, about) if is_over => (OfferNews::Ended, about),
            (_, about) => (OfferNews::Taken, about),
        };
        Ok(self.webhooks.tell_of_offer(tenant, (news, &about)).await?)
    }

    /// The event whose time became free, for endpoints; `None`: it was forgotten.
    async fn of_slot(&self, slot: &Slot) -> Result<Option<Map<String, Value>>, ReplyFault> {
        let event = match self.event_of(slot).await {
            Err(ReplyFault::Agenda(AgendaFault::NotFound)) => return Ok(None),
            event => event?,
        };
        let about = json!({
            "event": event.id.to_string(),
            "reference": event.reference,
            "kind": event.kind,
            "starts_at": time(slot.starts_at),
            "practice": event.details.practice,
            "practitioner": event.details.practitioner,
            "place": event.details.place,
        });
        Ok(about.as_object().cloned())
    }
}

/// Notes what becomes of a time that is free. `false`: something did before.
async fn note_slot(
    change: &mut Change,
    slot: &Slot,
    (state, offer): (SlotState, Option<(OfferId, usize)>),
) -> Result<bool, DatabaseError> {
    // What endpoints know already, they are not told again.
    let mut update = Sql::new("UPDATE freed_slot SET untold = CASE WHEN state = ");
    update.value(state.into_str());
    update.push(" THEN untold ELSE 1 END, state = ");
    update.value(state.into_str());
    if let Some((offer, people)) = offer {
        update.push(", offer = ").value(offer.0.cast_signed());
        update
            .push(", people = ")
            .value(i64::try_from(people).unwrap_or(i64::MAX));
    }
    of(&mut update, slot);
    update.push(" AND state IN ('free', 'nobody')");
    Ok(change.run(update).await? == 1)
}

pub(super) fn of(statement: &mut Sql, slot: &Slot) {
    statement.push(" WHERE event = ").value(slot.event.0.cast_signed());
    statement.push(" AND turn = ").value(slot.turn);
}

fn read_slot(row: &Found<'_>) -> Result<Slot, DatabaseError> {
    Ok(Slot {
        tenant: TenantId(row.number(0)? as u32),
        event: EventId(row.number(1)?.cast_unsigned()),
        turn: row.number(2)? as u32,
        starts_at: UnixMicros(row.number(3)?.cast_unsigned()),
        was: match row.text(4)?.as_str() {
            "" => None,
            _ => Some(row.parsed(4, "what an event was", |was| serde_json::from_str(was).ok())?),
        },
    })
}
