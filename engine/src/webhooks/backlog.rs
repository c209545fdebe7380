//! What endpoints are still to be told, and what they were told: the rows of deliveries.

use rustc_hash::FxHashMap;

use super::endpoint::{micros, number};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{DeliveryId, EndpointId, UnixMicros};

/// Deliveries in one statement: it has a value for each of their columns.
const ROWS_MAX: usize = 500;

/// Deliveries of an endpoint that are shown after they are over, the newest.
const SHOWN_MAX: u64 = 1_000;

/// A name under which their numbers are given.
const SERIES: &str = "webhook_delivery";

/// What became of a delivery so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum DeliveryState {
    /// To be tried (again).
    Waiting,
    /// The receiver has it.
    Delivered,
    /// It is not tried any more.
    Failed,
}

impl DeliveryState {
    pub(crate) const CODES: [&str; 3] = [
        Self::Waiting.into_str(),
        Self::Delivered.into_str(),
        Self::Failed.into_str(),
    ];
}

/// Of what a delivery tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum DeliveryKind {
    /// Messages, up to a hundred.
    Messages,
    /// What somebody has written.
    Received,
    /// Somebody who wants no more messages.
    OptedOut,
    /// Somebody who has advertising again.
    OptedIn,
    /// A campaign's step.
    Campaign,
    /// An occurrence of an automation that was held up.
    Automation,
    /// A conversation that waits for people.
    Conversation,
    /// Few credits that are left.
    Balance,
    /// What somebody answers to an appointment.
    Appointment,
    /// People who have followed their links, up to a hundred.
    Clicks,
    /// Somebody who has a place of an offer.
    OfferTaken,
    /// An offer that is over.
    OfferEnded,
    /// A time that became free.
    SlotFreed,
    /// Somebody who has it.
    SlotTaken,
    /// One that is offered no more.
    SlotEnded,
    /// Somebody who has answered a question.
    SurveyAnswered,
    /// Somebody who is not content.
    SurveyAlert,
    /// A text that is to be looked at.
    Flagged,
    /// What was decided of one.
    Decided,
    /// Traffic that is to be looked at.
    TrafficFlagged,
    /// What was decided of it.
    TrafficDecided,
    /// A file of contacts that was read to its end.
    Imported,
    /// One that was not.
    NotImported,
    /// Nothing: a test.
    Test,
}

/// Something that an endpoint is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct News {
    pub(super) endpoint: EndpointId,
    pub(super) kind: DeliveryKind,
    /// JSON.
    pub(super) news: String,
    pub(super) events: u32,
}

/// A delivery as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    pub(crate) id: DeliveryId,
    pub(super) endpoint: EndpointId,
    pub(crate) kind: DeliveryKind,
    pub(super) news: String,
    pub(crate) events: u32,
    pub(crate) created_at: UnixMicros,
    pub(crate) state: DeliveryState,
    pub(crate) attempts: u32,
    pub(crate) next_at: UnixMicros,
    /// The last attempt.
    pub(crate) attempted_at: Option<UnixMicros>,
    /// What was answered to it.
    pub(crate) code: Option<u16>,
    /// Why nothing was.
    pub(crate) fault: Option<String>,
    pub(crate) milliseconds: Option<u64>,
}

const COLUMNS: &str =
    "id, endpoint, kind, news, events, created_at, state, attempts, next_at, attempted_at, code, fault, milliseconds";

impl Delivery {
    fn read(row: &Found<'_>) -> Result<Self, DatabaseError> {
        Ok(Self {
            id: DeliveryId(row.number(0)? as u64),
            endpoint: EndpointId(row.number(1)? as u64),
            kind: row.parsed(2, "the kind of a delivery", |text| text.parse().ok())?,
            news: row.text(3)?,
            events: row.number(4)? as u32,
            created_at: micros(row.number(5)?),
            state: row.parsed(6, "the state of a delivery", |text| text.parse().ok())?,
            attempts: row.number(7)? as u32,
            next_at: micros(row.number(8)?),
            attempted_at: row.number_if_any(9)?.map(micros),
            code: row.number_if_any(10)?.map(|code| code as u16),
            fault: row.text_if_any(11)?,
            milliseconds: row.number_if_any(12)?.map(|took| took as u64),
        })
    }
}

/// Keeps what endpoints are to be told. Returns the number of the first; the others follow.
pub(super) async fn add(change: &mut Change, all: &[News], now: UnixMicros) -> Result<DeliveryId, DatabaseError> {
    let first = change.numbers(SERIES, all.len()).await?;
    for (chunk, ids) in all.chunks(ROWS_MAX).zip((first..).step_by(ROWS_MAX)) {
        let mut add = Sql::new(
            "INSERT INTO webhook_delivery (id, endpoint, kind, news, events, created_at, state, attempts, next_at) VALUES ",
        );
        for (at, (news, id)) in chunk.iter().zip(ids..).enumerate() {
            add.push(if at > 0 { ", (" } else { "(" });
            add.list([id, news.endpoint.0 as i64]).push(", ");
            add.list([news.kind.into_str(), &*news.news]).push(", ");
            add.list([i64::from(news.events), number(now)]).push(", 'waiting', 0, ");
            add.value(number(now)).push(")");
        }
        change.run(add).await?;
    }
    Ok(DeliveryId(first as u64))
}

/// Some that may be tried now: those that were tried least, in their order.
pub(super) async fn due(
    database: &Database,
    endpoint: EndpointId,
    now: UnixMicros,
    limit: usize,
) -> Result<Vec<Delivery>, DatabaseError> {
    let mut query = Sql::new(&format!("SELECT {COLUMNS} FROM webhook_delivery WHERE endpoint = "));
    query
        .value(endpoint.0 as i64)
        .push(" AND state = 'waiting' AND next_at <= ")
        .value(number(now));
    query.push(" ORDER BY attempts, id LIMIT ").value(limit as i64);
    database.rows(query, Delivery::read).await
}

/// When the next of an endpoint's may be tried.
pub(super) async fn next_at(database: &Database, endpoint: EndpointId) -> Result<Option<UnixMicros>, DatabaseError> {
    let mut query = Sql::new("SELECT MIN(next_at) FROM webhook_delivery WHERE state = 'waiting' AND endpoint = ");
    query.value(endpoint.0 as i64);
    let next = database.row(query, |row| row.number_if_any(0)).await?;
    Ok(next.flatten().map(micros))
}

/// How many wait, by endpoint.
pub(super) async fn waiting(database: &Database) -> Result<Vec<(EndpointId, u64)>, DatabaseError> {
    let query = "SELECT endpoint, COUNT(*) FROM webhook_delivery WHERE state = 'waiting' GROUP BY endpoint";
    database.rows(Sql::new(query), counted).await
}

/// Stores what an attempt has made of a delivery.
pub(super) async fn note(change: &mut Change, delivery: &Delivery) -> Result<(), DatabaseError> {
    let mut note = Sql::new("UPDATE webhook_delivery SET state = ");
    note.value(delivery.state.into_str())
        .push(", attempts = ")
        .value(delivery.attempts);
    note.push(", next_at = ").value(number(delivery.next_at));
    note.push(", attempted_at = ").value(delivery.attempted_at.map(number));
    note.push(", code = ").value(delivery.code.map(i64::from));
    note.push(", fault = ").value(delivery.fault.clone());
    note.push(", milliseconds = ")
        .value(delivery.milliseconds.map(|took| took as i64));
    note.push(" WHERE id = ").value(delivery.id.0 as i64);
    change.run(note).await.map(drop)
}

/// What waits for an endpoint is tried now.
pub(super) async fn hurry(change: &mut Change, endpoint: EndpointId, now: UnixMicros) -> Result<(), DatabaseError> {
    let mut hurry = Sql::new("UPDATE webhook_delivery SET next_at = ");
    hurry
        .value(number(now))
        .push(" WHERE state = 'waiting' AND endpoint = ")
        .value(endpoint.0 as i64);
    hurry.push(" AND next_at > ").value(number(now));
    change.run(hurry).await.map(drop)
}

/// It is to be told again, as if for the first time. Returns whether it is there.
pub(super) async fn replay(
    change: &mut Change,
    (endpoint, id): (EndpointId, DeliveryId),
    now: UnixMicros,
) -> Result<bool, DatabaseError> {
    let mut replay = Sql::new("UPDATE webhook_delivery SET state = 'waiting', attempts = 0, next_at = ");
    replay.value(number(now)).push(", created_at = ").value(number(now));
    replay
        .push(" WHERE endpoint = ")
        .value(endpoint.0 as i64)
        .push(" AND id = ")
        .value(id.0 as i64);
    Ok(change.run(replay).await? > 0)
}

/// Those of an endpoint, in that state or in any, newest first, made before that one.
pub(super) async fn page(
    database: &Database,
    (endpoint, state): (EndpointId, Option<DeliveryState>),
    before: Option<DeliveryId>,
    limit: usize,
) -> Result<Vec<Delivery>, DatabaseError> {
    let mut query = Sql::new(&format!("SELECT {COLUMNS} FROM webhook_delivery WHERE endpoint = "));
    query.value(endpoint.0 as i64);
    if let Some(before) = before {
        query.push(" AND id < ").value(before.0 as i64);
    }
    if let Some(state) = state {
        query.push(" AND state = ").value(state.into_str());
    }
    query.push(" ORDER BY id DESC LIMIT ").value(limit as i64);
    database.rows(query, Delivery::read).await
}

/// Events of what waits for too long, by endpoint: they leave.
pub(super) async fn expire(change: &mut Change, before: UnixMicros) -> Result<Vec<(EndpointId, u64)>, DatabaseError> {
    let old = "FROM webhook_delivery WHERE state = 'waiting' AND created_at < ";
    let mut query = Sql::new("SELECT endpoint, CAST(SUM(events) AS BIGINT) ");
    query.push(old).value(number(before)).push(" GROUP BY endpoint");
    let dropped = change.rows(query, counted).await?;
    if !dropped.is_empty() {
        let mut remove = Sql::new("DELETE ");
        remove.push(old).value(number(before));
        change.run(remove).await?;
    }
    Ok(dropped)
}

/// What is over leaves when it is old, or when an endpoint has many newer ones.
pub(super) async fn tidy(change: &mut Change, endpoint: EndpointId, before: UnixMicros) -> Result<(), DatabaseError> {
    let mut remove = Sql::new("DELETE FROM webhook_delivery WHERE state <> 'waiting' AND endpoint = ");
    remove
        .value(endpoint.0 as i64)
        .push(" AND (created_at < ")
        .value(number(before));
    remove.push(" OR id <= COALESCE((SELECT id FROM webhook_delivery WHERE state <> 'waiting' AND endpoint = ");
    remove
        .value(endpoint.0 as i64)
        .push(" ORDER BY id DESC LIMIT 1 OFFSET ")
        .value(SHOWN_MAX as i64);
    remove.push("), -1))");
    change.run(remove).await.map(drop)
}

/// How far each source was read.
pub(super) async fn positions(database: &Database) -> Result<FxHashMap<String, String>, DatabaseError> {
    let read = |row: &Found<'_>| Ok((row.text(0)?, row.text(1)?));
    let all = Sql::new("SELECT source, place FROM webhook_position");
    Ok(database.rows(all, read).await?.into_iter().collect())
}

/// How far sources are read with this change, each from where it was before. `false`: one of them was read on elsewhere, or by a change
/// of which nobody knows that it was made.
pub(super) async fn move_on(
    change: &mut Change,
    places: &[(String, String)],
    before: &FxHashMap<String, String>,
) -> Result<bool, DatabaseError> {
    for (source, place) in places {
        let mut put = Sql::new("INSERT INTO webhook_position (source, place) VALUES (");
        put.list([&**source, place]);
        put.push(") ON CONFLICT (source) DO UPDATE SET place = excluded.place WHERE webhook_position.place = ");
        put.value(before.get(source).map_or("", String::as_str));
        if change.run(put).await? == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An endpoint, and how many.
fn counted(row: &Found<'_>) -> Result<(EndpointId, u64), DatabaseError> {
    Ok((EndpointId(row.number(0)? as u64), row.number(1)? as u64))
}
