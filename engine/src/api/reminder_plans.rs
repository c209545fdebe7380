//! `/v1/reminder_plans`: what people are told of events, and when.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use jiff::civil::Time;
use serde_json::{Map, Value, json};

use super::access::{Caller, Id};
use super::automations::time_of_day;
use super::contacts::read_attributes;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::agenda::{Definition, Hours, NOTICE, OFFSETS_MAX, Offset, PlanEdit, ReminderPlan, Trigger};
use crate::campaign::view::time;
use crate::compose::asks_in_vain;
use crate::domain::ReminderPlanId;
use crate::fault::FieldProblem;
use crate::people::{EACH_MAX, TEXT_MAX, check_name};

/// What is usual of these.
const NOTICE_USUAL: i64 = 60;

const FIELDS: [&str; 13] = [
    "name",
    "on",
    "offsets",
    "kinds",
    "attributes",
    "text",
    "merged_text",
    "link",
    "sender",
    "not_before",
    "not_after",
    "notice",
    "asks_consent",
];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/reminder_plans", "/v1/reminder_plans/{id}");
    Routes::of("events")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "makeReminderPlan")
                .says(
                    "Have people told of events",
                    "Of those that come, and by date of those that are there. Several of one number on one day are told in one text. The text may \
                     name what an event and its contact have: `[prenom]`, `[date]`, `[heure]`, `{{event.place}}`. `[lien]` is a short link of each message's \
                     own, which leads to the event's `link`, or else to the plan's.",
                )
                .takes::<shapes::NewReminderPlan>(json!({
                    "name": "La veille", "offsets": ["-24h"], "sender": "Cabinet", "not_before": "08:00", "not_after": "20:00",
                    "text": "[prenom|Bonjour], rendez-vous le [jour] à [heure] : [lieu].",
                }))
                .answers::<shapes::ReminderPlan>(201, "The plan."),
            make,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listReminderPlans")
                .says("List plans of reminders", "The oldest first.")
                .answers::<shapes::Page<shapes::ReminderPlan>>(200, "All of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getReminderPlan")
                .says("Show a plan of reminders", "")
                .at::<ReminderPlanId>("id", "The plan.")
                .answers::<shapes::ReminderPlan>(200, "The plan."),
            show,
        )
        .add(
            Operation::new((Verb::Patch, one), Key::Tenant, "changeReminderPlan")
                .says(
                    "Change a plan of reminders",
                    "Its name, what it says and from whom, also of what waits. When people are told, and of what, stays: that is another plan.",
                )
                .at::<ReminderPlanId>("id", "The plan.")
                .takes::<shapes::ReminderPlanChanges>(json!({ "text": "[prenom|Bonjour], RDV le [jour] à [heure]." }))
                .answers::<shapes::ReminderPlan>(200, "The plan as it is now."),
            edit,
        )
        .add(
            Operation::new((Verb::Post, "/v1/reminder_plans/{id}/pause"), Key::Tenant, "pauseReminderPlan")
                .says("Pause a plan of reminders", "What is due meanwhile is skipped.")
                .at::<ReminderPlanId>("id", "The plan.")
                .answers::<shapes::ReminderPlan>(200, "It is paused."),
            async |app: State<App>, caller: Caller, id: Id<ReminderPlanId>| set_paused(app, caller, (id, true)).await,
        )
        .add(
            Operation::new((Verb::Post, "/v1/reminder_plans/{id}/resume"), Key::Tenant, "resumeReminderPlan")
                .says("Resume a plan of reminders", "")
                .at::<ReminderPlanId>("id", "The plan.")
                .answers::<shapes::ReminderPlan>(200, "It goes on."),
            async |app: State<App>, caller: Caller, id: Id<ReminderPlanId>| set_paused(app, caller, (id, false)).await,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteReminderPlan")
                .says("Forget a plan of reminders", "What waits of it is not sent.")
                .at::<ReminderPlanId>("id", "The plan.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
}

/// `POST /v1/reminder_plans`: `{"name": "…", "offsets": ["-24h"], "text": "…", "sender": "…"}` → 201.
pub(super) async fn make(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let name = fields.checked("name", |name| check_name(&name, TEXT_MAX));
    let definition = read(&mut fields);
    let (Some(name), Some(definition), true) = (name, definition, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let made = app.agenda.make_plan(tenant, (&name, definition)).await?;
    Ok((StatusCode::CREATED, Json(view(&app, &made))))
}

/// `GET /v1/reminder_plans`: the oldest first.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    let all = app.agenda.plans(tenant).await;
    let all = all.map_err(|error| database_refuses(&error))?;
    Ok(page(all.iter().map(|plan| view(&app, plan)).collect(), None))
}

/// `GET /v1/reminder_plans/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ReminderPlanId>,
) -> Result<Json<Value>, Problem> {
    let plan = app.agenda.plan(tenant, id).await?;
    Ok(Json(view(&app, &plan)))
}

/// `PATCH /v1/reminder_plans/{id}`: `{"name", "text", "merged_text", "link", "sender", "notice"}`, each if it is to change.
async fn edit(
    State(app): State<App>,
    (Caller(tenant), Id(id)): (Caller, Id<ReminderPlanId>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    const EDITED: [&str; 6] = ["name", "text", "merged_text", "link", "sender", "notice"];
    let mut fields = Fields::read((&headers, body), app.clock, &EDITED).await?;
    let name = fields.if_given("name", |fields, name| {
        fields.checked(name, |name| check_name(&name, TEXT_MAX))
    });
    let text = fields.if_given("text", Fields::text);
    let merged_text = fields.if_given("merged_text", Fields::text_or_null);
    let link = fields.if_given("link", Fields::text_or_null);
    let sender = fields.if_given("sender", Fields::text);
    let notice = fields.if_given("notice", |fields, name| fields.whole(name, NOTICE));
    let (Some(name), Some(text), Some(merged_text), Some(link), Some(sender), Some(notice), true) =
        (name, text, merged_text, link, sender, notice, fields.is_sound())
    else {
        return Err(fields.refusal());
    };
    let edit = PlanEdit {
        name,
        text,
        merged_text,
        link,
        sender,
        notice_minutes: notice.and_then(|notice| u16::try_from(notice).ok()),
    };
    let plan = app.agenda.edit_plan((tenant, id), &edit).await?;
    Ok(Json(view(&app, &plan)))
}

async fn set_paused(
    State(app): State<App>,
    Caller(tenant): Caller,
    (Id(id), paused): (Id<ReminderPlanId>, bool),
) -> Result<Json<Value>, Problem> {
    let plan = app.agenda.set_paused((tenant, id), paused).await?;
    Ok(Json(view(&app, &plan)))
}

/// `DELETE /v1/reminder_plans/{id}` → 204.
pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ReminderPlanId>,
) -> Result<StatusCode, Problem> {
    app.agenda.forget_plan(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn read(fields: &mut Fields) -> Option<Definition> {
    // Each of them before any `?`: all faults come out at once.
    let trigger = fields.word_or("on", &Trigger::CODES, Trigger::Date.code());
    let trigger: Option<Trigger> = trigger.and_then(|word| word.parse().ok());
    let offsets = read_offsets(fields, trigger);
    let kinds = fields.if_given("kinds", |fields, name| {
        fields.checked_list(name, EACH_MAX, |kind| check_name(kind, TEXT_MAX))
    });
    let attributes = read_attributes(fields);
    let (text, sender) = (fields.text("text"), fields.text("sender"));
    let merged_text = fields.if_given("merged_text", Fields::text);
    let link = fields.if_given("link", Fields::text);
    let hours = read_hours(fields);
    let notice = fields.whole_or("notice", NOTICE, NOTICE_USUAL);
    let asks_consent = fields.boolean("asks_consent").map(Option::unwrap_or_default);
    if asks_consent == Some(true) && trigger.is_some_and(|trigger| trigger != Trigger::Done) {
        // The one occasion on which the law lets them be asked.
        fields.refuse_field("asks_consent", FieldProblem::NotBeside { fields: &["on"] });
    }
    Some(Definition {
        trigger: trigger?,
        offsets: offsets?,
        kinds: kinds?.unwrap_or_default(),
        attributes: attributes?,
        text: text?,
        merged_text: merged_text?,
        link: link?,
        sender: sender?,
        hours: hours?,
        notice_minutes: u16::try_from(notice?).unwrap_or_default(),
        asks_consent: asks_consent?,
    })
}

/// By date they have to be said; what happened is told at once, unless they are.
fn read_offsets(fields: &mut Fields, trigger: Option<Trigger>) -> Option<Vec<Offset>> {
    let by_date = trigger == Some(Trigger::Date);
    if !fields.has("offsets") && !by_date {
        return Some(vec![Offset::NONE]);
    }
    if !fields.has("offsets") {
        fields.refuse(String::new(), FieldProblem::MissingBeside { fields: &["offsets"] });
        return None;
    }
    let check = |text: &str| {
        let unknown = |allowed| FieldProblem::UnknownValue { allowed };
        let offset: Offset = text.parse().map_err(unknown)?;
        match offset.is_before() && !by_date {
            true => Err(unknown(&["0", "+2h", "+1d"])),
            false => Ok(offset),
        }
    };
    let mut offsets = fields.checked_list("offsets", OFFSETS_MAX, check)?;
    offsets.sort_unstable();
    offsets.dedup();
    if offsets.is_empty() {
        fields.refuse_field("offsets", FieldProblem::Empty);
        return None;
    }
    Some(offsets)
}

fn read_hours(fields: &mut Fields) -> Option<Option<Hours>> {
    let time = |fields: &mut Fields, name: &str| {
        fields.if_given(name, |fields, name| fields.checked(name, |text| time_of_day(&text)))
    };
    let (from, until) = (time(fields, "not_before"), time(fields, "not_after"));
    let (from, until) = (from?, until?);
    if from.is_none() && until.is_none() {
        return Some(None);
    }
    let hours = Hours {
        from: from.unwrap_or(Time::midnight()),
        until: until.unwrap_or(Time::MAX),
    };
    if hours.from >= hours.until {
        fields.refuse_field("not_after", FieldProblem::NotLater { than: "not_before" });
        return None;
    }
    Some(Some(hours))
}

fn view(app: &App, plan: &ReminderPlan) -> Value {
    let definition = &plan.definition;
    let texts = [Some(&definition.text), definition.merged_text.as_ref()];
    let texts = texts.into_iter().flatten().map(String::as_str);
    let in_vain = asks_in_vain(texts, (&definition.sender, &app.numbers.senders()));
    let attributes: Map<String, Value> = definition
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let hour = |of: fn(&Hours) -> Time| definition.hours.map(|hours| of(&hours).strftime("%H:%M").to_string());
    json!({
        "id": plan.id.to_string(),
        "name": plan.name,
        "on": definition.trigger.code(),
        "offsets": definition.offsets.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "kinds": definition.kinds,
        "attributes": attributes,
        "text": definition.text,
        "merged_text": definition.merged_text,
        "link": definition.link,
        "sender": definition.sender,
        "no_reply_sender": in_vain,
        "not_before": hour(|hours| hours.from),
        "not_after": hour(|hours| hours.until),
        "notice": definition.notice_minutes,
        "asks_consent": definition.asks_consent,
        "paused": plan.paused,
        "created_at": time(plan.created_at),
    })
}
