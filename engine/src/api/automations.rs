//! `/v1/automations`: campaigns that are made again and again.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page, shapes};
use crate::automation::{
    AUTOMATION_NAME_MAX, AUTOMATIONS_MAX, Automation, AutomationFault, BadPart, EASTER_DAYS, LeapDay, MONTHS_MAX,
    Occurrence, Plan, Rule, Run, Timetable, to_come,
};
use crate::campaign::CampaignFault;
use crate::campaign::view::time;
use crate::domain::{AutomationId, TenantId, Terms};
use crate::fault::{DateProblem, FieldFault, FieldProblem, JsonType};
use crate::people::check_day;
use crate::webhooks::WebhookFault;

const FIELDS: [&str; 9] = [
    "name",
    "kind",
    "rrule",
    "easter",
    "leap_day",
    "months",
    "starts",
    "time",
    "time_zone",
];

const CAMPAIGN: &str = "campaign";

/// A campaign with the filters that one may have.
const BODY_MAX: u64 = 8 << 20;

/// Moments that every campaign but the first would be behind.
const MOMENTS: [&str; 2] = ["expires_at", "late_joiners_until"];

/// What an audience may say when the kind says the rest.
const NOT_WITH_KINDS: [&str; 4] = ["recipients", "numbers", "lists", "segments"];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/automations", "/v1/automations/{id}");
    Routes::of("automations")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "makeAutomation")
                .says(
                    "Have campaigns made again and again",
                    "On each of its days a campaign is made as it is ordered here, under the rules and terms of then, and launched. Its name is \
                     the automation's and the day.",
                )
                .takes::<shapes::NewAutomation>(json!({
                    "name": "Bon anniversaire", "kind": "birthday", "time": "10:00",
                    "campaign": {
                        "text": "Bon anniversaire [Prenom|!]", "sender": "Cabinet", "purpose": "marketing", "audience": { "filter": {} },
                    },
                }))
                .answers::<shapes::Automation>(201, "The automation, with its next days.")
                .refuses(&[
                    ProblemCode::EmptyAudience,
                    ProblemCode::TooManyRecipients,
                    ProblemCode::ScheduleOutsideWindow,
                ]),
            make,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listAutomations")
                .says("List automations", "The oldest first.")
                .answers::<shapes::Page<shapes::AutomationSummary>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getAutomation")
                .says("Show an automation", "With its next ten days, and what came of the last twenty.")
                .at::<AutomationId>("id", "The automation.")
                .answers::<shapes::Automation>(200, "The automation."),
            show,
        )
        .add(
            Operation::new((Verb::Post, "/v1/automations/{id}/pause"), Key::Tenant, "pauseAutomation")
                .says("Pause an automation", "Nothing is made until it is resumed.")
                .at::<AutomationId>("id", "The automation.")
                .answers::<shapes::Automation>(200, "It is paused."),
            pause,
        )
        .add(
            Operation::new((Verb::Post, "/v1/automations/{id}/resume"), Key::Tenant, "resumeAutomation")
                .says("Resume an automation", "What would have come meanwhile is not made up for.")
                .at::<AutomationId>("id", "The automation.")
                .answers::<shapes::Automation>(200, "It goes on."),
            resume,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteAutomation")
                .says("Forget an automation", "The campaigns that it made stay.")
                .at::<AutomationId>("id", "The automation.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
}

pub(super) async fn make(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let known = [&FIELDS[..], &[CAMPAIGN]].concat();
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &known).await?;
    let name = name(&mut fields);
    let plan = plan(&mut fields);
    let is_of_contacts = matches!(plan, Some(Plan::Birthday(_) | Plan::Since(_)));
    fields.assume("time_zone", &app.time_zone_of(tenant).await?);
    let timetable = timetable(&app, &mut fields, plan);
    let order = order(&mut fields, is_of_contacts);
    let (Some(name), Some(timetable), Some(order), true) = (name, timetable, order, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let made = app.automations.make(tenant, (&name, timetable), &order).await?;
    Ok((StatusCode::CREATED, Json(whole(&app, &made).await?)))
}

pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let all = app.automations.all(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(summary).collect(), None))
}

pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutomationId>,
) -> Result<Json<Value>, Problem> {
    shown(&app, tenant, id).await
}

pub(super) async fn pause(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutomationId>,
) -> Result<Json<Value>, Problem> {
    app.automations.pause(tenant, id).await?;
    shown(&app, tenant, id).await
}

pub(super) async fn resume(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutomationId>,
) -> Result<Json<Value>, Problem> {
    app.automations.resume(tenant, id).await?;
    shown(&app, tenant, id).await
}

pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<AutomationId>,
) -> Result<StatusCode, Problem> {
    app.automations.forget(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn name(fields: &mut Fields) -> Option<String> {
    fields.checked("name", |name| {
        let (given, max) = (name.chars().count(), AUTOMATION_NAME_MAX);
        match name.trim() {
            "" => Err(FieldProblem::Empty),
            _ if given > max => Err(FieldProblem::TooLong { max, given }),
            trimmed => Ok(trimmed.to_owned()),
        }
    })
}

/// By the kind; fields of another kind are not beside it.
fn plan(fields: &mut Fields) -> Option<Plan> {
    let kind = fields.text("kind")?;
    let own: &[&str] = match kind.as_str() {
        "recurrence" => &["rrule", "easter"],
        "birthday" => &["leap_day"],
        "since" => &["months"],
        _ => {
            fields.refuse_field("kind", FieldProblem::UnknownValue { allowed: &Plan::KINDS });
            return None;
        }
    };
    for other in ["rrule", "easter", "leap_day", "months"] {
        if !own.contains(&other) && fields.has(other) {
            fields.refuse_field(other, FieldProblem::NotBeside { fields: &["kind"] });
        }
    }
    match own {
        ["leap_day"] => {
            let leap = fields.word_or("leap_day", &LeapDay::CODES, LeapDay::CODES[0])?;
            leap.parse().ok().map(Plan::Birthday)
        }
        ["months"] if !fields.has("months") => needs(fields, &["months"]),
        ["months"] => {
            let months = fields.whole("months", (1, MONTHS_MAX.into()))?;
            u8::try_from(months).ok().map(Plan::Since)
        }
        _ if fields.has("easter") && fields.has("rrule") => {
            fields.refuse_field("easter", FieldProblem::NotBeside { fields: &["rrule"] });
            None
        }
        _ if fields.has("easter") => {
            let days = fields.whole("easter", EASTER_DAYS)?;
            i8::try_from(days).ok().map(Plan::Easter)
        }
        _ if !fields.has("rrule") => needs(fields, &["rrule", "easter"]),
        _ => fields
            .checked("rrule", |rule| match Rule::read(&rule) {
                Ok(_) => Ok(rule),
                Err(BadPart(part)) => Err(DateProblem::InvalidRecurrence { part }.into()),
            })
            .map(Plan::Recurrence),
    }
}

/// What the kind needs as well is not there.
fn needs(fields: &mut Fields, missing: &'static [&'static str]) -> Option<Plan> {
    fields.refuse_field("kind", FieldProblem::MissingBeside { fields: missing });
    None
}

fn timetable(app: &App, fields: &mut Fields, plan: Option<Plan>) -> Option<Timetable> {
    let zone = fields.text_or("time_zone", Terms::TIME_ZONE);
    let time = fields.checked("time", |text| time_of_day(&text));
    let starts = fields.if_given("starts", |fields, name| fields.checked(name, |text| check_day(&text)));
    let (zone, starts) = (zone?, starts?);
    let Ok(time_zone) = TimeZone::get(&zone) else {
        fields.refuse_field("time_zone", DateProblem::UnknownTimeZone.into());
        return None;
    };
    let today = app
        .clock
        .unix()
        .timestamp()
        .unwrap_or_default()
        .to_zoned(time_zone)
        .date();
    Some(Timetable {
        plan: plan?,
        starts: starts.unwrap_or(today),
        time: time?,
        zone,
        hours: None,
    })
}

/// `09:30`.
pub(super) fn time_of_day(text: &str) -> Result<Time, FieldProblem> {
    let parsed = Time::strptime("%H:%M", text).ok().filter(|_| text.len() == 5);
    parsed.ok_or(FieldProblem::InvalidTimeOfDay)
}

/// What a campaign is ordered as; its audience is checked with it.
fn order(fields: &mut Fields, is_of_contacts: bool) -> Option<Value> {
    let Some((pointer, order)) = fields.value(CAMPAIGN) else {
        fields.refuse_field(CAMPAIGN, FieldProblem::Missing);
        return None;
    };
    if !order.is_object() {
        fields.refuse(pointer, FieldProblem::wrong_type(JsonType::Object, &order));
        return None;
    }
    if order.get("name").is_some() {
        fields.refuse(format!("{pointer}/name"), FieldProblem::NamedByAutomation);
    }
    for key in MOMENTS
        .iter()
        .filter(|key| order.get(**key).is_some_and(|at| !at.is_null()))
    {
        fields.refuse(
            format!("{pointer}/{key}"),
            FieldProblem::NotBeside { fields: &["kind"] },
        );
    }
    if is_of_contacts {
        for key in NOT_WITH_KINDS {
            if order
                .get("audience")
                .is_some_and(|audience| audience.get(key).is_some())
            {
                let place = format!("{pointer}/audience/{key}");
                fields.refuse(place, FieldProblem::NotBeside { fields: &["kind"] });
            }
        }
        if order
            .get("audience")
            .is_none_or(|audience| audience.get("filter").is_none())
        {
            let problem = FieldProblem::MissingBeside { fields: &["filter"] };
            fields.refuse(format!("{pointer}/audience"), problem);
        }
    }
    Some(order)
}

async fn shown(app: &App, tenant: TenantId, id: AutomationId) -> Result<Json<Value>, Problem> {
    let automation = app.automations.one(tenant, id).await?;
    Ok(Json(whole(app, &automation).await?))
}

async fn whole(app: &App, automation: &Automation) -> Result<Value, Problem> {
    let runs = app.automations.runs(automation.id).await;
    let runs = runs.map_err(|error| database_refuses(&error))?;
    let mut view = summary(automation);
    view["campaign"] = serde_json::from_str(&automation.order).unwrap_or_default();
    let next = to_come(automation);
    let of = (automation.tenant, &automation.timetable);
    let begins = app.automations.begins(of, &next).await?;
    let coming = next.iter().zip(begins).map(|(next, begins)| {
        let mut shown = occurrence(next);
        shown["opens_at"] = begins.and_then(time).into();
        shown
    });
    view["next"] = coming.collect();
    view["runs"] = runs.iter().map(run).collect();
    Ok(view)
}

fn summary(automation: &Automation) -> Value {
    let timetable = &automation.timetable;
    let mut view = json!({
        "id": automation.id.to_string(),
        "name": automation.name,
        "kind": Plan::KINDS[0],
        "rrule": null, "easter": null, "leap_day": null, "months": null,
        "starts": timetable.starts.to_string(),
        "time": timetable.time.strftime("%H:%M").to_string(),
        "time_zone": timetable.zone,
        "paused": automation.paused,
        "next_at": automation.next.and_then(|next| time(next.at)),
        "created_at": time(automation.created_at),
    });
    match &timetable.plan {
        Plan::Recurrence(rule) => view["rrule"] = rule.as_str().into(),
        Plan::Easter(days) => view["easter"] = (*days).into(),
        Plan::Birthday(leap) => {
            view["kind"] = Plan::KINDS[1].into();
            view["leap_day"] = leap.into_str().into();
        }
        Plan::Since(months) => {
            view["kind"] = Plan::KINDS[2].into();
            view["months"] = (*months).into();
        }
    }
    view
}

fn occurrence(occurrence: &Occurrence) -> Value {
    json!({ "day": day(occurrence.day), "at": time(occurrence.at) })
}

fn run(run: &Run) -> Value {
    let mut view = occurrence(&run.occurrence);
    view["state"] = run.state.code().into();
    view["reason"] = Some(&run.reason).filter(|reason| !reason.is_empty()).cloned().into();
    view["campaign"] = run.campaign.map(|id| id.to_string()).into();
    view
}

fn day(day: Date) -> String {
    day.to_string()
}

impl From<AutomationFault> for Problem {
    fn from(fault: AutomationFault) -> Self {
        let max = AUTOMATIONS_MAX;
        match fault {
            AutomationFault::NotFound => ProblemKind::NotFound.into(),
            AutomationFault::TooMany => Self::of_fields(vec![FieldFault::new("", FieldProblem::TooMany { max })]),
            AutomationFault::Never => Self::of_fields(vec![FieldFault::new("/kind", DateProblem::NeverComes.into())]),
            // The order stands in the body, whose own shape is right.
            AutomationFault::Campaign(CampaignFault::Fields(faults)) => {
                let within =
                    |fault: FieldFault| FieldFault::new(format!("/{CAMPAIGN}{}", fault.pointer), fault.problem);
                Self {
                    kind: ProblemKind::InvalidFields,
                    errors: faults.into_iter().map(within).collect(),
                }
            }
            AutomationFault::Campaign(fault) => fault.into(),
            AutomationFault::Webhook(WebhookFault::Store(error)) => store_refuses(&error),
            AutomationFault::Webhook(WebhookFault::Database(error)) | AutomationFault::Database(error) => {
                database_refuses(&error)
            }
            AutomationFault::Webhook(WebhookFault::Tls(_) | WebhookFault::ToldElsewhere) => {
                ProblemKind::Internal.into()
            }
        }
    }
}
