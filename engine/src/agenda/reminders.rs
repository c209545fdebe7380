//! Reminders in SQL: made with their events, taken when they are due, and what became of them.

use std::collections::{HashMap, HashSet};

use strum::{EnumString, IntoStaticStr};

use super::event::Event;
use super::kept::{self, time};
use super::plan::Timer;
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{EventId, MessageId, Recipient, ReminderPlanId, TenantId, UnixMicros};
use crate::store::Token;

/// Rows that fit one statement.
const ROWS_MAX: usize = 1_000;

/// Reminders that are shown of one event.
const SHOWN_MAX: i64 = 200;

/// Where a reminder is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum ReminderState {
    Waiting,
    /// Its message is being asked for.
    Sending,
    Sent,
    /// It was not sent, and why is its reason.
    Skipped,
    /// What it was about is not any more.
    Cancelled,
}

impl ReminderState {
    pub(crate) const CODES: [&str; 5] = [
        Self::Waiting.code(),
        Self::Sending.code(),
        Self::Sent.code(),
        Self::Skipped.code(),
        Self::Cancelled.code(),
    ];

    /// The word in the API.
    pub(crate) const fn code(self) -> &'static str {
        self.into_str()
    }
}

/// By what a reminder is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) event: EventId,
    pub(super) plan: ReminderPlanId,
    pub(super) step: String,
    pub(super) for_at: UnixMicros,
    pub(super) turn: i64,
}

/// A reminder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reminder {
    pub(crate) event: EventId,
    pub(crate) plan: ReminderPlanId,
    /// Which of the plan's.
    pub(crate) step: String,
    /// For which start of its event.
    pub(crate) for_at: UnixMicros,
    /// How often its event had changed when that was told; 0: what its date says; below: whoever it was for has no say in it any more.
    pub(super) turn: i64,
    pub(crate) due_at: UnixMicros,
    pub(crate) state: ReminderState,
    pub(crate) reason: Option<String>,
    pub(super) tries: u32,
    pub(super) token: Option<Token>,
    pub(super) number: Option<Recipient>,
    pub(crate) begun_at: Option<UnixMicros>,
    pub(crate) message: Option<MessageId>,
}

impl Reminder {
    pub(super) fn key(&self) -> Key {
        Key {
            event: self.event,
            plan: self.plan,
            step: self.step.clone(),
            for_at: self.for_at,
            turn: self.turn,
        }
    }
}

/// A reminder with what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) reminder: Reminder,
    pub(super) event: Event,
    pub(super) tenant: TenantId,
    /// Whose number is to be told: the event's, or the contact's of now.
    pub(super) number_of_now: Option<Recipient>,
    /// Whether the contact wants no reminders.
    pub(super) is_off: bool,
    /// Whether the contact has agreed to advertising.
    pub(super) has_agreed: bool,
}

const COLUMNS: &str = "reminder.event, reminder.plan, reminder.step, reminder.for_at, reminder.turn, reminder.due_at, reminder.state, \
     reminder.reason, reminder.tries, reminder.token, reminder.number, reminder.begun_at, reminder.message";

const COLUMNS_COUNT: usize = 13;

/// Keeps timers of events. What was cancelled for the same start waits again.
pub(super) async fn keep(change: &mut Change, timers: &[(EventId, Timer)]) -> Result<(), DatabaseError> {
    for some in timers.chunks(ROWS_MAX) {
        let mut insert =
            Sql::new("INSERT INTO reminder (event, plan, step, for_at, turn, due_at, state, next_at, tries) VALUES ");
        for (at, (event, timer)) in some.iter().enumerate() {
            insert.push(if at > 0 { ", (" } else { "(" });
            insert.value(event.0.cast_signed()).push(", ");
            insert.value(timer.plan.0.cast_signed()).push(", ");
            insert.value(timer.step.as_str()).push(", ");
            insert.value(timer.for_at.0.cast_signed()).push(", ");
            insert.value(timer.turn).push(", ");
            insert.value(timer.due_at.0.cast_signed()).push(", 'waiting', ");
            insert.value(timer.due_at.0.cast_signed()).push(", 0)");
        }
        insert.push(" ON CONFLICT (event, plan, step, for_at, turn) DO UPDATE SET ");
        insert.push("state = 'waiting', reason = NULL, due_at = excluded.due_at, next_at = excluded.next_at ");
        insert.push("WHERE reminder.state = 'cancelled'");
        change.run(insert).await?;
    }
    Ok(())
}

/// These events begin at another time: what waits by their date is forgotten, and what waits to tell what happened tells the new date.
pub(super) async fn retarget(change: &mut Change, events: &[EventId]) -> Result<(), DatabaseError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut delete = Sql::new("DELETE FROM reminder WHERE state = 'waiting' AND turn = 0 AND event IN (");
    delete.list(events.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(delete).await?;
    tell_new_dates(change, events).await
}

/// What waits to tell what happened to these events tells when they begin now.
pub(super) async fn tell_new_dates(change: &mut Change, events: &[EventId]) -> Result<(), DatabaseError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut update =
        Sql::new("UPDATE reminder SET for_at = (SELECT starts_at FROM agenda_event WHERE id = reminder.event) ");
    update.push("WHERE state = 'waiting' AND turn > 0 AND event IN (");
    update.list(events.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(update).await?;
    Ok(())
}

/// What was told stays in sight below every turn that there is: it asks nothing any more, and may be told again.
const PUT_BELOW: &str = "UPDATE reminder SET turn = (SELECT MIN(other.turn) FROM reminder AS other \
     WHERE other.event = reminder.event) - 1 - turn WHERE state = 'sent' AND turn >= 0 AND ";

/// These events are for somebody else now, or at another number: whoever it was asked of has no say in them any more, and what waits is made
/// anew.
pub(super) async fn begin_anew(change: &mut Change, events: &[EventId]) -> Result<(), DatabaseError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut update = Sql::new(PUT_BELOW);
    update.push("event IN (");
    update.list(events.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(update).await?;
    let mut delete = Sql::new("DELETE FROM reminder WHERE state = 'waiting' AND event IN (");
    delete.list(events.iter().map(|id| id.0.cast_signed())).push(")");
    change.run(delete).await.map(drop)
}

/// What these plans told of such a start is told again.
pub(super) async fn tell_again(
    change: &mut Change,
    starts: &[(EventId, ReminderPlanId, UnixMicros)],
) -> Result<(), DatabaseError> {
    for (event, plan, for_at) in starts {
        let mut update = Sql::new(PUT_BELOW);
        update.push("event = ").value(event.0.cast_signed());
        update.push(" AND plan = ").value(plan.0.cast_signed());
        update.push(" AND for_at = ").value(for_at.0.cast_signed());
        change.run(update).await?;
    }
    Ok(())
}

/// What waits for these events is not sent; `before`: but for what is told some time behind them.
pub(super) async fn cancel_waiting(change: &mut Change, events: &[EventId], before: bool) -> Result<(), DatabaseError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut update =
        Sql::new("UPDATE reminder SET state = 'cancelled', next_at = NULL WHERE state = 'waiting' AND event IN (");
    update.list(events.iter().map(|id| id.0.cast_signed())).push(")");
    if before {
        update.push(" AND step NOT LIKE '+%' AND step <> '0'");
    }
    change.run(update).await?;
    Ok(())
}

/// Of which start people were told last, by event and plan.
pub(super) async fn told(
    change: &mut Change,
    events: &[EventId],
) -> Result<HashMap<(EventId, ReminderPlanId), UnixMicros>, DatabaseError> {
    if events.is_empty() {
        return Ok(HashMap::new());
    }
    let mut query = Sql::new(
        "SELECT event, plan, for_at FROM reminder WHERE state IN ('sending', 'sent') AND turn >= 0 AND event IN (",
    );
    query.list(events.iter().map(|id| id.0.cast_signed()));
    query.push(") ORDER BY begun_at");
    let read = |row: &Found<'_>| {
        let event = EventId(row.number(0)?.cast_unsigned());
        let plan = ReminderPlanId(row.number(1)?.cast_unsigned());
        Ok(((event, plan), time(row.number(2)?)))
    };
    Ok(change.rows(query, read).await?.into_iter().collect())
}

/// Those of an event, in the order of their times.
pub(super) async fn of(database: &Database, event: EventId) -> Result<Vec<Reminder>, DatabaseError> {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(" FROM reminder WHERE event = ");
    query.value(event.0.cast_signed());
    query.push(" ORDER BY due_at, plan, step LIMIT ").value(SHOWN_MAX);
    database.rows(query, |row| read(row, 0)).await
}

/// What is due, the oldest first.
pub(super) async fn due(database: &Database, now: UnixMicros, limit: usize) -> Result<Vec<Due>, DatabaseError> {
    let mut query = with_events();
    query.push(" WHERE reminder.next_at <= ").value(now.0.cast_signed());
    query.push(" ORDER BY reminder.next_at LIMIT ");
    query.value(i64::try_from(limit).unwrap_or(i64::MAX));
    database.rows(query, read_due).await
}

/// All that are sent in the message of that token to that number, which somebody has left undone.
pub(super) async fn under(
    change: &mut Change,
    (token, number): (Token, Recipient),
    now: UnixMicros,
) -> Result<Vec<Due>, DatabaseError> {
    let mut query = with_events();
    query
        .push(" WHERE reminder.state = 'sending' AND reminder.number = ")
        .value(number.0.cast_signed());
    query.push(" AND reminder.token = ").value(token.hex());
    query.push(" AND reminder.next_at <= ").value(now.0.cast_signed());
    query.push(" ORDER BY reminder.for_at, reminder.event");
    change.rows(query, read_due).await
}

/// All that are told by the message of that token to that number, in the order of their starts.
pub(super) async fn told_by(
    database: &Database,
    (token, number): (Token, Recipient),
) -> Result<Vec<Due>, DatabaseError> {
    let mut query = with_events();
    query.push(" WHERE reminder.number = ").value(number.0.cast_signed());
    query.push(" AND reminder.token = ").value(token.hex());
    query.push(" ORDER BY reminder.for_at, reminder.event");
    database.rows(query, read_due).await
}

/// Reminders of the same step of a plan that wait for the same number, of events that begin within that time, in the order of these.
pub(super) async fn alike(
    change: &mut Change,
    (due, now): (&Due, UnixMicros),
    (from, until): (UnixMicros, UnixMicros),
) -> Result<Vec<Due>, DatabaseError> {
    let mut query = with_events();
    let number = due.number_of_now.map(|number| number.0.cast_signed());
    // By the number and its people, whatever planners think of the day, which may have thousands of events: `+` keeps its index away.
    query
        .push(" WHERE agenda_event.id IN (SELECT id FROM agenda_event WHERE number = ")
        .value(number);
    query.push(
        " UNION ALL SELECT theirs.id FROM contact JOIN agenda_event AS theirs ON theirs.contact = contact.id WHERE contact.tenant = ",
    );
    query.value(due.tenant.0).push(" AND contact.number = ").value(number);
    query.push(") AND +agenda_event.tenant = ").value(due.tenant.0);
    query
        .push(" AND +agenda_event.starts_at >= ")
        .value(from.0.cast_signed());
    query
        .push(" AND +agenda_event.starts_at < ")
        .value(until.0.cast_signed());
    query.push(" AND agenda_event.state = ").value(due.event.state.code());
    query
        .push(" AND reminder.plan = ")
        .value(due.reminder.plan.0.cast_signed());
    query.push(" AND reminder.step = ").value(due.reminder.step.as_str());
    query.push(" AND reminder.state = 'waiting' AND reminder.for_at = agenda_event.starts_at");
    // What is told before an appointment is told of all of a day; what has its own time is not told before that.
    query.push(" AND (reminder.due_at <= ").value(now.0.cast_signed());
    query.push(" OR (reminder.step LIKE '-%' AND agenda_event.repeat_rule IS NULL))");
    query
        .push(" ORDER BY agenda_event.starts_at, agenda_event.id LIMIT ")
        .value(ALIKE_MAX);
    change.rows(query, read_due).await
}

/// The most events of a day that one text tells of.
const ALIKE_MAX: i64 = 10;

/// What else there is for those who are to be told, looked for of many at once.
#[derive(Debug, Default)]
pub(super) struct Company {
    /// When the last of what has come and waits was due, by event, plan and start.
    last_due: HashMap<(EventId, ReminderPlanId, UnixMicros), UnixMicros>,
    /// Events beside which the same number has others that begin about then.
    crowded: HashSet<EventId>,
}

impl Company {
    pub(super) async fn of(change: &mut Change, dues: &[&Due], now: UnixMicros) -> Result<Self, DatabaseError> {
        if dues.is_empty() {
            return Ok(Self::default());
        }
        let events = || dues.iter().map(|due| due.event.id.0.cast_signed());
        let mut query = Sql::new(
            "SELECT event, plan, for_at, MAX(due_at) FROM reminder WHERE state = 'waiting' AND turn = 0 AND due_at <= ",
        );
        query.value(now.0.cast_signed()).push(" AND event IN (").list(events());
        query.push(") GROUP BY event, plan, for_at");
        let read = |row: &Found<'_>| {
            let event = EventId(row.number(0)?.cast_unsigned());
            let plan = ReminderPlanId(row.number(1)?.cast_unsigned());
            Ok(((event, plan, time(row.number(2)?)), time(row.number(3)?)))
        };
        let last_due = change.rows(query, read).await?.into_iter().collect();
        // A day of somebody's clocks has 25 hours at the most.
        let about = "AND other.id <> mine.id AND +other.starts_at > mine.starts_at - 90000000000 \
             AND +other.starts_at < mine.starts_at + 90000000000)";
        let mut query = Sql::new(
            "SELECT mine.id FROM agenda_event AS mine LEFT JOIN contact ON contact.id = mine.contact WHERE (EXISTS (",
        );
        query.push("SELECT 1 FROM agenda_event AS other WHERE other.number = COALESCE(mine.number, contact.number) ");
        query.push("AND +other.tenant = mine.tenant ").push(about);
        query.push(
            " OR EXISTS (SELECT 1 FROM contact AS person JOIN agenda_event AS other ON other.contact = person.id ",
        );
        query.push("WHERE person.tenant = mine.tenant AND person.number = COALESCE(mine.number, contact.number) ");
        query.push(about).push(") AND mine.id IN (").list(events()).push(")");
        let crowded = change
            .rows(query, |row| Ok(EventId(row.number(0)?.cast_unsigned())))
            .await?;
        Ok(Self {
            last_due,
            crowded: crowded.into_iter().collect(),
        })
    }

    /// Whether another time of the same plan and start has come since: that one is told.
    pub(super) fn has_overtaken(&self, due: &Due) -> bool {
        let reminder = &due.reminder;
        let last = self.last_due.get(&(reminder.event, reminder.plan, reminder.for_at));
        reminder.turn == 0 && last.is_some_and(|last| *last > reminder.due_at)
    }

    /// Whether there may be others that its text tells of as well, see [`alike`].
    pub(super) fn is_crowded(&self, due: &Due) -> bool {
        self.crowded.contains(&due.event.id) || due.reminder.for_at != due.event.start.at
    }
}

/// What is written down of a reminder before its message is asked for.
#[derive(Clone, Debug)]
pub(super) struct Beginning<'a> {
    pub(super) key: Key,
    pub(super) token: Token,
    pub(super) number: Recipient,
    pub(super) sender: &'a str,
    /// Until when its answer is waited for.
    pub(super) open_until: Option<UnixMicros>,
}

/// These reminders are being sent from now on; who has not done it `until` then has died. Returns those of them that were still waiting.
pub(super) async fn begin(
    change: &mut Change,
    beginnings: &[Beginning<'_>],
    (now, until): (UnixMicros, UnixMicros),
) -> Result<HashSet<Key>, DatabaseError> {
    let mut begun = HashSet::with_capacity(beginnings.len());
    for some in beginnings.chunks(ROWS_MAX) {
        let mut update = Sql::new("UPDATE reminder SET state = 'sending', begun_at = ");
        update
            .value(now.0.cast_signed())
            .push(", next_at = ")
            .value(until.0.cast_signed());
        update.push(", token = given.column6, number = given.column7, sender = given.column8, open_until = given.column9 FROM (VALUES ");
        for (at, beginning) in some.iter().enumerate() {
            update.push(if at > 0 { ", (" } else { "(" });
            key_values(&mut update, &beginning.key);
            update.push(", ").value(beginning.token.hex());
            update.push(", ").value(beginning.number.0.cast_signed());
            update.push(", ").value(beginning.sender);
            update
                .push(", ")
                .value(beginning.open_until.map(|at| at.0.cast_signed()))
                .push(")");
        }
        update.push(") AS given ");
        only_given(&mut update, ReminderState::Waiting);
        update.push(" RETURNING event, plan, step, for_at, turn");
        begun.extend(change.rows(update, read_key).await?);
    }
    Ok(begun)
}

/// What became of a reminder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Sent(MessageId),
    Skipped(String),
    Cancelled(&'static str),
    /// Nothing was sent, and it is tried again at that time.
    Again(String, UnixMicros),
}

impl Fate {
    /// The state, the reason, when it is looked at next, and the message.
    fn columns(&self) -> (ReminderState, Option<&str>, Option<UnixMicros>, Option<MessageId>) {
        match self {
            Self::Sent(message) => (ReminderState::Sent, None, None, Some(*message)),
            Self::Skipped(reason) => (ReminderState::Skipped, Some(reason), None, None),
            Self::Cancelled(reason) => (ReminderState::Cancelled, Some(reason), None, None),
            Self::Again(reason, at) => (ReminderState::Waiting, Some(reason), Some(*at), None),
        }
    }
}

/// Notes what became of reminders that were in that state.
pub(super) async fn note(change: &mut Change, from: ReminderState, fates: &[(Key, Fate)]) -> Result<(), DatabaseError> {
    for some in fates.chunks(ROWS_MAX) {
        // What was sent waits for its answer; what is tried again is as it was before it was begun.
        let mut update = Sql::new(
            "UPDATE reminder SET state = given.column6, reason = given.column7, next_at = given.column8, message = given.column9, ",
        );
        update.push("open_until = CASE WHEN given.column6 = 'sent' THEN reminder.open_until END, ");
        for column in ["token", "number", "begun_at"] {
            update
                .push(column)
                .push(" = CASE WHEN given.column6 <> 'waiting' THEN reminder.");
            update.push(column).push(" END, ");
        }
        update.push(
            "tries = CASE WHEN given.column6 = 'waiting' THEN reminder.tries + 1 ELSE reminder.tries END FROM (VALUES ",
        );
        for (at, (key, fate)) in some.iter().enumerate() {
            update.push(if at > 0 { ", (" } else { "(" });
            key_values(&mut update, key);
            let (state, reason, next_at, message) = fate.columns();
            update.push(", ").value(state.code());
            update.push(", ").value(reason.map(str::to_owned));
            update.push(", ").value(next_at.map(|at| at.0.cast_signed()));
            update.push(", ").value(message.map(|id| id.0.cast_signed())).push(")");
        }
        update.push(") AS given ");
        only_given(&mut update, from);
        change.run(update).await?;
    }
    Ok(())
}

/// Whoever begins anew with a reminder that is being sent has until then. `false`: it is done.
pub(super) async fn prolong(change: &mut Change, key: &Key, until: UnixMicros) -> Result<bool, DatabaseError> {
    let mut update = Sql::new("UPDATE reminder SET next_at = ");
    update.value(until.0.cast_signed());
    only(&mut update, key, ReminderState::Sending);
    Ok(change.run(update).await? == 1)
}

/// What somebody has begun with and that was to be done until then is begun anew by whoever comes next.
pub(super) async fn take_over(
    database: &Database,
    (now, until): (UnixMicros, UnixMicros),
) -> Result<u64, DatabaseError> {
    let mut change = database.change().await?;
    let mut update = Sql::new("UPDATE reminder SET next_at = ");
    update.value(now.0.cast_signed());
    update
        .push(" WHERE state = 'sending' AND next_at > ")
        .value(now.0.cast_signed());
    update.push(" AND next_at <= ").value(until.0.cast_signed());
    let taken = change.run(update).await?;
    change.commit().await?;
    Ok(taken)
}

fn only(sql: &mut Sql, key: &Key, state: ReminderState) {
    sql.push(" WHERE event = ").value(key.event.0.cast_signed());
    sql.push(" AND plan = ").value(key.plan.0.cast_signed());
    sql.push(" AND step = ").value(key.step.as_str());
    sql.push(" AND for_at = ").value(key.for_at.0.cast_signed());
    sql.push(" AND turn = ").value(key.turn);
    sql.push(" AND state = ").value(state.code());
}

fn key_values(sql: &mut Sql, key: &Key) {
    sql.value(key.event.0.cast_signed());
    sql.push(", ").value(key.plan.0.cast_signed());
    sql.push(", ").value(key.step.as_str());
    sql.push(", ").value(key.for_at.0.cast_signed());
    sql.push(", ").value(key.turn);
}

/// Of those whose keys were given in that order, the ones in that state.
fn only_given(sql: &mut Sql, state: ReminderState) {
    for (column, given) in ["event", "plan", "step", "for_at", "turn"].into_iter().zip(1..) {
        sql.push(if given == 1 {
            "WHERE reminder."
        } else {
            " AND reminder."
        });
        sql.push(column).push(&format!(" = given.column{given}"));
    }
    sql.push(" AND reminder.state = ").value(state.code());
}

fn read_key(row: &Found<'_>) -> Result<Key, DatabaseError> {
    Ok(Key {
        event: EventId(row.number(0)?.cast_unsigned()),
        plan: ReminderPlanId(row.number(1)?.cast_unsigned()),
        step: row.text(2)?,
        for_at: time(row.number(3)?),
        turn: row.number(4)?,
    })
}

fn with_events() -> Sql {
    let mut query = Sql::new("SELECT ");
    query.push(COLUMNS).push(", ").push(kept::COLUMNS);
    query.push(", agenda_event.tenant, COALESCE(agenda_event.number, contact.number), reminders_off.contact, contact.consent_at FROM reminder ");
    query.push("JOIN agenda_event ON agenda_event.id = reminder.event ");
    query.push("LEFT JOIN contact ON contact.id = agenda_event.contact ");
    query.push("LEFT JOIN reminders_off ON reminders_off.contact = agenda_event.contact");
    query
}

fn read(row: &Found<'_>, from: usize) -> Result<Reminder, DatabaseError> {
    let unsigned = |column: usize| Ok::<_, DatabaseError>(row.number_if_any(from + column)?.map(i64::cast_unsigned));
    let token = row.text_if_any(from + 9)?;
    let token = token.map(|token| Token::from_hex(&token).ok_or(DatabaseError::Corrupt("the token of a reminder")));
    Ok(Reminder {
        event: EventId(row.number(from)?.cast_unsigned()),
        plan: ReminderPlanId(row.number(from + 1)?.cast_unsigned()),
        step: row.text(from + 2)?,
        for_at: time(row.number(from + 3)?),
        turn: row.number(from + 4)?,
        due_at: time(row.number(from + 5)?),
        state: row.parsed(from + 6, "the state of a reminder", |code| code.parse().ok())?,
        reason: row.text_if_any(from + 7)?,
        tries: u32::try_from(row.number(from + 8)?).unwrap_or_default(),
        token: token.transpose()?,
        number: unsigned(10)?.map(Recipient),
        begun_at: unsigned(11)?.map(UnixMicros),
        message: unsigned(12)?.map(MessageId),
    })
}

fn read_due(row: &Found<'_>) -> Result<Due, DatabaseError> {
    let rest = COLUMNS_COUNT + kept::COLUMNS_COUNT;
    Ok(Due {
        reminder: read(row, 0)?,
        event: kept::read(row, COLUMNS_COUNT)?,
        tenant: TenantId(u32::try_from(row.number(rest)?).unwrap_or_default()),
        number_of_now: row
            .number_if_any(rest + 1)?
            .map(|number| Recipient(number.cast_unsigned())),
        is_off: row.number_if_any(rest + 2)?.is_some(),
        has_agreed: row.number_if_any(rest + 3)?.is_some(),
    })
}
