//! Endpoints are told of answers, and of those who are not content.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::database::{Found, Sql};
use crate::domain::{ConversationId, EventId, Recipient, SurveyId, SurveyRunId, TenantId};
use crate::guard::Verdict;
use crate::replies::score::HUNDRED;
use crate::replies::{ReplyFault, Shared};

/// How often it is looked.
const TICK: Duration = Duration::from_millis(500);

/// Of an answer that is still to be told: it is below the threshold, or it is not.
pub(super) const ALERT: i64 = 1;
pub(super) const FINE: i64 = 2;

/// What is told in one go.
const BATCH: i64 = 200;

impl Shared {
    /// Tells of answers, until `stop`.
    pub(in crate::replies) async fn follow_surveys(self: Arc<Self>, verdict: Verdict, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(TICK)).await.is_some() {
            if verdict.may_take_in().is_err() {
                continue;
            }
            if let Err(error) = self.tell_of_answers().await {
                tracing::debug!(%error, "answers to surveys cannot be told; they are told later");
            }
        }
    }

    /// A crash between telling and noting it has somebody told twice, and never not at all.
    async fn tell_of_answers(&self) -> Result<(), ReplyFault> {
        let mut query = Sql::new(
            "SELECT survey_run.tenant, survey_run.id, survey_answer.question, survey.id, survey.name, survey_run.recipient, \
             survey_run.event, survey_run.practitioner, survey_run.practice, survey_answer.score, survey_answer.inbound, \
             survey_run.alert, survey_answer.untold FROM survey_answer JOIN survey_run ON survey_run.id = survey_answer.run \
             JOIN survey ON survey.id = survey_run.survey WHERE survey_answer.untold <> 0 ORDER BY survey_answer.at LIMIT ",
        );
        query.value(BATCH);
        let read = |row: &Found<'_>| {
            let (run, question) = (row.number(1)?, row.number(2)?);
            let about = json!({
                "id": SurveyId(row.number(3)?.cast_unsigned()).to_string(),
                "name": row.text(4)?,
                "run": SurveyRunId(run.cast_unsigned()).to_string(),
                "question": question,
                "score": row.number_if_any(9)?.map(shown),
                "from": Recipient(row.number(5)?.cast_unsigned()).to_string(),
                "event": row.number_if_any(6)?.map(|event| EventId(event.cast_unsigned()).to_string()),
                "practitioner": row.text(7)?,
                "practice": row.text(8)?,
                "inbound": format!("inb_{}", row.text(10)?),
                "conversation": row.number_if_any(11)?.map(|id| ConversationId(id.cast_unsigned()).to_string()),
            });
            let is_alert = row.number(12)? == ALERT;
            Ok((TenantId(row.number(0)? as u32), (run, question), (is_alert, about)))
        };
        let answers = self.database.rows(query, read).await?;
        for (tenant, (run, question), (is_alert, about)) in answers {
            self.webhooks.tell_of_survey(tenant, (is_alert, &about)).await?;
            let mut change = self.database.change().await?;
            let mut update = Sql::new("UPDATE survey_answer SET untold = 0 WHERE run = ");
            update.value(run).push(" AND question = ").value(question);
            change.run(update).await?;
            change.commit().await?;
        }
        Ok(())
    }
}

/// Of hundredths, as a number.
pub(crate) fn shown(hundredths: i64) -> f64 {
    hundredths as f64 / HUNDRED as f64
}
