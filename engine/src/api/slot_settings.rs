//! `/v1/slot_settings`: how a time that became free is offered to the waiting list.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::offers::wave;
use super::problem::{Problem, ProblemCode};
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::agenda::{FreedBy, SLOT_NOTICE, SlotSettings, SlotTexts, SlotWave};
use crate::fault::FieldProblem;
use crate::people::{EACH_MAX, TEXT_MAX, check_name};
use crate::replies::ReplyFault;

const FIELDS: [&str; 10] = [
    "enabled", "kinds", "by", "number", "notice", "wave", "text", "won", "late", "others",
];

pub(super) fn routes() -> Routes {
    let at = "/v1/slot_settings";
    Routes::of("events")
        .add(
            Operation::new((Verb::Get, at), Key::Tenant, "getSlotSettings")
                .says(
                    "Show how a time that became free is offered",
                    "To those of the waiting list whom it suits, once an event was cancelled. Off, unless it is switched on.",
                )
                .answers::<shapes::SlotSettings>(200, "The settings."),
            show,
        )
        .add(
            Operation::new((Verb::Patch, at), Key::Tenant, "changeSlotSettings")
                .says(
                    "Change how a time that became free is offered",
                    "What is not given stays. What was offered before goes on as it was.",
                )
                .takes::<shapes::SlotSettingChanges>(json!({
                    "enabled": true, "number": "+33644630001", "kinds": ["Consultation"], "notice": 240,
                    "text": "Un rendez-vous se libère [jour] à [heure] avec [praticien]. Répondez OUI pour le prendre.",
                }))
                .answers::<shapes::SlotSettings>(200, "The settings as they are now.")
                .refuses(&[ProblemCode::NumberNotOwn]),
            change,
        )
}

async fn show(State(app): State<App>, Caller(tenant): Caller) -> Result<Json<Value>, Problem> {
    let settings = app.agenda.slot_settings(tenant).await;
    Ok(Json(view(&settings.map_err(|error| database_refuses(&error))?)))
}

async fn change(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let before = app.agenda.slot_settings(tenant).await;
    let before = before.map_err(|error| database_refuses(&error))?;
    let is_named = fields.has("number");
    let settings = read(&mut fields, before);
    if settings
        .as_ref()
        .is_some_and(|settings| settings.enabled && settings.number.is_empty())
    {
        fields.refuse_field("enabled", FieldProblem::MissingBeside { fields: &["number"] });
    }
    let (Some(mut settings), true) = (settings, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    if is_named || (settings.enabled && !settings.number.is_empty()) {
        let owned = app.numbers.find(&settings.number);
        let Some(owned) = owned.filter(|owned| owned.has(tenant)) else {
            return Err(ReplyFault::NotOurs.into());
        };
        settings.number = owned.sender.to_string();
    }
    app.agenda.set_slot_settings(tenant, &settings).await?;
    Ok(Json(view(&settings)))
}

/// All fields are looked at, so that all faults come out at once.
fn read(fields: &mut Fields, before: SlotSettings) -> Option<SlotSettings> {
    const BY: &[&str] = &FreedBy::CODES;
    let enabled = fields.boolean("enabled");
    let kinds = fields.if_given("kinds", |fields, name| {
        fields.checked_list(name, EACH_MAX, |text| check_name(text, TEXT_MAX))
    });
    let by = fields.if_given("by", |fields, name| {
        if fields.is_null(name) {
            fields.refuse_field(name, FieldProblem::Empty);
        }
        fields.checked_list(name, BY.len(), |word| {
            word.parse().map_err(|_| FieldProblem::UnknownValue { allowed: BY })
        })
    });
    let number = fields.text_or("number", &before.number);
    let notice = fields.whole_or("notice", SLOT_NOTICE, before.notice.into());
    let wave = match fields.has("wave") {
        true => wave(fields).map(|given| {
            given.map(|wave| SlotWave {
                people: u32::try_from(wave.people).unwrap_or(u32::MAX),
                minutes: u32::try_from(wave.every.as_secs() / 60).unwrap_or(u32::MAX),
            })
        }),
        false => Some(before.wave),
    };
    let texts = texts(fields, before.texts);
    Some(SlotSettings {
        enabled: enabled?.unwrap_or(before.enabled),
        kinds: kinds?.unwrap_or(before.kinds),
        by: by?.unwrap_or(before.by),
        number: number?,
        notice: u32::try_from(notice?).ok()?,
        wave: wave?,
        texts: texts?,
    })
}

fn texts(fields: &mut Fields, before: SlotTexts) -> Option<SlotTexts> {
    let text = fields.text_or("text", &before.text);
    let (won, late) = (fields.text_or("won", &before.won), fields.text_or("late", &before.late));
    let others = fields.if_given("others", |fields, name| fields.text_or_null(name));
    Some(SlotTexts {
        text: text?,
        won: won?,
        late: late?,
        others: others?.unwrap_or(before.others),
    })
}

fn view(settings: &SlotSettings) -> Value {
    let texts = &settings.texts;
    json!({
        "enabled": settings.enabled,
        "kinds": settings.kinds,
        "by": settings.by.iter().map(|by| by.into_str()).collect::<Vec<_>>(),
        "number": Some(&settings.number).filter(|number| !number.is_empty()),
        "notice": settings.notice,
        "wave": settings.wave.map(|wave| json!({ "people": wave.people, "minutes": wave.minutes })),
        "text": texts.text,
        "won": texts.won,
        "late": texts.late,
        "others": texts.others,
    })
}
