//! What people answer when they are reminded of an event.

use strum::{EnumString, IntoStaticStr, VariantArray};

use super::{Agenda, AgendaFault, EventState, FreedBy};
use crate::database::{DatabaseError, Sql};
use crate::domain::{EventId, Recipient, TenantId, UnixMicros};

/// What somebody answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum EventAnswer {
    /// 1: they come.
    Confirm,
    /// 2: they do not.
    Cancel,
    /// 3: another time.
    Move,
}

impl EventAnswer {
    pub(crate) const CODES: [&str; 3] = [Self::Confirm.code(), Self::Cancel.code(), Self::Move.code()];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

impl Agenda {
    /// Keeps what somebody has answered at that time about events as they begin now; who cancels them, has them cancelled. Asked again it
    /// changes nothing.
    ///
    /// # Errors
    /// The database's. Events that are gone are passed over.
    pub(crate) async fn answer(
        &self,
        (tenant, events): (TenantId, &[EventId]),
        (answer, at): (EventAnswer, UnixMicros),
    ) -> Result<(), AgendaFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        for event in events {
            let mut put = Sql::new("INSERT INTO agenda_answer (event, for_at, answer, at) SELECT id, starts_at, ");
            put.value(answer.code()).push(", ").value(at.0.cast_signed());
            put.push(" FROM agenda_event WHERE tenant = ").value(tenant.0);
            put.push(" AND id = ").value(event.0.cast_signed());
            put.push(
                " ON CONFLICT (event) DO UPDATE SET for_at = excluded.for_at, answer = excluded.answer, at = excluded.at",
            );
            change.run(put).await?;
        }
        change.commit().await?;
        for event in events.iter().filter(|_| answer == EventAnswer::Cancel) {
            match self
                .set_state_by((tenant, *event), (EventState::Cancelled, FreedBy::Patient))
                .await
            {
                Ok(_) | Err(AgendaFault::NotFound) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    /// What was answered about an event as it begins now, and when.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn answered(&self, event: EventId) -> Result<Option<(EventAnswer, UnixMicros)>, DatabaseError> {
        let mut query = Sql::new("SELECT answer, agenda_answer.at FROM agenda_answer JOIN agenda_event ON ");
        query.push("agenda_event.id = agenda_answer.event AND agenda_event.starts_at = agenda_answer.for_at ");
        query.push("WHERE agenda_answer.event = ").value(event.0.cast_signed());
        let read = |row: &crate::database::Found<'_>| {
            let answer = row.parsed(0, "an answer about an event", |answer| answer.parse().ok())?;
            Ok((answer, super::kept::time(row.number(1)?)))
        };
        self.0.database.row(query, read).await
    }

    /// When a number was asked whether it agrees to advertising.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn consent_asked_at(
        &self,
        tenant: TenantId,
        number: Recipient,
    ) -> Result<Option<UnixMicros>, DatabaseError> {
        let mut query = Sql::new("SELECT asked_at FROM consent_asked WHERE tenant = ");
        query.value(tenant.0).push(" AND who = ").value(number.to_string());
        let read = |row: &crate::database::Found<'_>| Ok(super::kept::time(row.number(0)?));
        self.0.database.row(query, read).await
    }

    /// Forgets the events of a number that are of no contact, and that it was asked whether it agrees: nothing is asked of whoever is
    /// forgotten. Returns how many events there were.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn forget_number(&self, tenant: TenantId, number: Recipient) -> Result<u64, DatabaseError> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut delete = Sql::new("DELETE FROM agenda_event WHERE tenant = ");
        delete.value(tenant.0);
        delete.push(" AND number = ").value(number.0.cast_signed());
        let forgotten = change.run(delete).await?;
        let mut delete = Sql::new("DELETE FROM consent_asked WHERE tenant = ");
        delete.value(tenant.0).push(" AND who = ").value(number.to_string());
        change.run(delete).await?;
        change.commit().await?;
        Ok(forgotten)
    }
}
