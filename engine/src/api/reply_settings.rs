//! `/v1/reply_settings`: how a tenant wants to be answered for.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::App;
use super::access::Caller;
use super::automations::time_of_day;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::Problem;
use super::refusal::database_refuses;
use super::shapes;
use crate::domain::TenantId;
use crate::fault::{FieldProblem, ReplyProblem};
use crate::replies::{OPENINGS_MAX, Opening, ReplySettings};

const FIELDS: [&str; 11] = [
    "opening_hours",
    "zone",
    "closed_on_holidays",
    "per_hour",
    "per_day",
    "any_every_hours",
    "stop_confirmation",
    "identity",
    "appointment_confirmed",
    "appointment_cancelled",
    "appointment_moved",
];

pub(super) fn routes() -> Routes {
    let at = "/v1/reply_settings";
    Routes::of("replies")
        .add(
            Operation::new((Verb::Get, at), Key::Tenant, "getReplySettings")
                .says(
                    "Show how people are answered",
                    "Opening hours, how much is answered by itself, and what is answered to STOP and to CONTACT.",
                )
                .answers::<shapes::ReplySettings>(200, "The settings."),
            show,
        )
        .add(
            Operation::new((Verb::Patch, at), Key::Tenant, "changeReplySettings")
                .says(
                    "Change how people are answered",
                    "What is not given stays; it holds within five seconds.",
                )
                .takes::<shapes::ReplySettingChanges>(json!({
                    "opening_hours": [{ "days": [1, 2, 3, 4, 5], "from": "08:30", "to": "18:00" }],
                    "identity": "Cabinet Martin, 12 rue des Lilas, Lyon. 04 72 00 00 00.",
                }))
                .answers::<shapes::ReplySettings>(200, "The settings as they are now."),
            change,
        )
}

pub(super) async fn show(State(app): State<App>, Caller(tenant): Caller) -> Result<Json<Value>, Problem> {
    let settings = app.replies.settings(tenant).await;
    Ok(Json(view(&settings.map_err(|error| database_refuses(&error))?)))
}

pub(super) async fn change(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let before = app.replies.settings(tenant).await;
    let before = before.map_err(|error| database_refuses(&error))?;
    let settings = read(&mut fields, before);
    if let Some(settings) = &settings {
        check_texts(&app, tenant, settings, &mut fields).await?;
    }
    let Some(settings) = settings.filter(|_| fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let kept = app.replies.set_settings(tenant, &settings).await;
    kept.map_err(|error| database_refuses(&error))?;
    Ok(Json(view(&settings)))
}

/// All fields are looked at, so that all faults come out at once.
fn read(fields: &mut Fields, before: ReplySettings) -> Option<ReplySettings> {
    let opening = opening(fields, before.opening);
    let zone = zone(fields, before.zone);
    let holidays = fields.boolean("closed_on_holidays");
    let limit = |fields: &mut Fields, name, most, before| {
        let given = fields.whole_or(name, (0, most), before)?;
        u16::try_from(given).ok()
    };
    let per_hour = limit(fields, "per_hour", u8::MAX.into(), before.per_hour.into());
    let per_day = limit(fields, "per_day", u8::MAX.into(), before.per_day.into());
    let any_every = limit(
        fields,
        "any_every_hours",
        ReplySettings::ANY_EVERY_MAX.into(),
        before.any_every.into(),
    );
    let text = |fields: &mut Fields, name, before: String| {
        let given = fields.if_given(name, |fields, name| fields.text_or_null(name))?;
        Some(given.map_or(before, Option::unwrap_or_default))
    };
    let stop_confirmation = text(fields, "stop_confirmation", before.stop_confirmation);
    let identity = text(fields, "identity", before.identity);
    let confirmed = text(fields, "appointment_confirmed", before.confirmed);
    let cancelled = text(fields, "appointment_cancelled", before.cancelled);
    let moved = text(fields, "appointment_moved", before.moved);
    Some(ReplySettings {
        opening: opening?,
        zone: zone?,
        holidays: holidays?.unwrap_or(before.holidays),
        per_hour: u8::try_from(per_hour?).ok()?,
        per_day: u8::try_from(per_day?).ok()?,
        any_every: any_every?,
        stop_confirmation: stop_confirmation?,
        identity: identity?,
        confirmed: confirmed?,
        cancelled: cancelled?,
        moved: moved?,
    })
}

fn opening(fields: &mut Fields, before: Vec<Opening>) -> Option<Vec<Opening>> {
    if !fields.has("opening_hours") {
        return Some(before);
    }
    if fields.is_null("opening_hours") {
        return Some(Vec::new());
    }
    let all = fields.objects(("opening_hours", OPENINGS_MAX), &["days", "from", "to"], |fields| {
        let days = fields.wholes("days", 7, (1, 7));
        let from = fields.checked("from", |text| time_of_day(&text));
        let to = fields.checked("to", |text| time_of_day(&text));
        let (days, from, to) = (days?, from?, to?);
        if from >= to {
            fields.refuse_field("to", ReplyProblem::NotBehind { field: "from" }.into());
        }
        let days = days.into_iter().filter_map(|day| i8::try_from(day).ok()).collect();
        Some(Opening { days, from, to })
    });
    all.filter(|_| fields.is_sound())
}

fn zone(fields: &mut Fields, before: String) -> Option<String> {
    if !fields.has("zone") {
        return Some(before);
    }
    fields.checked("zone", |name| match rules::Zone::named(&name) {
        Some(_) => Ok(name),
        None => Err(FieldProblem::UnknownValue {
            allowed: rules::Zone::names(),
        }),
    })
}

async fn check_texts(
    app: &App,
    tenant: TenantId,
    settings: &ReplySettings,
    fields: &mut Fields,
) -> Result<(), Problem> {
    let wording = app.campaigns.wording(&app.campaigns.terms_of(tenant).await?);
    let texts = [
        ("stop_confirmation", &settings.stop_confirmation),
        ("identity", &settings.identity),
        ("appointment_confirmed", &settings.confirmed),
        ("appointment_cancelled", &settings.cancelled),
        ("appointment_moved", &settings.moved),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        if let Err(problem) = wording.check(text) {
            fields.refuse_field(name, problem);
        }
    }
    Ok(())
}

fn view(settings: &ReplySettings) -> Value {
    let hour = |time: jiff::civil::Time| time.strftime("%H:%M").to_string();
    let opening =
        |opening: &Opening| json!({ "days": opening.days, "from": hour(opening.from), "to": hour(opening.to) });
    json!({
        "opening_hours": settings.opening.iter().map(opening).collect::<Vec<_>>(),
        "zone": settings.zone,
        "closed_on_holidays": settings.holidays,
        "per_hour": settings.per_hour,
        "per_day": settings.per_day,
        "any_every_hours": settings.any_every,
        "stop_confirmation": settings.stop_confirmation,
        "identity": settings.identity,
        "appointment_confirmed": settings.confirmed,
        "appointment_cancelled": settings.cancelled,
        "appointment_moved": settings.moved,
    })
}
