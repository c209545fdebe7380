//! Reminders of what is not so any more, whose messages wait since no SMSC takes them: these are called back. What was to be told beside it in
//! the same message is told again.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::StreamExt;

use super::plan::{ReminderPlan, Trigger};
use super::reminders::{self, Due, Fate, ReminderState};
use super::{Agenda, AgendaFault, plans};
use crate::campaign::{CampaignFault, Recalled};
use crate::database::{Change, Database, DatabaseError, Found, Sql};
use crate::domain::{EventId, MessageId, Recipient, ReminderPlanId, TenantId, UnixMicros};
use crate::store::Token;

/// Messages that are looked for in one go.
const BATCH: usize = 200;

/// Messages that are called back at once.
const AT_ONCE: usize = 16;

/// When one is looked for again that is being asked for, or is under way to its SMSC.
const AGAIN: Duration = Duration::from_secs(1);

/// A reminder that was sent longer ago has left, or its message has ended.
const WAITS_FOR: Duration = Duration::from_secs(30 * 86_400);

/// A message that may have to be called back.
#[derive(Clone, Debug)]
struct ToRecall {
    event: EventId,
    token: Token,
    number: Recipient,
    tenant: TenantId,
}

/// How a reminder stands whose message may have to be called back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// It says what is so.
    So,
    /// It tells that something was booked, which begins at another time now: that is what it is to say.
    Elsewhen,
    /// There is nothing of it to be told.
    NoMore,
}

/// What becomes of such a message.
enum Called {
    /// There is nothing to be done, or nothing more.
    Over,
    /// It is not sent.
    Back(Vec<(Due, Stands)>),
    /// Nobody can tell yet.
    Later,
}

/// Notes that what was told of these events is not so any more.
pub(super) async fn note(
    change: &mut Change,
    (tenant, now): (TenantId, UnixMicros),
    events: &[EventId],
) -> Result<(), DatabaseError> {
    if events.is_empty() {
        return Ok(());
    }
    let mut insert =
        Sql::new("INSERT INTO reminder_recall (event, token, number, tenant, next_at) SELECT event, token, number, ");
    insert.value(tenant.0).push(", ").value(now.0.cast_signed());
    insert.push(" FROM reminder WHERE state IN ('sending', 'sent') AND token IS NOT NULL AND number IS NOT NULL AND begun_at > ");
    insert.value(now.minus(WAITS_FOR).0.cast_signed());
    insert.push(" AND event IN (");
    insert.list(events.iter().map(|id| id.0.cast_signed()));
    insert.push(") GROUP BY event, token, number ON CONFLICT (event, token) DO NOTHING");
    change.run(insert).await.map(drop)
}

async fn next(database: &Database, now: UnixMicros) -> Result<Vec<ToRecall>, DatabaseError> {
    let mut query = Sql::new("SELECT event, token, number, tenant FROM reminder_recall WHERE next_at <= ");
    query.value(now.0.cast_signed()).push(" ORDER BY next_at LIMIT ");
    query.value(i64::try_from(BATCH).unwrap_or(i64::MAX));
    let read = |row: &Found<'_>| {
        let token = Token::from_hex(&row.text(1)?);
        Ok(ToRecall {
            event: EventId(row.number(0)?.cast_unsigned()),
            token: token.ok_or(DatabaseError::Corrupt("the token of a reminder"))?,
            number: Recipient(row.number(2)?.cast_unsigned()),
            tenant: TenantId(u32::try_from(row.number(3)?).unwrap_or_default()),
        })
    };
    database.rows(query, read).await
}

impl Agenda {
    /// Calls back what waits and is not so any more. `false`: these are all.
    pub(super) async fn call_back(&self) -> Result<bool, AgendaFault> {
        let now = self.0.clock.unix();
        let some = next(&self.0.database, now).await?;
        let is_more = some.len() == BATCH;
        let calls = some.into_iter().map(|one| self.called(one));
        let called: Vec<_> = futures::stream::iter(calls).buffer_unordered(AT_ONCE).collect().await;
        let mut change = self.0.database.change().await?;
        for (one, called) in &called {
            match called {
                Called::Over => forget(&mut change, one).await?,
                Called::Back(told) => {
                    settle(&mut change, told, now).await?;
                    forget(&mut change, one).await?;
                }
                Called::Later => put_off(&mut change, one, now.plus(AGAIN)).await?,
            }
        }
        change.commit().await?;
        Ok(is_more)
    }

    async fn called(&self, one: ToRecall) -> (ToRecall, Called) {
        let called = self.try_to_call(&one).await;
        let called = called.unwrap_or_else(|fault| {
            tracing::warn!(tenant = %one.tenant, %fault, "a reminder is not called back; it is tried again");
            Called::Later
        });
        (one, called)
    }

    async fn try_to_call(&self, one: &ToRecall) -> Result<Called, AgendaFault> {
        let told = reminders::told_by(&self.0.database, (one.token, one.number)).await?;
        let ids: HashSet<ReminderPlanId> = told.iter().map(|due| due.reminder.plan).collect();
        let plans = plans::these(&self.0.database, ids.into_iter()).await?;
        let plans: HashMap<ReminderPlanId, ReminderPlan> = plans.into_iter().map(|plan| (plan.id, plan)).collect();
        let stand = |due: Due| {
            let stands = stands(plans.get(&due.reminder.plan), &due);
            (due, stands)
        };
        let told: Vec<(Due, Stands)> = told.into_iter().map(stand).collect();
        // Changed, and changed back.
        if told.iter().all(|(_, stands)| *stands == Stands::So) {
            return Ok(Called::Over);
        }
        let Some(message) = self.message_under(one, &told).await? else {
            let is_asked_for = told.iter().any(|(due, _)| due.reminder.state == ReminderState::Sending);
            return Ok(if is_asked_for { Called::Later } else { Called::Over });
        };
        match self.0.campaigns.call_back(one.tenant, message).await {
            Ok(Recalled::Canceled) => Ok(Called::Back(told)),
            Ok(Recalled::UnderWay) => Ok(Called::Later),
            Ok(Recalled::TooLate(_)) | Err(CampaignFault::NotFound) => Ok(Called::Over),
            Err(fault) => Err(fault.into()),
        }
    }

    /// The message that these reminders became, if they have.
    async fn message_under(&self, one: &ToRecall, told: &[(Due, Stands)]) -> Result<Option<MessageId>, AgendaFault> {
        let known = told.iter().find_map(|(due, _)| due.reminder.message);
        if known.is_some() {
            return Ok(known);
        }
        let made = self.0.store.direct_of(one.number, one.token).await?;
        Ok(made.map(|(message, _)| message))
    }
}

fn stands(plan: Option<&ReminderPlan>, due: &Due) -> Stands {
    let (reminder, event) = (&due.reminder, &due.event);
    // A plan that is gone has said what it had to say.
    let Some(definition) = plan.map(|plan| &plan.definition) else {
        return Stands::So;
    };
    let is_wanted = reminder.turn >= 0 && definition.trigger.goes_in(event.state) && definition.is_for(event);
    if !is_wanted || reminder.number != due.number_of_now {
        return Stands::NoMore;
    }
    match reminder.for_at == event.start.at {
        true => Stands::So,
        false if definition.trigger == Trigger::Booked => Stands::Elsewhen,
        false => Stands::NoMore,
    }
}

/// What becomes of reminders whose message was called back.
async fn settle(change: &mut Change, told: &[(Due, Stands)], now: UnixMicros) -> Result<(), DatabaseError> {
    let fate = |stands: Stands| match stands {
        Stands::So | Stands::Elsewhen => Fate::Again("event_changed".to_owned(), now),
        Stands::NoMore => Fate::Cancelled("event_changed"),
    };
    for state in [ReminderState::Sent, ReminderState::Sending] {
        let those = told.iter().filter(|(due, _)| due.reminder.state == state);
        let fates: Vec<_> = those.map(|(due, stands)| (due.reminder.key(), fate(*stands))).collect();
        reminders::note(change, state, &fates).await?;
    }
    let elsewhen = told.iter().filter(|(_, stands)| *stands == Stands::Elsewhen);
    let elsewhen: Vec<EventId> = elsewhen.map(|(due, _)| due.event.id).collect();
    reminders::tell_new_dates(change, &elsewhen).await
}

/// Of all events that its message tells of.
async fn forget(change: &mut Change, one: &ToRecall) -> Result<(), DatabaseError> {
    let mut delete = Sql::new("DELETE FROM reminder_recall WHERE token = ");
    delete.value(one.token.hex());
    change.run(delete).await.map(drop)
}

async fn put_off(change: &mut Change, one: &ToRecall, until: UnixMicros) -> Result<(), DatabaseError> {
    let mut update = Sql::new("UPDATE reminder_recall SET next_at = ");
    update.value(until.0.cast_signed());
    update.push(" WHERE event = ").value(one.event.0.cast_signed());
    update.push(" AND token = ").value(one.token.hex());
    change.run(update).await.map(drop)
}
