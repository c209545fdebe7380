//! Who was asked whether they agree to advertising: the one message that may go without consent, once.

use super::event::Whom;
use super::reminders::Due;
use crate::database::{Change, DatabaseError, Sql};
use crate::domain::{Recipient, UnixMicros};

/// Notes that somebody is asked at a number. `false`: they were before, or the number was, after another event.
pub(super) async fn ask(
    change: &mut Change,
    (due, number): (&Due, Recipient),
    now: UnixMicros,
) -> Result<bool, DatabaseError> {
    let contact = match due.event.whom {
        Whom::Contact(contact) => Some(contact.to_string()),
        Whom::Number(_) => None,
    };
    let whose: Vec<String> = contact.into_iter().chain([number.to_string()]).collect();
    let mut query = Sql::new("SELECT COUNT(*) FROM consent_asked WHERE tenant = ");
    query.value(due.tenant.0);
    query.push(" AND event <> ").value(due.event.id.0.cast_signed());
    query
        .push(" AND who IN (")
        .list(whose.iter().map(String::as_str))
        .push(")");
    let before = change.rows(query, |row| row.number(0)).await?;
    if before.first().is_some_and(|count| *count > 0) {
        return Ok(false);
    }
    for who in whose {
        let mut insert = Sql::new("INSERT INTO consent_asked (tenant, who, event, asked_at) VALUES (");
        insert.value(due.tenant.0).push(", ").value(who).push(", ");
        insert.value(due.event.id.0.cast_signed()).push(", ");
        insert
            .value(now.0.cast_signed())
            .push(") ON CONFLICT (tenant, who) DO NOTHING");
        // Two engines at once: whoever comes second waits here, and finds it taken.
        change.run(insert).await?;
    }
    Ok(true)
}
