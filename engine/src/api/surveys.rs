//! `/v1/surveys`: questions to people after a visit, and what they answer.

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::form::Form;
use super::idempotent::Operation;
use super::pages::Paging;
use super::problem::{Problem, ProblemCode, language_of};
use super::query::{parameters, refused};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::agenda::Whom;
use crate::audience::normalise;
use crate::campaign::view::time;
use crate::domain::{ContactId, Country, EventId, Language, Recipient, ReminderPlanId, Role, SurveyId, TenantId};
use crate::fault::{DateProblem, Expected, FieldFault, FieldProblem};
use crate::people::{TEXT_MAX, check_name};
use crate::replies::{
    Asking, Asks, By, NewSurvey, QUESTIONS_MAX, Results, SCALE, Survey, SurveyAnswer, SurveyQuestion, SurveyRun,
    SurveySays, shown,
};
use crate::sheet::{Table, Written};

const FIELDS: [&str; 6] = ["name", "number", "plan", "questions", "thanks", "solved"];

const QUESTION: [&str; 5] = ["asks", "text", "min", "max", "alert_below"];

const WHOM: [&str; 3] = ["event", "contact", "number"];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/surveys", "/v1/surveys/{id}");
    Routes::of("surveys")
        .add(
            Documented::new((Verb::Post, all), Key::Tenant, "makeSurvey")
                .says(
                    "Make a survey",
                    "Each answer is followed by the next question. Scores are read as people write them; what is not sure counts for nothing, and waits for people.",
                )
                .takes::<shapes::NewSurvey>(json!({
                    "name": "Après la visite", "number": "+33644630001", "thanks": "Merci de votre réponse.",
                    "questions": [
                        { "asks": "scale", "text": "De 0 à 10, recommanderiez-vous le cabinet ?", "alert_below": 7 },
                        { "asks": "text", "text": "Que pouvons-nous améliorer ?" },
                    ],
                }))
                .answers::<shapes::Survey>(201, "The survey.")
                .refuses(&[ProblemCode::NumberNotOwn]),
            make,
        )
        .add(
            Documented::new((Verb::Get, all), Key::Tenant, "listSurveys")
                .says("List surveys", "In the order in which they were made.")
                .answers::<shapes::Page<shapes::Survey>>(200, "All of them."),
            list,
        )
        .add(
            Documented::new((Verb::Get, one), Key::Tenant, "getSurvey")
                .says("Show a survey", "")
                .at::<SurveyId>("id", "The survey.")
                .answers::<shapes::Survey>(200, "The survey."),
            show,
        )
        .add(
            Documented::new((Verb::Delete, one), Key::Tenant, "deleteSurvey")
                .says("Forget a survey", "With its answers.")
                .at::<SurveyId>("id", "The survey.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
        .and(of_answers())
}

fn of_answers() -> Routes {
    Routes::of("surveys")
        .add(
            Documented::new((Verb::Post, "/v1/surveys/{id}/ask"), Key::Tenant, "askSurvey")
                .needs(Role::Send)
                .says(
                    "Ask somebody",
                    "The first question, from the survey's number. An answer counts for a week.",
                )
                .at::<SurveyId>("id", "The survey.")
                .takes::<shapes::AskSurvey>(json!({ "number": "0612345678" }))
                .answers::<shapes::SurveyRun>(201, "They are asked.")
                .refuses(&[ProblemCode::NumberNotOwn]),
            ask,
        )
        .add(
            Documented::new(
                (Verb::Get, "/v1/surveys/{id}/answers"),
                Key::Tenant,
                "listSurveyAnswers",
            )
            .says(
                "List who was asked, with what they answered",
                "The latest first. Who was asked by a reminder is among them from their first answer on.",
            )
            .at::<SurveyId>("id", "The survey.")
            .asks::<shapes::Paging>()
            .answers::<shapes::Page<shapes::SurveyRun>>(200, "A page of them."),
            answers,
        )
        .add(
            Documented::new((Verb::Get, "/v1/surveys/{id}/results"), Key::Tenant, "getSurveyResults")
                .says(
                    "Show what answers come to",
                    "Of those that are sure: how many, their mean, each score, and promoters less detractors.",
                )
                .at::<SurveyId>("id", "The survey.")
                .asks::<shapes::SurveyResultsAsked>()
                .answers::<SurveyResults>(200, "By question, and by what is asked for.")
                .or_as("text/csv")
                .speaks(),
            results,
        )
}

/// What the answers to a survey come to.
#[derive(Serialize, JsonSchema)]
struct SurveyResults {
    /// By the API, or who has answered a reminder.
    asked: u64,
    data: Vec<SurveyFigures>,
}

#[derive(Serialize, JsonSchema)]
struct SurveyFigures {
    /// From 0.
    question: u32,
    /// A practitioner, a practice or a month, as it is asked for; empty: all, or nobody knows.
    group: String,
    count: u64,
    /// `null`: there are no scores.
    mean: Option<f64>,
    /// In percent: who gives nine tenths of the scale or more, less who gives six tenths or less.
    promoters_less_detractors: Option<f64>,
    distribution: Vec<SurveyScore>,
}

#[derive(Serialize, JsonSchema)]
struct SurveyScore {
    /// `null`: words alone.
    score: Option<f64>,
    count: u64,
}

async fn make(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let new = read(&app, tenant, &mut fields).await?;
    let Some(new) = new.filter(|_| fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let made = app.replies.make_survey(tenant, &new).await?;
    Ok((StatusCode::CREATED, Json(view(&made))))
}

async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let all = app.replies.surveys(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(view).collect(), None))
}

async fn show(State(app): State<App>, Caller(tenant): Caller, Id(id): Id<SurveyId>) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.replies.survey(tenant, id).await?)))
}

async fn forget(State(app): State<App>, Caller(tenant): Caller, Id(id): Id<SurveyId>) -> Result<StatusCode, Problem> {
    app.replies.forget_survey(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// `{"event"}`, `{"contact"}` or `{"number"}` → 201.
async fn ask(
    State(app): State<App>,
    (Caller(tenant), Id(id)): (Caller, Id<SurveyId>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    app.replies.survey(tenant, id).await?;
    let mut fields = Fields::read((&headers, body), app.clock, &WHOM).await?;
    let whom = whom(&mut fields);
    let Some(whom) = whom.filter(|_| fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let (recipient, event) = found(&app, tenant, whom).await?;
    let details = event.as_ref().map(|event| &event.details);
    let asking = Asking {
        recipient,
        event: event.as_ref().map(|event| event.id),
        practitioner: details.map_or("", |details| details.practitioner.as_str()),
        practice: details.map_or("", |details| details.practice.as_str()),
    };
    let run = app.replies.ask_survey((tenant, id), (&asking, token)).await?;
    Ok((StatusCode::CREATED, Json(run_view(&run))))
}

async fn answers(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<SurveyId>,
    paging: Paging,
) -> Result<Page, Problem> {
    app.replies.survey(tenant, id).await?;
    let behind = paging.cursor()?;
    let runs = app.replies.survey_runs((tenant, id), (behind, paging.limit)).await?;
    let last = runs.last().filter(|_| runs.len() == paging.limit);
    let next = last.map(|last| last.id.to_string());
    Ok(page(runs.iter().map(run_view).collect(), next))
}

async fn results(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<SurveyId>,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let survey = app.replies.survey(tenant, id).await?;
    let found = app
        .replies
        .survey_results((tenant, id), (asked.by, &asked.zone))
        .await
        .map_err(|error| database_refuses(&error))?;
    let (all, found) = found;
    let figures: Vec<SurveyFigures> = found.iter().map(|results| figures(&survey, results)).collect();
    let vary = (header::VARY, "accept, accept-language");
    Ok(match asked.form {
        Form::Json => {
            let results = SurveyResults {
                asked: all,
                data: figures,
            };
            ([vary], Json(results)).into_response()
        }
        Form::Csv => {
            let kind = (header::CONTENT_TYPE, "text/csv; charset=utf-8");
            let name = (header::CONTENT_DISPOSITION, "attachment; filename=\"survey.csv\"");
            ([vary, kind, name], table(&figures, language_of(&headers))).into_response()
        }
    })
}

/// `?by=month&time_zone=Europe/Paris&format=csv`.
pub(super) struct Asked {
    by: Option<By>,
    zone: TimeZone,
    form: Form,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Caller(tenant) = Caller::from_request_parts(parts, app).await?;
        let (mut by, mut form, mut zone) = (None, Form::accepted(&parts.headers), app.time_zone_of(tenant).await?);
        for (name, value) in parameters((parts, app), &["by", "time_zone", "format"]).await? {
            match name {
                "by" => {
                    let unknown = || refused("?by", FieldProblem::UnknownValue { allowed: &By::CODES });
                    by = Some(value.parse().map_err(|_| unknown())?);
                }
                "time_zone" => zone = value,
                _ => form = Form::named(&value)?,
            }
        }
        let unknown = |_| refused("?time_zone", FieldProblem::Date(DateProblem::UnknownTimeZone));
        let zone = TimeZone::get(&zone).map_err(unknown)?;
        Ok(Self { by, zone, form })
    }
}

async fn read(app: &App, tenant: TenantId, fields: &mut Fields) -> Result<Option<NewSurvey>, Problem> {
    let terms = app.campaigns.terms_of(tenant).await?;
    let wording = app.campaigns.wording(&terms);
    let check = |text: String| wording.check(&text).map(|()| text);
    let name = fields.checked("name", |name| check_name(&name, TEXT_MAX));
    let number = fields.text("number");
    let plan = match fields.is_null("plan") {
        true => Some(None),
        false => fields.if_given("plan", |fields, name| {
            let unknown = FieldProblem::UnknownValue { allowed: &["rpl_…"] };
            fields.checked(name, |id| id.parse::<ReminderPlanId>().map_err(|_| unknown))
        }),
    };
    let questions = fields.objects(("questions", QUESTIONS_MAX), &QUESTION, |fields| {
        question(fields, check)
    });
    let text = |fields: &mut Fields, name: &str| match fields.is_null(name) {
        true => Some(None),
        false => fields.if_given(name, |fields, name| fields.checked(name, check)),
    };
    let (thanks, solved) = (text(fields, "thanks"), text(fields, "solved"));
    let owned = |number: &str| app.numbers.find(number).map(|owned| owned.sender.to_string());
    let number = number.map(|number| owned(&number).unwrap_or(number));
    if let (Some(Some(plan)), Some(number)) = (plan, &number) {
        let found = app.agenda.plan(tenant, plan).await;
        let sender = found.ok().map(|plan| plan.definition.sender);
        if sender.is_none_or(|sender| sender != *number) {
            // People answer to the number that asks them.
            fields.refuse_field("plan", FieldProblem::Expected(Expected::PlanOfNumber));
        }
    }
    let read = || {
        Some(NewSurvey {
            name: name?,
            number: number?,
            plan: plan?,
            says: SurveySays {
                questions: questions?,
                thanks: thanks?,
                solved: solved?,
            },
        })
    };
    Ok(read())
}

fn question(fields: &mut Fields, check: impl FnOnce(String) -> Result<String, FieldProblem>) -> Option<SurveyQuestion> {
    const ASKS: [&str; 3] = [Asks::Scale.into_str(), Asks::YesNo.into_str(), Asks::Text.into_str()];
    let asks: Option<Asks> = match fields.has("asks") {
        true => fields.word("asks", &ASKS),
        false => {
            fields.refuse_field("asks", FieldProblem::Missing);
            None
        }
    };
    let text = fields.checked("text", check);
    let (min, max) = (
        fields.whole_or("min", SCALE, SCALE.0),
        fields.whole_or("max", SCALE, SCALE.1),
    );
    let alert_below = match fields.is_null("alert_below") {
        true => Some(None),
        false => fields.if_given("alert_below", |fields, name| fields.whole(name, SCALE)),
    };
    if let (Some(min), Some(max)) = (min, max)
        && min >= max
    {
        let (min, max) = (min + 1, SCALE.1);
        fields.refuse_field("max", FieldProblem::OutOfRange { min, max });
    }
    if asks == Some(Asks::Text) && alert_below.flatten().is_some() {
        fields.refuse_field("alert_below", FieldProblem::NotBeside { fields: &["asks"] });
    }
    Some(SurveyQuestion {
        asks: asks?,
        text: text?,
        scale: (min?, max?),
        alert_below: alert_below?,
    })
}

/// Who is to be asked.
enum Person {
    Event(EventId),
    Contact(ContactId),
    Number(Recipient),
}

fn whom(fields: &mut Fields) -> Option<Person> {
    let given: Vec<&str> = WHOM.into_iter().filter(|name| fields.has(name)).collect();
    match given[..] {
        ["event"] => fields
            .checked("event", |id| {
                id.parse()
                    .map_err(|_| FieldProblem::UnknownValue { allowed: &["evt_…"] })
            })
            .map(Person::Event),
        ["contact"] => fields
            .checked("contact", |id| {
                id.parse()
                    .map_err(|_| FieldProblem::UnknownValue { allowed: &["con_…"] })
            })
            .map(Person::Contact),
        ["number"] => {
            let number = fields.phone_number("number")?;
            match normalise(&number, Country::FRANCE) {
                Ok(number) => Some(Person::Number(number)),
                Err(fault) => {
                    fields.refuse_field("number", fault.problem());
                    None
                }
            }
        }
        [] => {
            fields.refuse(String::new(), FieldProblem::MissingBeside { fields: &WHOM });
            None
        }
        [first, ..] => {
            fields.refuse_field(first, FieldProblem::NotBeside { fields: &WHOM });
            None
        }
    }
}

/// Their number, and the event that it is about.
async fn found(
    app: &App,
    tenant: TenantId,
    whom: Person,
) -> Result<(Recipient, Option<crate::agenda::Event>), Problem> {
    let number = async |contact: ContactId, pointer: &str| -> Result<Recipient, Problem> {
        let contact = app.people.contact(tenant, contact).await?;
        let none = || Problem::of_fields(vec![FieldFault::new(pointer, FieldProblem::Empty)]);
        contact.details.number.ok_or_else(none)
    };
    Ok(match whom {
        Person::Number(number) => (number, None),
        Person::Contact(contact) => (number(contact, "/contact").await?, None),
        Person::Event(event) => {
            let event = app.agenda.event(tenant, event).await?;
            let recipient = match event.whom {
                Whom::Number(number) => number,
                Whom::Contact(contact) => number(contact, "/event").await?,
            };
            (recipient, Some(event))
        }
    })
}

fn figures(survey: &Survey, results: &Results) -> SurveyFigures {
    let question = survey.says.questions.get(results.question as usize);
    let is_scale = question.filter(|question| question.asks == Asks::Scale);
    let two = |number: f64| (number * 100.0).round() / 100.0;
    SurveyFigures {
        question: results.question,
        group: results.group.clone(),
        count: results.count(),
        mean: results.mean().map(two),
        promoters_less_detractors: is_scale
            .and_then(|question| results.promoters_less_detractors(question.scale))
            .map(two),
        distribution: results
            .given
            .iter()
            .map(|(score, count)| SurveyScore {
                score: score.map(shown),
                count: *count,
            })
            .collect(),
    }
}

fn table(figures: &[SurveyFigures], language: Language) -> String {
    let columns = match language {
        Language::Fr => [
            "Question",
            "Groupe",
            "Réponses",
            "Moyenne",
            "Promoteurs moins détracteurs",
            "Note",
            "Nombre",
        ],
        Language::En => [
            "Question",
            "Group",
            "Answers",
            "Mean",
            "Promoters less detractors",
            "Score",
            "Count",
        ],
    };
    let decimal = |number: Option<f64>| match number {
        None => Written::Nothing,
        Some(number) if language == Language::Fr => Written::Text(number.to_string().replace('.', ",")),
        Some(number) => Written::Text(number.to_string()),
    };
    let table = Table::new(language);
    let mut text = table.head(&columns);
    for figures in figures {
        for score in &figures.distribution {
            text += &table.line(&[
                Written::Count(u64::from(figures.question) + 1),
                Written::Text(figures.group.clone()),
                Written::Count(figures.count),
                decimal(figures.mean),
                decimal(figures.promoters_less_detractors),
                decimal(score.score),
                Written::Count(score.count),
            ]);
        }
    }
    text
}

fn view(survey: &Survey) -> Value {
    let question = |question: &SurveyQuestion| {
        json!({
            "asks": question.asks.into_str(),
            "text": question.text,
            "min": question.scale.0,
            "max": question.scale.1,
            "alert_below": question.alert_below,
        })
    };
    json!({
        "id": survey.id.to_string(),
        "name": survey.name,
        "number": survey.number,
        "plan": survey.plan.map(|plan| plan.to_string()),
        "questions": survey.says.questions.iter().map(question).collect::<Vec<_>>(),
        "thanks": survey.says.thanks,
        "solved": survey.says.solved,
        "created_at": time(survey.created_at),
    })
}

pub(super) fn run_view(run: &SurveyRun) -> Value {
    let answer = |answer: &SurveyAnswer| {
        json!({
            "question": answer.question,
            "score": answer.score.map(shown),
            "confidence": answer.confidence,
            "sure": answer.is_sure(),
            "text": answer.text,
            "inbound": format!("inb_{}", answer.inbound),
            "at": time(answer.at),
        })
    };
    json!({
        "id": run.id.to_string(),
        "survey": run.survey.to_string(),
        "to": run.recipient.to_string(),
        "event": run.event.map(|event| event.to_string()),
        "practitioner": run.practitioner,
        "practice": run.practice,
        "done": run.done,
        "asked_at": time(run.asked_at),
        "alert": run.alert,
        "answers": run.answers.iter().map(answer).collect::<Vec<_>>(),
    })
}
