//! Surveys: questions to people after a visit, one after the other, and what they answer.
//!
//! The first goes as a message of a conversation, or is the text of a plan of reminders; each answer, and the question that follows it, is
//! kept in the change that keeps how far was read: once, whatever crashes.

mod answer;
mod course;
mod results;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

pub(super) use answer::{Answering, Given, Surveyed, is_answer, solved};
pub(crate) use course::shown;
pub(crate) use results::{By, Results};

use super::made::Made;
use super::reading::SURE;
use super::score::Scale;
use super::threads::{SaidState, conversation_of, open_conversation};
use super::{Replies, ReplyFault};
use crate::database::{DatabaseError, Found, Sql};
use crate::domain::{EventId, Recipient, ReminderPlanId, SurveyId, SurveyRunId, TenantId, UnixMicros};
use crate::store::Token;

/// The most surveys of a tenant.
pub(crate) const SURVEYS_MAX: usize = 100;

/// The most questions of one: each is a message.
pub(crate) const QUESTIONS_MAX: usize = 5;

/// Between which numbers a scale lies.
pub(crate) const SCALE: (i64, i64) = (0, 10);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case", const_into_str)]
pub(crate) enum Asks {
    /// A number.
    Scale,
    /// Yes, which is 1, or no, which is 0.
    YesNo,
    /// Anything.
    Text,
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SurveyQuestion {
    pub(crate) asks: Asks,
    pub(crate) text: String,
    /// From where to where a scale goes.
    pub(crate) scale: Scale,
    /// Whoever gives less is not content: people are told.
    pub(crate) alert_below: Option<i64>,
}

/// What a survey says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SurveySays {
    pub(crate) questions: Vec<SurveyQuestion>,
    /// What is answered at the end; `None`: nothing.
    pub(crate) thanks: Option<String>,
    /// What is written to who was not content when their conversation is closed; `None`: nothing.
    pub(crate) solved: Option<String>,
}

/// A survey to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewSurvey {
    pub(crate) name: String,
    /// One of the tenant's.
    pub(crate) number: String,
    pub(crate) plan: Option<ReminderPlanId>,
    pub(crate) says: SurveySays,
}

/// A survey.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    pub(crate) id: SurveyId,
    pub(crate) name: String,
    pub(crate) number: String,
    pub(crate) plan: Option<ReminderPlanId>,
    pub(crate) says: SurveySays,
    pub(crate) created_at: UnixMicros,
}

/// Somebody who is asked, with what they answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SurveyRun {
    pub(crate) id: SurveyRunId,
    pub(crate) survey: SurveyId,
    pub(crate) recipient: Recipient,
    pub(crate) event: Option<EventId>,
    pub(crate) practitioner: String,
    pub(crate) practice: String,
    pub(crate) done: bool,
    pub(crate) asked_at: UnixMicros,
    /// Somebody should look after them.
    pub(crate) alert: bool,
    pub(crate) answers: Vec<SurveyAnswer>,
}

/// What somebody answers to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SurveyAnswer {
    /// From 0.
    pub(crate) question: u32,
    /// Hundredths.
    pub(crate) score: Option<i64>,
    pub(crate) confidence: u8,
    pub(crate) text: Option<String>,
    pub(crate) inbound: String,
    pub(crate) at: UnixMicros,
}

/// Who is asked, and about what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asking<'a> {
    pub(crate) recipient: Recipient,
    pub(crate) event: Option<EventId>,
    pub(crate) practitioner: &'a str,
    pub(crate) practice: &'a str,
}

impl SurveyAnswer {
    /// Whether it counts.
    pub(crate) fn is_sure(&self) -> bool {
        self.confidence >= SURE
    }
}

const COLUMNS: &str = "survey.id, survey.name, survey.number, survey.plan, survey.says, survey.created_at";

const RUN: &str = "SELECT survey_run.id, survey_run.survey, survey_run.recipient, survey_run.event, survey_run.practitioner, survey_run.practice, \
     survey_run.done, survey_run.asked_at, survey_run.alert FROM survey_run WHERE survey_run.tenant = ";

impl Replies {
    /// Makes a survey.
    ///
    /// # Errors
    /// [`ReplyFault::TooManySurveys`], [`ReplyFault::NotOurs`], [`ReplyFault::Agenda`]: there is no such plan; or the database's.
    pub(crate) async fn make_survey(&self, tenant: TenantId, new: &NewSurvey) -> Result<Survey, ReplyFault> {
        if !self.0.is_own(tenant, &new.number) {
            return Err(ReplyFault::NotOurs);
        }
        if let Some(plan) = new.plan {
            self.0.agenda.plan(tenant, plan).await?;
        }
        let mut change = self.0.database.change_of(tenant).await?;
        let mut count = Sql::new("SELECT COUNT(*) FROM survey WHERE tenant = ");
        count.value(tenant.0);
        let counted = change.rows(count, |row| row.number(0)).await?;
        if counted.first().is_some_and(|count| *count >= SURVEYS_MAX as i64) {
            return Err(ReplyFault::TooManySurveys);
        }
        let id = change.numbers("survey", 1).await?;
        let mut insert = Sql::new("INSERT INTO survey (id, tenant, name, number, plan, says, created_at) VALUES (");
        insert.value(id).push(", ").value(tenant.0);
        insert.push(", ").value(new.name.as_str());
        insert.push(", ").value(new.number.as_str());
        insert
            .push(", ")
            .value(new.plan.map(|ReminderPlanId(plan)| plan.cast_signed()));
        insert
            .push(", ")
            .value(serde_json::to_string(&new.says).unwrap_or_default());
        insert.push(", ").value(self.0.clock.unix().0.cast_signed()).push(")");
        change.run(insert).await?;
        change.commit().await?;
        self.survey(tenant, SurveyId(id.cast_unsigned())).await
    }

    /// A tenant's surveys, in the order in which they were made.
    ///
    /// # Errors
    /// The database's.
    pub(crate) async fn surveys(&self, tenant: TenantId) -> Result<Vec<Survey>, DatabaseError> {
        let mut query = select(tenant);
        query.push(" ORDER BY survey.id");
        self.0.database.rows(query, read).await
    }

    /// One of them.
    ///
    /// # Errors
    /// [`ReplyFault::NotFound`], or the database's.
    pub(crate) async fn survey(&self, tenant: TenantId, id: SurveyId) -> Result<Survey, ReplyFault> {
        let mut query = select(tenant);
        query.push(" AND survey.id = ").value(id.0.cast_signed());
        self.0.database.row(query, read).await?.ok_or(ReplyFault::NotFound)
    }

    /// Forgets a survey, with its answers.
    ///
    /// # Errors
    /// As [`Replies::survey`].
    pub(crate) async fn forget_survey(&self, tenant: TenantId, id: SurveyId) -> Result<(), ReplyFault> {
        let mut change = self.0.database.change_of(tenant).await?;
        let mut delete = Sql::new("DELETE FROM survey WHERE tenant = ");
        delete.value(tenant.0);
        delete.push(" AND id = ").value(id.0.cast_signed());
        if change.run(delete).await? == 0 {
            return Err(ReplyFault::NotFound);
        }
        Ok(change.commit().await?)
    }

    /// Asks somebody the first question. Asked for again with the same token it is the same.
    ///
    /// # Errors
    /// As [`Replies::survey`], or [`ReplyFault::NotOurs`].
    pub(crate) async fn ask_survey(
        &self,
        (tenant, id): (TenantId, SurveyId),
        (asking, token): (&Asking<'_>, Token),
    ) -> Result<SurveyRun, ReplyFault> {
        let survey = self.survey(tenant, id).await?;
        if !self.0.is_own(tenant, &survey.number) {
            return Err(ReplyFault::NotOurs);
        }
        let first = survey
            .says
            .questions
            .first()
            .map_or("", |question| question.text.as_str());
        let text = self.0.sealed(tenant, first).await?;
        let now = self.0.clock.unix();
        let mut change = self.0.database.change_of(tenant).await?;
        if answer::begin(&mut change, (tenant, id), (asking, &token.hex(), now)).await? {
            let whose = (tenant, asking.recipient, survey.number.as_str());
            open_conversation(&mut change, whose, now).await?;
            let conversation = conversation_of(&mut change, whose).await?.ok_or(ReplyFault::NotFound)?;
            let said = change.numbers("conversation_message", 1).await?;
            let mut insert = Sql::new(
                "INSERT INTO conversation_message (id, tenant, conversation, at, text, kind, opted_out, state, due_at) VALUES (",
            );
            insert.value(said).push(", ").value(tenant.0);
            insert.push(", ").value(conversation.id.0.cast_signed());
            insert.push(", ").value(now.0.cast_signed()).push(", ").value(text);
            insert.push(", ").value(Made::Survey.code());
            insert.push(", 0, ").value(SaidState::Due.into_str());
            insert.push(", ").value(now.0.cast_signed()).push(")");
            change.run(insert).await?;
        }
        change.commit().await?;
        self.0.due.notify_one();
        let mut query = Sql::new(RUN);
        query.value(tenant.0);
        query.push(" AND survey_run.token = ").value(token.hex());
        let run = self
            .0
            .database
            .row(query, read_run)
            .await?
            .ok_or(ReplyFault::NotFound)?;
        Ok(self.with_answers(tenant, vec![run]).await?.remove(0))
    }

    /// Who was asked, the latest first, behind that one.
    ///
    /// # Errors
    /// The database's, or when the tenant's key cannot be had.
    pub(crate) async fn survey_runs(
        &self,
        (tenant, id): (TenantId, SurveyId),
        (behind, limit): (Option<SurveyRunId>, usize),
    ) -> Result<Vec<SurveyRun>, ReplyFault> {
        let mut query = Sql::new(RUN);
        query.value(tenant.0);
        query.push(" AND survey_run.survey = ").value(id.0.cast_signed());
        if let Some(behind) = behind {
            query.push(" AND survey_run.id < ").value(behind.0.cast_signed());
        }
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY survey_run.id DESC LIMIT ").value(limit);
        let runs = self.0.database.rows(query, read_run).await?;
        self.with_answers(tenant, runs).await
    }

    /// What a number was asked, the latest first.
    ///
    /// # Errors
    /// The database's, or when the tenant's key cannot be had.
    pub(crate) async fn surveyed(
        &self,
        tenant: TenantId,
        (recipient, limit): (Recipient, usize),
    ) -> Result<Vec<SurveyRun>, ReplyFault> {
        let mut query = Sql::new(RUN);
        query.value(tenant.0);
        query
            .push(" AND survey_run.recipient = ")
            .value(recipient.0.cast_signed());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        query.push(" ORDER BY survey_run.id DESC LIMIT ").value(limit);
        let runs = self.0.database.rows(query, read_run).await?;
        self.with_answers(tenant, runs).await
    }

    async fn with_answers(&self, tenant: TenantId, mut runs: Vec<SurveyRun>) -> Result<Vec<SurveyRun>, ReplyFault> {
        for run in &mut runs {
            let mut query =
                Sql::new("SELECT question, score, confidence, text, inbound, at FROM survey_answer WHERE run = ");
            query.value(run.id.0.cast_signed()).push(" ORDER BY question");
            run.answers = self.0.database.rows(query, read_answer).await?;
            for answer in &mut run.answers {
                answer.text = self.0.opened(tenant, answer.text.take()).await?;
            }
        }
        Ok(runs)
    }
}

fn select(tenant: TenantId) -> Sql {
    let mut query = Sql::new("SELECT ");
    query
        .push(COLUMNS)
        .push(" FROM survey WHERE survey.tenant = ")
        .value(tenant.0);
    query
}

fn time(number: i64) -> UnixMicros {
    UnixMicros(number.cast_unsigned())
}

fn read(row: &Found<'_>) -> Result<Survey, DatabaseError> {
    Ok(Survey {
        id: SurveyId(row.number(0)?.cast_unsigned()),
        name: row.text(1)?,
        number: row.text(2)?,
        plan: row.number_if_any(3)?.map(|plan| ReminderPlanId(plan.cast_unsigned())),
        says: row.parsed(4, "what a survey says", |says| serde_json::from_str(says).ok())?,
        created_at: time(row.number(5)?),
    })
}

fn read_run(row: &Found<'_>) -> Result<SurveyRun, DatabaseError> {
    Ok(SurveyRun {
        id: SurveyRunId(row.number(0)?.cast_unsigned()),
        survey: SurveyId(row.number(1)?.cast_unsigned()),
        recipient: Recipient(row.number(2)?.cast_unsigned()),
        event: row.number_if_any(3)?.map(|event| EventId(event.cast_unsigned())),
        practitioner: row.text(4)?,
        practice: row.text(5)?,
        done: row.number(6)? == 1,
        asked_at: time(row.number(7)?),
        alert: row.number_if_any(8)?.is_some(),
        answers: Vec::new(),
    })
}

fn read_answer(row: &Found<'_>) -> Result<SurveyAnswer, DatabaseError> {
    Ok(SurveyAnswer {
        question: row.number(0)? as u32,
        score: row.number_if_any(1)?,
        confidence: row.number(2)? as u8,
        text: row.text_if_any(3)?,
        inbound: row.text(4)?,
        at: time(row.number(5)?),
    })
}
