//! Surveys: what people are asked after a visit.

use schemars::JsonSchema;
use strum::VariantArray;

use super::campaigns::Form;
use super::replies::OwnNumberText;
use super::{GivenPhone, InboundId, Nullable, Phone, Time};
use crate::domain::{ContactId, EventId, ReminderPlanId, SurveyId, SurveyRunId, Terms};
use crate::people::TEXT_MAX;
use crate::replies::{Asks, By, QUESTIONS_MAX, SCALE};

super::schema! {
    AsksWord, named: false, schemars::json_schema!({
        "type": "string",
        "description": "`scale`: a number from `min` to `max`; `yes_no`: 1 or 0; `text`: anything.",
        "enum": Asks::VARIANTS.iter().map(|asks| asks.into_str()).collect::<Vec<_>>(),
    })
}
super::schema! {
    ByWord, named: false, schemars::json_schema!({ "type": "string", "enum": By::CODES })
}

/// Questions that are asked one after the other.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(in crate::api) struct NewSurvey {
    #[schemars(length(min = 1, max = TEXT_MAX))]
    name: String,
    /// From which number of the tenant's: people answer there.
    number: OwnNumberText,
    /// A plan of reminders with that number as its sender: its text is the first question to those whom it tells of a visit.
    plan: Option<Nullable<ReminderPlanId>>,
    #[schemars(length(min = 1, max = QUESTIONS_MAX))]
    questions: Vec<NewSurveyQuestion>,
    /// What is answered at the end.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    thanks: Option<Nullable<String>>,
    /// What is written to who was not content when their conversation is closed.
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    solved: Option<Nullable<String>>,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct NewSurveyQuestion {
    asks: AsksWord,
    #[schemars(length(min = 1, max = Terms::CHARACTERS_MAX))]
    text: String,
    /// Of a scale; 0 and 10, if it is not said.
    #[schemars(range(min = SCALE.0, max = SCALE.1))]
    min: Option<u8>,
    #[schemars(range(min = SCALE.0, max = SCALE.1))]
    max: Option<u8>,
    /// Who gives less is not content: `survey.alert` is told, and their conversation waits for people.
    #[schemars(range(min = SCALE.0, max = SCALE.1))]
    alert_below: Option<Nullable<u8>>,
}

/// A survey.
#[derive(JsonSchema)]
pub(in crate::api) struct Survey {
    id: SurveyId,
    name: String,
    number: OwnNumberText,
    plan: Option<ReminderPlanId>,
    questions: Vec<SurveyQuestion>,
    thanks: Option<String>,
    solved: Option<String>,
    created_at: Time,
}

#[derive(JsonSchema)]
struct SurveyQuestion {
    asks: AsksWord,
    text: String,
    min: i64,
    max: i64,
    alert_below: Option<i64>,
}

/// Who is asked: the contact of an event, about that visit; or a contact, or a number.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1, "maxProperties" = 1))]
pub(in crate::api) struct AskSurvey {
    event: Option<EventId>,
    contact: Option<ContactId>,
    number: Option<GivenPhone>,
}

/// Somebody who was asked, with what they answered.
#[derive(JsonSchema)]
pub(in crate::api) struct SurveyRun {
    id: SurveyRunId,
    survey: SurveyId,
    to: Phone,
    event: Option<EventId>,
    practitioner: String,
    practice: String,
    /// All is answered.
    done: bool,
    /// The last question.
    asked_at: Time,
    /// They are not content, and nobody has closed their conversation since.
    alert: bool,
    answers: Vec<SurveyAnswer>,
}

#[derive(JsonSchema)]
struct SurveyAnswer {
    /// From 0.
    question: u32,
    /// `null`: words alone.
    score: Option<f64>,
    /// Below 80 it counts for nothing, and waits for people.
    confidence: u8,
    sure: bool,
    /// `null`: it was erased.
    text: Option<String>,
    inbound: InboundId,
    at: Time,
}

/// How answers are counted.
#[derive(JsonSchema)]
pub(in crate::api) struct SurveyResultsAsked {
    /// Whose answers are counted together; all, if it is not said.
    by: Option<ByWord>,
    /// By whose clocks months begin; the tenant's, if it is not said.
    time_zone: Option<String>,
    /// `json`, if neither this nor `Accept` says anything else.
    format: Option<Form>,
}
