//! Who joins the waiting list while a time is still free is asked as well, behind those who were there.

use std::time::Duration;

use super::freed::{Asking, ONLY_OPEN, SlotRow, of};
use super::{Invited, NewOffer, OFFERED_MAX, Offer, OfferState, Placed, ask_all};
use crate::agenda::{AgendaFault, SlotSettings};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{OfferId, Purpose, Recipient, TenantId, UnixMicros};
use crate::people::PeopleFault;
use crate::replies::{ReplyFault, Shared};
use crate::store::{KeyOwner, Token};

/// Who is asked already.
struct Known {
    recipients: Vec<Recipient>,
    /// When the last of them is.
    last_due: UnixMicros,
}

impl Shared {
    /// Looks through those who wait again for a time that is still free.
    pub(super) async fn ask_who_joined(&self, row: &SlotRow) -> Result<(), ReplyFault> {
        let (slot, now) = (&row.slot, self.clock.unix());
        let settings = self.agenda.slot_settings(slot.tenant).await?;
        let ends_at = slot
            .starts_at
            .minus(Duration::from_secs(60 * u64::from(settings.notice)));
        let may_be = settings.enabled && ends_at > now && self.is_own(slot.tenant, &settings.number);
        if !may_be {
            return self.looked_through(row, 0).await;
        }
        let Some(offer) = row.offer else {
            self.offer_slot(slot).await?;
            return self.looked_through(row, 0).await;
        };
        let offer = match self.offer_of(slot.tenant, offer).await? {
            Some(offer) if offer.state == OfferState::Open => offer,
            Some(_) | None => return self.looked_through(row, 0).await,
        };
        let event = match self.event_of(slot).await {
            Err(ReplyFault::Agenda(AgendaFault::NotFound)) => return Ok(()),
            event => event?,
        };
        let known = self.known(offer.id).await?;
        let asking = Asking {
            ends_at: offer.ends_at,
            begins: next_wave(&settings, &known, now),
            besides: &known.recipients,
        };
        let people = self
            .invited((slot.tenant, &settings), (&event, slot.starts_at), &asking)
            .await;
        let mut people = match people {
            Err(ReplyFault::People(PeopleFault::NotFound)) => return Ok(()),
            people => people?,
        };
        people.truncate(OFFERED_MAX.saturating_sub(known.recipients.len()));
        if people.is_empty() {
            return self.looked_through(row, 0).await;
        }
        self.ask_them_too(row, &offer, people).await
    }

    /// Writes down that they are asked: unless somebody has it meanwhile, or others have joined, for whom it is looked once more.
    async fn ask_them_too(
        &self,
        row: &SlotRow,
        offer: &Offer,
        people: Vec<(Invited, UnixMicros)>,
    ) -> Result<(), ReplyFault> {
        let tenant = row.slot.tenant;
        let text = self.sealed(tenant, &offer.says.text).await?;
        let (people, dues): (Vec<Invited>, Vec<UnixMicros>) = people.into_iter().unzip();
        let placed = Placed {
            tenant,
            // The offer has its own.
            token: Token::of_key(KeyOwner::Tenant(tenant), "slot", ""),
            text: &text,
            dues: &dues,
            event: Some(row.slot.event),
            now: self.clock.unix(),
        };
        let order = NewOffer {
            name: offer.name.clone(),
            number: offer.number.clone(),
            says: offer.says.clone(),
            purpose: Purpose::Transactional,
            places: offer.places,
            ends_at: offer.ends_at,
            wave: None,
            people,
        };
        let mut change = self.database.change_of(tenant).await?;
        // It is closed before this or behind it, and then nobody of them is asked.
        let mut lock = Sql::new("UPDATE offer SET untold = untold WHERE state = 'open' AND id = ");
        lock.value(offer.id.0.cast_signed());
        let is_open = change.run(lock).await? == 1;
        let is_alone = change.run(through(row, order.people.len())).await? == 1;
        if is_open && is_alone {
            ask_all(&mut change, (&placed, offer.id), &order).await?;
            change.commit().await?;
            self.due.notify_one();
        }
        Ok(())
    }

    async fn looked_through(&self, row: &SlotRow, more: usize) -> Result<(), ReplyFault> {
        let mut change = self.database.change_of(row.slot.tenant).await?;
        change.run(through(row, more)).await?;
        Ok(change.commit().await?)
    }

    async fn offer_of(&self, tenant: TenantId, id: OfferId) -> Result<Option<Offer>, DatabaseError> {
        let mut query = super::select(tenant);
        query.push(" AND offer.id = ").value(id.0.cast_signed());
        self.database.row(query, super::read).await
    }

    async fn known(&self, offer: OfferId) -> Result<Known, DatabaseError> {
        let mut query = Sql::new(
            "SELECT offer_person.recipient, asked.due_at FROM offer_person \
             LEFT JOIN conversation_message AS asked ON asked.id = offer_person.said WHERE offer_person.offer = ",
        );
        query.value(offer.0.cast_signed());
        let read = |row: &Found<'_>| Ok((row.number(0)?, row.number_if_any(1)?.unwrap_or_default()));
        let all = self.database.rows(query, read).await?;
        let last = all.iter().map(|(_, due)| *due).max().unwrap_or_default();
        Ok(Known {
            recipients: all
                .iter()
                .map(|(number, _)| Recipient(number.cast_unsigned()))
                .collect(),
            last_due: UnixMicros(last.cast_unsigned()),
        })
    }
}

/// When the wave behind the last one begins; without waves, now.
fn next_wave(settings: &SlotSettings, known: &Known, now: UnixMicros) -> UnixMicros {
    match settings.wave {
        Some(wave) => now.max(known.last_due.plus(Duration::from_secs(60 * u64::from(wave.minutes)))),
        None => now,
    }
}

/// Nobody has joined since, and so many more are asked.
fn through(row: &SlotRow, more: usize) -> Sql {
    let mut update = Sql::new("UPDATE freed_slot SET joined = 0, people = people + ");
    update.value(i64::try_from(more).unwrap_or(i64::MAX));
    of(&mut update, &row.slot);
    update.push(ONLY_OPEN).push(" AND joined = ").value(row.joined);
    update
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::SlotWave;

    #[test]
    fn who_joins_is_asked_in_the_wave_behind_the_last() {
        let minutes = |minutes: u64| UnixMicros(minutes * 60_000_000);
        let known = Known {
            recipients: Vec::new(),
            last_due: minutes(10),
        };
        let mut settings = SlotSettings {
            wave: Some(SlotWave { people: 5, minutes: 15 }),
            ..SlotSettings::default()
        };
        assert_eq!(next_wave(&settings, &known, minutes(12)), minutes(25));
        assert_eq!(next_wave(&settings, &known, minutes(40)), minutes(40));
        settings.wave = None;
        assert_eq!(next_wave(&settings, &known, minutes(12)), minutes(12));
    }
}
