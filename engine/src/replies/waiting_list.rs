//! Who waits for a time that becomes free: people who have asked for it, by the practice's own references.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{Replies, ReplyFault, Shared};
use crate::agenda::{Event, GivenWhom, Whom};
use crate::compose::fold;
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{ContactId, Recipient, TenantId, UnixMicros};
use crate::people::Outcome;

/// The most people who wait of one tenant: for each time that becomes free all are looked at.
pub(crate) const WAITING_MAX: usize = 10_000;

/// The most that are given, or taken off, at once.
pub(crate) const WAITING_GIVEN_MAX: usize = 1_000;

/// The most kinds, practitioners and places that suit somebody.
pub(crate) const SUITS_MAX: usize = 20;

/// How many days somebody waits, at most, and when that is not said.
pub(crate) const WAITING_DAYS: u32 = 400;
pub(crate) const WAITING_USUAL_DAYS: u32 = 90;

/// Why somebody who was to be asked is not.
pub(super) const OFF: &str = "not_waiting";

/// Which times suit somebody; of what is empty, all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Suits {
    pub(crate) kinds: Vec<String>,
    pub(crate) practitioners: Vec<String>,
    pub(crate) places: Vec<String>,
    /// Those that begin then or later.
    pub(crate) from: Option<UnixMicros>,
    /// Those that begin before.
    pub(crate) until: Option<UnixMicros>,
}

impl Suits {
    fn is_for(&self, event: &Event, starts_at: UnixMicros) -> bool {
        let is_one = |of: &[String], own: &str| {
            let own = fold(own);
            of.is_empty() || of.iter().any(|known| fold(known) == own)
        };
        let details = &event.details;
        is_one(&self.kinds, &event.kind)
            && is_one(&self.practitioners, &details.practitioner)
            && is_one(&self.places, &details.place)
            && self.from.is_none_or(|from| starts_at >= from)
            && self.until.is_none_or(|until| starts_at < until)
    }
}

/// Somebody who is put on the list.
#[derive(Clone, Debug)]
pub(crate) struct GivenWaiting {
    /// What the practice's software calls it.
    pub(crate) reference: String,
    pub(crate) whom: GivenWhom,
    pub(crate) suits: Suits,
    /// That they have asked for it, in the practice's words.
    pub(crate) consent: String,
    /// `None`: as it is known, or in the usual time.
    pub(crate) expires_at: Option<UnixMicros>,
}

/// Somebody who waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WaitingPerson {
    pub(crate) id: u64,
    pub(crate) reference: String,
    pub(crate) whom: Whom,
    pub(crate) suits: Suits,
    pub(crate) consent: String,
    pub(crate) expires_at: UnixMicros,
    pub(crate) created_at: UnixMicros,
    /// A contact's, as it is now; `None`: it has none that reaches them.
    pub(super) number: Option<Recipient>,
}

const SELECT: &str = "SELECT waiting_person.id, waiting_person.reference, waiting_person.contact, waiting_person.number, \
     waiting_person.suits, waiting_person.consent, waiting_person.expires_at, waiting_person.created_at, \
     CASE WHEN contact.unreachable_at IS NULL THEN COALESCE(waiting_person.number, contact.number) END \
     FROM waiting_person LEFT JOIN contact ON contact.id = waiting_person.contact WHERE waiting_person.tenant = ";

impl Replies {
    /// Puts people on the list, in place of what is known of them, all or none; where one is given twice, the later stands. Whoever is on it
    /// keeps their place. Returns what became of each, in their order.
    ///
    /// # Errors
    /// [`ReplyFault::Agenda`]: one is no contact; [`ReplyFault::TooManyWaiting`]; or the database's.
    pub(crate) async fn put_on_waiting_list(
        &self,
        tenant: TenantId,
        given: &[GivenWaiting],
    ) -> Result<Vec<Outcome>, ReplyFault> {
        let shared = &self.0;
        let whom: Vec<Option<&GivenWhom>> = given.iter().map(|one| Some(&one.whom)).collect();
        let whom = shared.agenda.whom(tenant, ("people", &whom)).await?;
        let now = shared.clock.unix();
        let mut change = shared.database.change_of(tenant).await?;
        let mut query = select(tenant);
        query.push(" AND waiting_person.reference IN (");
        query.list(given.iter().map(|one| one.reference.as_str())).push(")");
        let known = change.rows(query, read).await?;
        let mut known: HashMap<String, WaitingPerson> =
            known.into_iter().map(|one| (one.reference.clone(), one)).collect();
        let first = change.numbers("waiting_person", given.len()).await?;
        let mut outcomes = Vec::with_capacity(given.len());
        for ((one, whom), id) in given.iter().zip(whom).zip(first..) {
            let Some(whom) = whom else { continue };
            let before = known.get(&one.reference);
            let usual = now.plus(std::time::Duration::from_secs(u64::from(WAITING_USUAL_DAYS) * 86_400));
            let person = WaitingPerson {
                id: before.map_or(id.cast_unsigned(), |before| before.id),
                reference: one.reference.clone(),
                whom,
                suits: one.suits.clone(),
                consent: one.consent.clone(),
                expires_at: one
                    .expires_at
                    .or(before.map(|before| before.expires_at).filter(|at| *at > now))
                    .unwrap_or(usual),
                created_at: before.map_or(now, |before| before.created_at),
                number: before.and_then(|before| before.number),
            };
            let outcome = match before {
                Some(before) if *before == person => Outcome::Unchanged,
                Some(_) => Outcome::Updated,
                None => Outcome::Created,
            };
            if outcome != Outcome::Unchanged {
                write(&mut change, (tenant, &person)).await?;
            }
            known.insert(one.reference.clone(), person);
            outcomes.push(outcome);
        }
        let mut count = Sql::new("SELECT COUNT(*) FROM waiting_person WHERE tenant = ");
        count.value(tenant.0);
        count.push(" AND expires_at > ").value(now.0.cast_signed());
        let counted = change.rows(count, |row| row.number(0)).await?;
        if counted.first().is_some_and(|count| *count > WAITING_MAX as i64) {
            return Err(ReplyFault::TooManyWaiting);
        }
        if outcomes.iter().any(|outcome| *outcome != Outcome::Unchanged) {
            // What is still free may suit them.
            let mut update = Sql::new(
                "UPDATE freed_slot SET joined = joined + 1 WHERE state IN ('free', 'offered', 'nobody') AND tenant = ",
            );
            update.value(tenant.0);
            update.push(" AND starts_at > ").value(now.0.cast_signed());
            change.run(update).await?;
        }
        change.commit().await?;
        Ok(outcomes)
    }

    /// Takes people off the list: nobody of them is asked any more. Returns how many were on it.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn take_off_waiting_list(
        &self,
        tenant: TenantId,
        references: &[String],
    ) -> Result<u64, DatabaseError> {
        let mut change = self.0.database.change_of(tenant).await?;
        let taken = take_off(&mut change, tenant, references).await?;
        change.commit().await?;
        Ok(taken)
    }

    /// A tenant's list, behind that place, in the order in which people are asked.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn waiting_list(
        &self,
        tenant: TenantId,
        (behind, limit): (Option<u64>, usize),
    ) -> Result<Vec<WaitingPerson>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" AND waiting_person.id > ");
        query.value(behind.unwrap_or(0).cast_signed());
        query.push(" ORDER BY waiting_person.id LIMIT ");
        query.value(i64::try_from(limit).unwrap_or(i64::MAX));
        self.0.database.rows(query, read).await
    }

    /// Where a number waits, by itself or as a contact's.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn waiting_with(
        &self,
        tenant: TenantId,
        number: Recipient,
    ) -> Result<Vec<WaitingPerson>, DatabaseError> {
        let number = number.0.cast_signed();
        let mut query = select(tenant);
        query.push(" AND (waiting_person.number = ").value(number);
        query.push(" OR contact.number = ").value(number);
        query.push(") ORDER BY waiting_person.id");
        self.0.database.rows(query, read).await
    }
}

impl Shared {
    /// Who waits for such a time, in their order, each number once; but not whose it was.
    pub(super) async fn waiting_for(
        &self,
        tenant: TenantId,
        (event, starts_at): (&Event, UnixMicros),
    ) -> Result<Vec<(Recipient, WaitingPerson)>, ReplyFault> {
        let whose = match event.whom {
            Whom::Number(number) => Some(number),
            Whom::Contact(contact) => self.people.contact(tenant, contact).await?.details.number,
        };
        let mut query = select(tenant);
        query.push(" AND waiting_person.expires_at > ");
        query.value(self.clock.unix().0.cast_signed());
        query.push(" ORDER BY waiting_person.id");
        let mut seen: HashSet<u64> = whose.iter().map(|number| number.0).collect();
        let mut waiting = Vec::new();
        for person in self.database.rows(query, read).await? {
            let number = person.number.filter(|_| person.suits.is_for(event, starts_at));
            if let Some(number) = number.filter(|number| seen.insert(number.0)) {
                waiting.push((number, person));
            }
        }
        Ok(waiting)
    }
}

/// Whether who is asked by that message of a conversation still waits; whoever is told something else is asked nothing.
pub(super) async fn still_waits(database: &Database, said: i64, now: UnixMicros) -> Result<bool, DatabaseError> {
    let mut query = Sql::new(
        "SELECT COUNT(*) FROM offer_person WHERE NOT EXISTS (SELECT 1 FROM waiting_person WHERE waiting_person.tenant = offer_person.tenant \
         AND waiting_person.reference = offer_person.waiting AND waiting_person.expires_at > ",
    );
    query.value(now.0.cast_signed());
    query.push(") AND offer_person.said = ").value(said);
    Ok(database.count(query).await? == 0)
}

/// Takes people off the list, who are not asked any more then. Returns how many were on it.
pub(super) async fn take_off(
    change: &mut Change,
    tenant: TenantId,
    references: &[String],
) -> Result<u64, DatabaseError> {
    let mut delete = Sql::new("DELETE FROM waiting_person WHERE tenant = ");
    delete.value(tenant.0).push(" AND reference IN (");
    delete.list(references.iter().map(String::as_str)).push(")");
    let taken = change.run(delete).await?;
    let mut update = Sql::new("UPDATE conversation_message SET state = 'failed', reason = ");
    update.value(OFF);
    update.push(" WHERE state = 'due' AND id IN (SELECT said FROM offer_person WHERE tenant = ");
    update.value(tenant.0).push(" AND waiting IN (");
    update.list(references.iter().map(String::as_str)).push("))");
    change.run(update).await?;
    Ok(taken)
}

async fn write(change: &mut Change, (tenant, person): (TenantId, &WaitingPerson)) -> Result<(), DatabaseError> {
    let (contact, number) = match person.whom {
        Whom::Contact(contact) => (Some(contact.0.cast_signed()), None),
        Whom::Number(number) => (None, Some(number.0.cast_signed())),
    };
    let mut put = Sql::new(
        "INSERT INTO waiting_person (id, tenant, reference, contact, number, suits, consent, expires_at, created_at) VALUES (",
    );
    put.value(person.id.cast_signed()).push(", ").value(tenant.0);
    put.push(", ").value(person.reference.as_str());
    put.push(", ").value(contact).push(", ").value(number);
    put.push(", ")
        .value(serde_json::to_string(&person.suits).unwrap_or_default());
    put.push(", ").value(person.consent.as_str());
    put.push(", ").value(person.expires_at.0.cast_signed());
    put.push(", ").value(person.created_at.0.cast_signed());
    put.push(
        ") ON CONFLICT (tenant, reference) DO UPDATE SET contact = excluded.contact, number = excluded.number, \
         suits = excluded.suits, consent = excluded.consent, expires_at = excluded.expires_at",
    );
    change.run(put).await.map(drop)
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new(SELECT);
    query.value(tenant.0);
    query
}

fn read(row: &Found<'_>) -> Result<WaitingPerson, DatabaseError> {
    let id = |column| Ok::<_, DatabaseError>(row.number_if_any(column)?.map(i64::cast_unsigned));
    let whom = match (id(2)?, id(3)?) {
        (Some(contact), _) => Whom::Contact(ContactId(contact)),
        (None, Some(number)) => Whom::Number(Recipient(number)),
        (None, None) => return Err(DatabaseError::Corrupt("who waits")),
    };
    Ok(WaitingPerson {
        id: row.number(0)?.cast_unsigned(),
        reference: row.text(1)?,
        whom,
        suits: row.parsed(4, "what suits who waits", |suits| serde_json::from_str(suits).ok())?,
        consent: row.text(5)?,
        expires_at: UnixMicros(row.number(6)?.cast_unsigned()),
        created_at: UnixMicros(row.number(7)?.cast_unsigned()),
        number: id(8)?.map(Recipient),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agenda::EventState;
    use crate::domain::EventId;

    const START: UnixMicros = UnixMicros(1_000);

    fn event() -> Event {
        Event {
            id: EventId(1),
            reference: "RDV-1".to_owned(),
            whom: Whom::Number(Recipient(33_612_345_678)),
            kind: "Échographie".to_owned(),
            state: EventState::Cancelled,
            start: crate::agenda::Start {
                at: START,
                zone: crate::agenda::TIME_ZONE.to_owned(),
            },
            given_state: None,
            dated: true,
            series: None,
            details: Default::default(),
            turn: 1,
            created_at: UnixMicros(0),
            updated_at: UnixMicros(0),
        }
    }

    #[test]
    fn a_time_suits_by_all_that_is_said_of_it() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let any = Suits::default();
        let of_kind = Suits {
            kinds: words(&["Consultation", "ECHOGRAPHIE"]),
            ..Suits::default()
        };
        let elsewhere = Suits {
            places: words(&["12 rue Haute"]),
            ..of_kind.clone()
        };
        let from = Suits {
            from: Some(START),
            ..Suits::default()
        };
        let until = Suits {
            until: Some(START),
            ..Suits::default()
        };
        for (suits, expected) in [
            (any, true),
            (of_kind, true),
            (elsewhere, false),
            (from, true),
            (until, false),
        ] {
            assert_eq!(suits.is_for(&event(), START), expected, "{suits:?}");
        }
    }
}
