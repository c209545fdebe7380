//! Events in SQL.

use std::collections::{HashMap, HashSet};

use super::event::{Details, Event, EventState, Series, Start, Whom};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{ContactId, EventId, Recipient, TenantId, UnixMicros};

/// The columns of an event, in the order in which [`read`] reads them.
pub(super) const COLUMNS: &str = "agenda_event.id, agenda_event.reference, agenda_event.contact, agenda_event.number, agenda_event.kind, \
     agenda_event.state, agenda_event.starts_at, agenda_event.dated, agenda_event.zone, agenda_event.details, agenda_event.turn, \
     agenda_event.created_at, agenda_event.updated_at, agenda_event.repeat_rule, agenda_event.first_at, \
     agenda_event.given_state";

/// How many these are.
pub(super) const COLUMNS_COUNT: usize = 16;

/// Those that change.
const CHANGED: [&str; 14] = [
    "contact",
    "number",
    "kind",
    "state",
    "given_state",
    "starts_at",
    "dated",
    "zone",
    "details",
    "turn",
    "updated_at",
    "repeat_rule",
    "first_at",
    "rolls_at",
];

/// Which events are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sought {
    pub(crate) reference: Option<String>,
    pub(crate) contact: Option<ContactId>,
    /// Of no contact.
    pub(crate) number: Option<Recipient>,
    pub(crate) kind: Option<String>,
    pub(crate) state: Option<EventState>,
    /// Those that begin then or later.
    pub(crate) since: Option<UnixMicros>,
    /// Those that begin before.
    pub(crate) until: Option<UnixMicros>,
}

/// Those of a tenant that are sought, by their start, from behind `after` on.
pub(super) async fn some(
    database: &Database,
    (tenant, sought): (TenantId, &Sought),
    (after, limit): (Option<EventId>, usize),
) -> Result<Vec<Event>, DatabaseError> {
    let mut query = select(tenant);
    let mut texts = |column: &str, text: Option<&str>| {
        if let Some(text) = text {
            query.push(" AND agenda_event.").push(column).push(" = ").value(text);
        }
    };
    texts("reference", sought.reference.as_deref());
    texts("kind", sought.kind.as_deref());
    texts("state", sought.state.map(EventState::code));
    let mut numbers = |words: &str, number: Option<u64>| {
        if let Some(number) = number {
            query.push(" AND agenda_event.").push(words).value(number.cast_signed());
        }
    };
    numbers("contact = ", sought.contact.map(|contact| contact.0));
    numbers("number = ", sought.number.map(|number| number.0));
    numbers("starts_at >= ", sought.since.map(|at| at.0));
    numbers("starts_at < ", sought.until.map(|at| at.0));
    if let Some(after) = after {
        query.push(
            " AND (agenda_event.starts_at, agenda_event.id) > (SELECT starts_at, id FROM agenda_event WHERE id = ",
        );
        query.value(after.0.cast_signed()).push(")");
    }
    query.push(" ORDER BY agenda_event.starts_at, agenda_event.id LIMIT ");
    query.value(i64::try_from(limit).unwrap_or(i64::MAX));
    database.rows(query, |row| read(row, 0)).await
}

pub(super) async fn one(
    database: &Database,
    (tenant, id): (TenantId, EventId),
) -> Result<Option<Event>, DatabaseError> {
    let mut query = select(tenant);
    query.push(" AND agenda_event.id = ").value(id.0.cast_signed());
    database.row(query, |row| read(row, 0)).await
}

/// Those of these references that are known.
pub(super) async fn known(
    change: &mut Change,
    tenant: TenantId,
    references: impl Iterator<Item = String>,
) -> Result<HashMap<String, Event>, DatabaseError> {
    let mut query = select(tenant);
    query
        .push(" AND agenda_event.reference IN (")
        .list(references)
        .push(")");
    let found = change.rows(query, |row| read(row, 0)).await?;
    Ok(found
        .into_iter()
        .map(|event| (event.reference.clone(), event))
        .collect())
}

/// Events of a tenant that are booked and begin later, from behind `after` on, in the order in which they came.
pub(super) async fn to_come(
    change: &mut Change,
    tenant: TenantId,
    (after, now, limit): (EventId, UnixMicros, usize),
) -> Result<Vec<Event>, DatabaseError> {
    let mut query = select(tenant);
    query.push(" AND agenda_event.state = 'booked' AND agenda_event.id > ");
    query.value(after.0.cast_signed());
    query.push(" AND agenda_event.starts_at > ").value(now.0.cast_signed());
    query.push(" ORDER BY agenda_event.id LIMIT ");
    query.value(i64::try_from(limit).unwrap_or(i64::MAX));
    change.rows(query, |row| read(row, 0)).await
}

/// Some tenants with events that recur and have begun.
pub(super) async fn who_rolls(database: &Database, now: UnixMicros) -> Result<HashSet<TenantId>, DatabaseError> {
    let read = |row: &Found<'_>| Ok(TenantId(u32::try_from(row.number(0)?).unwrap_or_default()));
    Ok(database.rows(begun(now), read).await?.into_iter().collect())
}

fn begun(now: UnixMicros) -> Sql {
    // In the order of their times: for `DISTINCT`, SQLite goes through all events of all tenants.
    let mut query = Sql::new("SELECT tenant FROM agenda_event WHERE rolls_at <= ");
    query.value(now.0.cast_signed()).push(" ORDER BY rolls_at LIMIT 100");
    query
}

/// Events of a tenant that recur and have begun.
pub(super) async fn to_roll(
    change: &mut Change,
    of: (TenantId, UnixMicros),
    limit: usize,
) -> Result<Vec<Event>, DatabaseError> {
    change.rows(begun_of(of, limit), |row| read(row, 0)).await
}

fn begun_of((tenant, now): (TenantId, UnixMicros), limit: usize) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM agenda_event WHERE agenda_event.rolls_at <= ");
    // By their times, and not by the tenant, which may have a million others: `+` keeps that index away.
    query
        .value(now.0.cast_signed())
        .push(" AND +agenda_event.tenant = ")
        .value(tenant.0);
    query.push(" ORDER BY agenda_event.rolls_at LIMIT ");
    query.value(i64::try_from(limit).unwrap_or(i64::MAX));
    query
}

/// Puts events in place of what is known of them; as many as fit one statement.
pub(super) async fn write(change: &mut Change, tenant: TenantId, events: &[&Event]) -> Result<(), DatabaseError> {
    let mut sql = Sql::new(
        "INSERT INTO agenda_event (id, tenant, reference, contact, number, kind, state, starts_at, dated, zone, details, turn, \
         created_at, updated_at, repeat_rule, first_at, rolls_at, given_state) VALUES ",
    );
    for (at, event) in events.iter().enumerate() {
        sql.push(if at > 0 { ", (" } else { "(" });
        let (contact, number) = match event.whom {
            Whom::Contact(contact) => (Some(contact.0.cast_signed()), None),
            Whom::Number(number) => (None, Some(number.0.cast_signed())),
        };
        sql.value(event.id.0.cast_signed()).push(", ").value(tenant.0);
        sql.push(", ").value(event.reference.as_str());
        sql.push(", ").value(contact).push(", ").value(number);
        sql.push(", ").value(event.kind.as_str());
        sql.push(", ").value(event.state.code());
        sql.push(", ").value(event.start.at.0.cast_signed());
        sql.push(", ").value(i64::from(event.dated));
        sql.push(", ").value(event.start.zone.as_str());
        let details = serde_json::to_string(&event.details).unwrap_or_default();
        sql.push(", ").value(details).push(", ").value(event.turn);
        for time in [event.created_at, event.updated_at] {
            sql.push(", ").value(time.0.cast_signed());
        }
        let series = event.series.as_ref();
        let rolls = series
            .filter(|_| event.state == EventState::Booked)
            .map(|_| event.start.at);
        sql.push(", ").value(series.map(|series| series.rule.clone()));
        for time in [series.map(|series| series.first), rolls] {
            sql.push(", ").value(time.map(|at| at.0.cast_signed()));
        }
        let given_state = event.given_state.map(|state| state.code().to_owned());
        sql.push(", ").value(given_state).push(")");
    }
    sql.push(" ON CONFLICT (id) DO UPDATE SET ");
    for (at, column) in CHANGED.iter().enumerate() {
        sql.push(if at > 0 { ", " } else { "" });
        sql.push(column).push(" = excluded.").push(column);
    }
    change.run(sql).await?;
    Ok(())
}

/// Some of the events that began before, whosever they are.
pub(super) async fn old(database: &Database, before: UnixMicros, limit: usize) -> Result<Vec<EventId>, DatabaseError> {
    let mut query = Sql::new("SELECT id FROM agenda_event WHERE starts_at < ");
    query.value(before.0.cast_signed()).push(" LIMIT ");
    query.value(i64::try_from(limit).unwrap_or(i64::MAX));
    database
        .rows(query, |row| Ok(EventId(row.number(0)?.cast_unsigned())))
        .await
}

/// Forgets events with their reminders.
pub(super) async fn forget(database: &Database, events: &[EventId]) -> Result<(), DatabaseError> {
    let mut change = database.change().await?;
    let mut delete = Sql::new("DELETE FROM agenda_event WHERE id IN (");
    delete.list(events.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(delete).await?;
    change.commit().await
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM agenda_event WHERE agenda_event.tenant = ");
    query.value(tenant.0);
    query
}

/// An event whose columns begin at `from`.
pub(super) fn read(row: &Found<'_>, from: usize) -> Result<Event, DatabaseError> {
    let contact = row.number_if_any(from + 2)?;
    let number = row.number_if_any(from + 3)?;
    let whom = match (contact, number) {
        (Some(contact), _) => Whom::Contact(ContactId(contact.cast_unsigned())),
        (None, Some(number)) => Whom::Number(Recipient(number.cast_unsigned())),
        (None, None) => return Err(DatabaseError::Corrupt("whom an event is for")),
    };
    let rule = row.text_if_any(from + 13)?;
    let first = row.number_if_any(from + 14)?.map(time);
    let details: Details = row.parsed(from + 9, "the details of an event", |json| {
        serde_json::from_str(json).ok()
    })?;
    Ok(Event {
        id: EventId(row.number(from)?.cast_unsigned()),
        reference: row.text(from + 1)?,
        whom,
        kind: row.text(from + 4)?,
        state: row.parsed(from + 5, "the state of an event", |code| code.parse().ok())?,
        given_state: match row.text_if_any(from + 15)? {
            Some(code) => Some(
                code.parse()
                    .map_err(|_| DatabaseError::Corrupt("the given state of an event"))?,
            ),
            None => None,
        },
        start: Start {
            at: time(row.number(from + 6)?),
            zone: row.text(from + 8)?,
        },
        dated: row.number(from + 7)? != 0,
        series: rule.zip(first).map(|(rule, first)| Series { rule, first }),
        details,
        turn: u32::try_from(row.number(from + 10)?).unwrap_or_default(),
        created_at: time(row.number(from + 11)?),
        updated_at: time(row.number(from + 12)?),
    })
}

pub(super) fn time(value: i64) -> UnixMicros {
    UnixMicros(value.cast_unsigned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::tests::{open, plan};

    #[tokio::test]
    async fn what_recurs_is_found_without_going_through_all_events() {
        let folder = tempfile::tempdir().unwrap();
        let database = open(folder.path()).await.unwrap();
        let now = UnixMicros(1);
        for query in [begun(now), begun_of((TenantId(1), now), 1_000)] {
            let plan = plan(&database, &query).await;
            assert!(
                plan.iter().all(|step| step.contains("agenda_event_to_roll")),
                "{plan:?}"
            );
        }
    }
}
