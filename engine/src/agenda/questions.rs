//! What people were asked by a reminder and have not answered: for whoever reads what they write back.

use std::time::Duration;

use super::kept;
use super::reminders::ReminderState;
use crate::database::{Database, DatabaseError, Found, Sql};
use crate::domain::{ContactId, EventId, MessageId, Recipient, ReminderPlanId, TenantId, UnixMicros};

/// For so long what an answer has ended is remembered: the same may be said once more.
const ENDED_OF_LATE: Duration = Duration::from_secs(2 * 3_600);

/// The most questions that one number has open: a family's week.
const OPEN_MAX: i64 = 50;

/// An event that somebody was told of and that is still to come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenQuestion {
    pub(crate) event: EventId,
    /// What the practice's software calls it.
    pub(crate) reference: String,
    pub(crate) contact: Option<ContactId>,
    pub(crate) plan: ReminderPlanId,
    pub(crate) message: MessageId,
    /// Under which sender it went, as the plan said it then: what is answered comes to that number, if it is one.
    pub(crate) sender: String,
    pub(crate) asked_at: UnixMicros,
    /// The start of the event.
    pub(crate) open_until: UnixMicros,
    /// When it was answered last, if it is not booked any more.
    pub(crate) ended_at: Option<UnixMicros>,
}

impl OpenQuestion {
    /// Whether it was open when something was written then.
    pub(crate) fn was_open(&self, at: UnixMicros) -> bool {
        self.ended_at.is_none_or(|ended| ended >= at)
    }
}

/// What a number was asked by a tenant before `at` and may still answer then, what was asked last first. Several of one message stand
/// for the events of one day. What an answer has ended of late is among them.
///
/// # Errors
/// The database's.
pub(crate) async fn open_questions(
    database: &Database,
    (tenant, number): (TenantId, Recipient),
    at: UnixMicros,
) -> Result<Vec<OpenQuestion>, DatabaseError> {
    let mut query = Sql::new(
        "SELECT reminder.event, agenda_event.reference, agenda_event.contact, reminder.plan, reminder.message, ",
    );
    query.push("reminder.sender, reminder.begun_at, reminder.open_until, ");
    query.push("CASE WHEN agenda_event.state = 'booked' THEN NULL ELSE agenda_answer.at END FROM reminder ");
    query.push("JOIN agenda_event ON agenda_event.id = reminder.event ");
    query.push(
        "LEFT JOIN agenda_answer ON agenda_answer.event = reminder.event AND agenda_answer.for_at = reminder.for_at ",
    );
    query.push("WHERE reminder.number = ");
    query.value(number.0.cast_signed());
    query.push(" AND reminder.open_until > ").value(at.0.cast_signed());
    query.push(" AND reminder.begun_at <= ").value(at.0.cast_signed());
    query.push(" AND agenda_event.tenant = ").value(tenant.0);
    query.push(" AND reminder.state = ").value(ReminderState::Sent.code());
    // Whom it was for before is asked nothing any more.
    query.push(" AND reminder.turn >= 0 ");
    // Moved or cancelled since: another one asks.
    query.push(
        " AND agenda_event.starts_at = reminder.for_at AND (agenda_event.state = 'booked' OR agenda_answer.at >= ",
    );
    query.value(at.minus(ENDED_OF_LATE).0.cast_signed()).push(")");
    query
        .push(" ORDER BY reminder.begun_at DESC, agenda_event.starts_at LIMIT ")
        .value(OPEN_MAX);
    database.rows(query, read).await
}

fn read(row: &Found<'_>) -> Result<OpenQuestion, DatabaseError> {
    let unsigned = |column: usize| Ok::<_, DatabaseError>(row.number(column)?.cast_unsigned());
    Ok(OpenQuestion {
        event: EventId(unsigned(0)?),
        reference: row.text(1)?,
        contact: row.number_if_any(2)?.map(|id| ContactId(id.cast_unsigned())),
        plan: ReminderPlanId(unsigned(3)?),
        message: MessageId(unsigned(4)?),
        sender: row.text_if_any(5)?.unwrap_or_default(),
        asked_at: kept::time(row.number(6)?),
        open_until: kept::time(row.number(7)?),
        ended_at: row.number_if_any(8)?.map(kept::time),
    })
}
