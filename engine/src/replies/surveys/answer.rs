//! Answers to surveys, and the questions that follow them, in the change that keeps what people have written.

use std::time::Duration;

use serde_json::Value;

use super::course::{ALERT, FINE};
use super::{Asking, Asks, SurveyQuestion, SurveySays, time};
use crate::agenda::EventAnswer;
use crate::database::{Change, DatabaseError, Found, Sql};
use crate::domain::{ConversationId, EventId, Recipient, SurveyId, SurveyRunId, TenantId, UnixMicros};
use crate::replies::made::Made;
use crate::replies::meaning::yes_or_no;
use crate::replies::reading::{Confidence, SURE};
use crate::replies::score::{HUNDRED, score};
use crate::replies::threads::SaidState;
use crate::replies::{ReplyFault, Shared};

/// For so long an answer counts for its question.
const WAITS: Duration = Duration::from_secs(7 * 86_400);

/// For so long whatever somebody writes is taken for the answer to a question that asks for a text; and then for so long what asks nothing
/// itself. Later it is about something else.
const TEXT_WAITS: (Duration, Duration) = (Duration::from_secs(86_400), Duration::from_secs(3 * 86_400));

/// What an answer gives, in hundredths, and how sure that is.
pub(in crate::replies) type Given = (Option<i64>, Confidence);

/// A question that somebody may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::replies) struct Surveyed {
    survey: SurveyId,
    says: SurveySays,
    whose: Asked,
    question: usize,
    pub(in crate::replies) asked_at: UnixMicros,
}

/// Who was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Known(SurveyRunId),
    /// By a reminder: it is written down with the first answer.
    Reminded {
        token: String,
        event: EventId,
        practitioner: String,
        practice: String,
    },
}

/// What somebody answers.
#[derive(Clone, Copy, Debug)]
pub(in crate::replies) struct Answering<'a> {
    pub(in crate::replies) whose: (TenantId, Recipient),
    pub(in crate::replies) conversation: ConversationId,
    pub(in crate::replies) at: UnixMicros,
    pub(in crate::replies) inbound: &'a str,
    pub(in crate::replies) text: &'a str,
    pub(in crate::replies) given: Given,
}

/// What follows from an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::replies) struct Followed {
    /// The next question, or the thanks.
    pub(in crate::replies) text: Option<String>,
    /// They are not content.
    pub(in crate::replies) alert: bool,
}

impl Surveyed {
    fn current(&self) -> Option<&SurveyQuestion> {
        self.says.questions.get(self.question)
    }

    /// Whether any text may answer it.
    pub(in crate::replies) fn asks_text(&self) -> bool {
        self.current().is_some_and(|question| question.asks == Asks::Text)
    }
}

/// What a text that was written then is as an answer to a question; `None`: it is none.
pub(in crate::replies) fn is_answer(surveyed: &Surveyed, text: &str, at: UnixMicros) -> Option<Given> {
    let question = surveyed.current()?;
    match question.asks {
        Asks::Scale => score(text, question.scale).map(|(number, sure)| (Some(number), sure)),
        Asks::YesNo => match yes_or_no(text)? {
            (EventAnswer::Confirm, sure) => Some((Some(HUNDRED), sure)),
            (EventAnswer::Cancel, sure) => Some((Some(0), sure)),
            (EventAnswer::Move, _) => None,
        },
        Asks::Text => {
            let waits = if text.contains('?') { TEXT_WAITS.0 } else { TEXT_WAITS.1 };
            (at.since(surveyed.asked_at) < waits).then_some((None, 100))
        }
    }
}

impl Shared {
    /// What a number of ours has asked somebody last that they may answer now.
    pub(in crate::replies) async fn surveyed_now(
        &self,
        change: &mut Change,
        whose: (TenantId, Recipient, &str),
        at: UnixMicros,
    ) -> Result<Option<Surveyed>, DatabaseError> {
        let since = at.minus(WAITS);
        let known = asked(change, whose, since).await?;
        let reminded = reminded(change, whose, since).await?;
        let reminded = match reminded {
            Some(reminded) if known.as_ref().is_none_or(|known| known.asked_at < reminded.asked_at) => Some(reminded),
            Some(_) | None => None,
        };
        Ok(reminded.or(known))
    }

    /// Keeps what somebody answers, and has the next question asked.
    pub(in crate::replies) async fn answer_survey(
        &self,
        change: &mut Change,
        surveyed: &Surveyed,
        answering: &Answering<'_>,
    ) -> Result<Followed, ReplyFault> {
        let (tenant, recipient) = answering.whose;
        let Some(question) = surveyed.current() else {
            return Ok(Followed::default());
        };
        let run = match &surveyed.whose {
            Asked::Known(run) => *run,
            Asked::Reminded {
                token,
                event,
                practitioner,
                practice,
            } => {
                let asking = Asking {
                    recipient,
                    event: Some(*event),
                    practitioner,
                    practice,
                };
                begin(change, (tenant, surveyed.survey), (&asking, token, surveyed.asked_at)).await?;
                run_of(change, tenant, token).await?.ok_or(ReplyFault::NotFound)?
            }
        };
        let (score, sure) = answering.given;
        let is_sure = sure >= SURE;
        let below = question.alert_below.zip(score);
        let alert = is_sure && below.is_some_and(|(least, score)| score < least * HUNDRED);
        let text = self.sealed(tenant, answering.text).await?;
        let untold = match (is_sure, alert) {
            (true, true) => ALERT,
            (true, false) => FINE,
            (false, _) => 0,
        };
        keep(change, (run, surveyed.question), (answering, text, untold)).await?;
        if alert {
            let mut update = Sql::new("UPDATE survey_run SET alert = ");
            update.value(answering.conversation.0.cast_signed());
            update.push(" WHERE id = ").value(run.0.cast_signed());
            change.run(update).await?;
        }
        if !is_sure {
            return Ok(Followed::default());
        }
        let next = surveyed.question + 1;
        let following = surveyed.says.questions.get(next);
        let mut update = Sql::new("UPDATE survey_run SET question = ");
        update.value(next as i64);
        update.push(", done = ").value(i64::from(following.is_none()));
        update.push(", asked_at = ").value(answering.at.0.cast_signed());
        update.push(" WHERE id = ").value(run.0.cast_signed());
        change.run(update).await?;
        let text = following.map(|question| question.text.clone());
        Ok(Followed {
            text: text.or_else(|| surveyed.says.thanks.clone()),
            alert,
        })
    }
}

/// Writes down that somebody is asked. `false`: it was before.
pub(super) async fn begin(
    change: &mut Change,
    (tenant, survey): (TenantId, SurveyId),
    (asking, token, now): (&Asking<'_>, &str, UnixMicros),
) -> Result<bool, DatabaseError> {
    let id = change.numbers("survey_run", 1).await?;
    let mut insert = Sql::new(
        "INSERT INTO survey_run (id, survey, tenant, token, recipient, event, practitioner, practice, question, done, asked_at) VALUES (",
    );
    insert.value(id).push(", ").value(survey.0.cast_signed());
    insert.push(", ").value(tenant.0).push(", ").value(token);
    insert.push(", ").value(asking.recipient.0.cast_signed());
    insert
        .push(", ")
        .value(asking.event.map(|EventId(event)| event.cast_signed()));
    insert.push(", ").value(asking.practitioner);
    insert.push(", ").value(asking.practice);
    insert.push(", 0, 0, ").value(now.0.cast_signed());
    insert.push(") ON CONFLICT (tenant, token) DO NOTHING");
    Ok(change.run(insert).await? == 1)
}

async fn run_of(change: &mut Change, tenant: TenantId, token: &str) -> Result<Option<SurveyRunId>, DatabaseError> {
    let mut query = Sql::new("SELECT id FROM survey_run WHERE tenant = ");
    query.value(tenant.0).push(" AND token = ").value(token);
    let found = change.rows(query, |row| Ok(SurveyRunId(row.number(0)?.cast_unsigned())));
    Ok(found.await?.into_iter().next())
}

/// One that is clear stands for one that was not.
async fn keep(
    change: &mut Change,
    (run, question): (SurveyRunId, usize),
    (answering, text, untold): (&Answering<'_>, String, i64),
) -> Result<(), DatabaseError> {
    let (score, sure) = answering.given;
    let mut insert =
        Sql::new("INSERT INTO survey_answer (run, question, score, confidence, text, inbound, at, untold) VALUES (");
    insert.value(run.0.cast_signed());
    insert.push(", ").value(question as i64);
    insert.push(", ").value(score).push(", ").value(i64::from(sure));
    insert.push(", ").value(text).push(", ").value(answering.inbound);
    insert.push(", ").value(answering.at.0.cast_signed());
    insert.push(", ").value(untold);
    insert
        .push(") ON CONFLICT (run, question) DO UPDATE SET score = excluded.score, confidence = excluded.confidence, ");
    insert.push("text = excluded.text, inbound = excluded.inbound, at = excluded.at, untold = excluded.untold");
    change.run(insert).await.map(drop)
}

/// Who was asked by the API, or has answered before.
async fn asked(
    change: &mut Change,
    (tenant, recipient, number): (TenantId, Recipient, &str),
    since: UnixMicros,
) -> Result<Option<Surveyed>, DatabaseError> {
    let mut query = Sql::new(
        "SELECT survey.id, survey.says, survey_run.id, survey_run.question, survey_run.asked_at FROM survey_run \
         JOIN survey ON survey.id = survey_run.survey WHERE survey_run.done = 0 AND survey_run.tenant = ",
    );
    query.value(tenant.0);
    query
        .push(" AND survey_run.recipient = ")
        .value(recipient.0.cast_signed());
    query.push(" AND survey_run.asked_at > ").value(since.0.cast_signed());
    query.push(" AND survey.number = ").value(number);
    query.push(" ORDER BY survey_run.asked_at DESC, survey_run.id DESC LIMIT 1");
    let read = |row: &Found<'_>| {
        Ok(Surveyed {
            survey: SurveyId(row.number(0)?.cast_unsigned()),
            says: row.parsed(1, "what a survey says", |says| serde_json::from_str(says).ok())?,
            whose: Asked::Known(SurveyRunId(row.number(2)?.cast_unsigned())),
            question: usize::try_from(row.number(3)?).unwrap_or_default(),
            asked_at: time(row.number(4)?),
        })
    };
    Ok(change.rows(query, read).await?.into_iter().next())
}

/// Who was asked by the text of a reminder, and has not answered.
async fn reminded(
    change: &mut Change,
    (tenant, recipient, number): (TenantId, Recipient, &str),
    since: UnixMicros,
) -> Result<Option<Surveyed>, DatabaseError> {
    let mut query = Sql::new(
        "SELECT survey.id, survey.says, reminder.event, reminder.step, reminder.for_at, reminder.turn, reminder.begun_at, \
         agenda_event.details FROM reminder JOIN survey ON survey.plan = reminder.plan \
         JOIN agenda_event ON agenda_event.id = reminder.event \
         WHERE reminder.state IN ('sending', 'sent') AND reminder.number = ",
    );
    query.value(recipient.0.cast_signed());
    query.push(" AND reminder.begun_at > ").value(since.0.cast_signed());
    query.push(" AND survey.tenant = ").value(tenant.0);
    query.push(" AND survey.number = ").value(number);
    query.push(" ORDER BY reminder.begun_at DESC, reminder.event LIMIT 1");
    let read = |row: &Found<'_>| {
        let survey = SurveyId(row.number(0)?.cast_unsigned());
        let (event, step) = (row.number(2)?, row.text(3)?);
        let (for_at, turn) = (row.number(4)?, row.number(5)?);
        let details: Value = row.parsed(7, "the details of an event", |details| {
            serde_json::from_str(details).ok()
        })?;
        let detail = |name: &str| details[name].as_str().unwrap_or_default().to_owned();
        Ok(Surveyed {
            survey,
            says: row.parsed(1, "what a survey says", |says| serde_json::from_str(says).ok())?,
            whose: Asked::Reminded {
                token: format!("{}/{event}/{step}/{for_at}/{turn}", survey.0),
                event: EventId(event.cast_unsigned()),
                practitioner: detail("practitioner"),
                practice: detail("practice"),
            },
            question: 0,
            asked_at: time(row.number(6)?),
        })
    };
    let Some(found) = change.rows(query, read).await?.into_iter().next() else {
        return Ok(None);
    };
    let Asked::Reminded { token, .. } = &found.whose else {
        return Ok(Some(found));
    };
    let known = run_of(change, tenant, token).await?;
    Ok(known.is_none().then_some(found))
}

/// Somebody closes a conversation with who was not content: what is to be written to them then, once.
pub(in crate::replies) async fn solved(
    shared: &Shared,
    change: &mut Change,
    (tenant, conversation): (TenantId, ConversationId),
) -> Result<(), ReplyFault> {
    let mut query = Sql::new(
        "SELECT survey.says FROM survey_run JOIN survey ON survey.id = survey_run.survey WHERE survey_run.alert = ",
    );
    query.value(conversation.0.cast_signed());
    query.push(" AND survey_run.tenant = ").value(tenant.0);
    query.push(" ORDER BY survey_run.id DESC LIMIT 1");
    let says = change
        .rows(query, |row| {
            row.parsed(0, "what a survey says", |says| {
                serde_json::from_str::<SurveySays>(says).ok()
            })
        })
        .await?;
    let mut update = Sql::new("UPDATE survey_run SET alert = NULL WHERE tenant = ");
    update.value(tenant.0);
    update.push(" AND alert = ").value(conversation.0.cast_signed());
    // Two who close it at once: the second waits here, and finds nothing.
    if change.run(update).await? == 0 {
        return Ok(());
    }
    let Some(text) = says.into_iter().next().and_then(|says| says.solved) else {
        return Ok(());
    };
    let text = shared.sealed(tenant, &text).await?;
    let now = shared.clock.unix().0.cast_signed();
    let id = change.numbers("conversation_message", 1).await?;
    let mut insert = Sql::new(
        "INSERT INTO conversation_message (id, tenant, conversation, at, text, kind, opted_out, state, due_at) VALUES (",
    );
    insert.value(id).push(", ").value(tenant.0);
    insert.push(", ").value(conversation.0.cast_signed());
    insert.push(", ").value(now).push(", ").value(text);
    insert.push(", ").value(Made::Survey.code());
    insert.push(", 0, ").value(SaidState::Due.into_str());
    insert.push(", ").value(now).push(")");
    change.run(insert).await?;
    Ok(())
}
