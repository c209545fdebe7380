//! `/v1/events`: what is in the diary of a practice, and what people are told of it.

use std::collections::HashSet;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use jiff::tz::TimeZone;
use serde_json::{Map, Value, json};

use super::access::{Caller, Id};
use super::contacts::read_attributes;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::pages::{PAGE_DEFAULT, cursor, instant, limit};
use super::problem::{Problem, ProblemKind};
use super::query::{parameters, refused};
use super::refusal::{database_refuses, store_refuses};
use super::schedule::{self, NoInstant};
use super::{App, Page, page, shapes};
use crate::agenda::{
    AgendaFault, EVENT_MINUTES, EVENTS_MAX, Event, EventState, GivenEvent, GivenWhom, OpenQuestion, PLANS_MAX,
    Reminder, Sought, Start, TIME_ZONE, Whom,
};
use crate::audience::existing;
use crate::automation::{BadPart, Rule};
use crate::campaign::view::time;
use crate::domain::{ContactId, Country, EventId, Recipient, TenantId, UnixMicros};
use crate::fault::{DateProblem, FieldFault, FieldProblem};
use crate::people::{TEXT_MAX, VALUE_MAX, check_name, check_text};

/// A thousand events with everything that may be said of them.
const BODY_MAX: u64 = 8 << 20;

const FIELDS: [&str; 16] = [
    "reference",
    "patient",
    "contact",
    "number",
    "kind",
    "state",
    "starts_at",
    "time_zone",
    "repeat",
    "practice",
    "practitioner",
    "place",
    "floor",
    "minutes",
    "link",
    "attributes",
];

/// One of these says whom an event is for.
const WHOM: [&str; 3] = ["patient", "contact", "number"];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/events", "/v1/events/{id}");
    Routes::of("events")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "upsertEvents")
                .says(
                    "Put appointments, and whatever else people are told of, in place of what is known of them",
                    "By `reference`, what the practice's software calls them. All of them or none; what is not given stays. In the same step \
                     their reminders are made, moved and cancelled, as the plans of then say.",
                )
                .takes::<shapes::GivenEvents>(json!({ "events": [{
                    "reference": "RDV-17", "number": "0612345678", "kind": "Consultation", "starts_at": "2026-12-24T09:30",
                    "practitioner": "Dr Petit", "place": "12 rue Haute", "floor": "2e", "minutes": 20,
                }] }))
                .answers::<shapes::UpsertedEvents>(200, "What became of each."),
            upsert,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listEvents")
                .says("List events", "In the order of their starts.")
                .asks::<shapes::EventsWanted>()
                .answers::<shapes::Page<shapes::EventSummary>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getEvent")
                .says("Show an event", "With its reminders, and what became of them.")
                .at::<EventId>("id", "The event.")
                .answers::<shapes::Event>(200, "The event."),
            show,
        )
        .add(
            Operation::new((Verb::Get, "/v1/open_questions"), Key::Tenant, "listOpenQuestions")
                .says(
                    "Say what a number was asked",
                    "The events that reminders told it of and that are still booked and to come, what was asked last first: what it writes back may \
                     be about these.",
                )
                .asks::<shapes::QuestionsWanted>()
                .answers::<shapes::Page<shapes::OpenQuestion>>(200, "All of them."),
            questions,
        )
        .and(moves())
}

fn moves() -> Routes {
    Routes::of("events")
        .add(
            Operation::new((Verb::Post, "/v1/events/{id}/cancel"), Key::Tenant, "cancelEvent")
                .says(
                    "Cancel an event",
                    "With its reminders; plans `on` `cancelled` tell of it. Its time is offered to the waiting list, if `slot_settings` says so.",
                )
                .at::<EventId>("id", "The event.")
                .answers::<shapes::Event>(200, "It is cancelled."),
            async |app: State<App>, caller: Caller, id: Id<EventId>| {
                set(app, caller, (id, EventState::Cancelled)).await
            },
        )
        .add(
            Operation::new((Verb::Post, "/v1/events/{id}/no_show"), Key::Tenant, "missEvent")
                .says(
                    "Say that nobody came",
                    "Plans `on` `no_show` tell of it, if it was within a week.",
                )
                .at::<EventId>("id", "The event.")
                .answers::<shapes::Event>(200, "It is so."),
            async |app: State<App>, caller: Caller, id: Id<EventId>| set(app, caller, (id, EventState::NoShow)).await,
        )
        .add(
            Operation::new((Verb::Post, "/v1/events/{id}/done"), Key::Tenant, "finishEvent")
                .says(
                    "Say that it took place",
                    "Plans `on` `done` tell of it, if it was within a week.",
                )
                .at::<EventId>("id", "The event.")
                .answers::<shapes::Event>(200, "It is so."),
            async |app: State<App>, caller: Caller, id: Id<EventId>| set(app, caller, (id, EventState::Done)).await,
        )
        .add(
            Operation::new((Verb::Post, "/v1/contacts/{id}/reminders"), Key::Tenant, "setReminders")
                .says(
                    "Have a contact get reminders, or none",
                    "That something was booked, moved or cancelled they are told all the same.",
                )
                .at::<ContactId>("id", "The contact.")
                .takes::<shapes::RemindersWanted>(json!({ "wanted": false }))
                .answers::<shapes::Reminders>(200, "Whether they get reminders."),
            set_reminders,
        )
}

/// `POST /v1/events`: `{"events": [{"reference": "…", "patient": "…", "starts_at": "…"}]}` → 200 with what became of each.
pub(super) async fn upsert(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &["events"]).await?;
    let zone = app.time_zone_of(tenant).await?;
    let given = fields.objects(("events", EVENTS_MAX), &FIELDS, |fields| {
        fields.assume("time_zone", &zone);
        read(fields)
    });
    // Which of two would hold, nobody has said.
    let mut seen = HashSet::new();
    let is_sound = fields.is_sound();
    for (at, event) in given.iter().flatten().enumerate() {
        if is_sound && !seen.insert(event.reference.as_str()) {
            fields.refuse(format!("/events/{at}/reference"), FieldProblem::Twice);
        }
    }
    let (Some(given), true) = (given, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let became = app.agenda.upsert(tenant, &given).await?;
    let rows = became
        .iter()
        .map(|became| json!({ "id": became.id.to_string(), "outcome": became.outcome.code() }));
    Ok(Json(json!({ "data": rows.collect::<Vec<_>>() })))
}

/// `GET /v1/events`: by their starts.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller, wanted: Wanted) -> Result<Page, Problem> {
    let page_of = (wanted.after, wanted.limit);
    let found = app.agenda.events((tenant, &wanted.sought), page_of).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let next = (found.len() == wanted.limit).then(|| found.last().map(|event| event.id.to_string()));
    Ok(page(found.iter().map(view).collect(), next.flatten()))
}

/// `GET /v1/events/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<EventId>,
) -> Result<Json<Value>, Problem> {
    whole(&app, tenant, id).await
}

/// `GET /v1/open_questions?number=…`.
pub(super) async fn questions(
    State(app): State<App>,
    Caller(tenant): Caller,
    Asked(number): Asked,
) -> Result<Page, Problem> {
    let open = app.agenda.open_questions((tenant, number)).await;
    let open = open.map_err(|error| database_refuses(&error))?;
    let view = |question: &OpenQuestion| {
        json!({
            "event": question.event.to_string(),
            "reference": question.reference,
            "contact": question.contact.map(|contact| contact.to_string()),
            "plan": question.plan.to_string(),
            "message": question.message.to_string(),
            "sender": question.sender,
            "asked_at": time(question.asked_at),
            "open_until": time(question.open_until),
        })
    };
    Ok(page(open.iter().map(view).collect(), None))
}

/// Which number is asked about.
pub(super) struct Asked(Recipient);

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut given = parameters((parts, app), &["number"]).await?;
        let Some((_, number)) = given.pop() else {
            return Err(refused("?number", FieldProblem::Missing));
        };
        let number = existing(&number, Country::FRANCE);
        number.map(Self).map_err(|fault| refused("?number", fault.problem()))
    }
}

async fn set(
    State(app): State<App>,
    Caller(tenant): Caller,
    (Id(id), state): (Id<EventId>, EventState),
) -> Result<Json<Value>, Problem> {
    app.agenda.set_state((tenant, id), state).await?;
    whole(&app, tenant, id).await
}

/// `POST /v1/contacts/{id}/reminders`: `{"wanted": false}` → 200.
pub(super) async fn set_reminders(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ContactId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["wanted"]).await?;
    let wanted = fields.boolean("wanted");
    if wanted == Some(None) {
        fields.refuse_field("wanted", FieldProblem::Missing);
    }
    let (Some(Some(wanted)), true) = (wanted, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    app.agenda.set_reminders((tenant, id), wanted).await?;
    let since = app.agenda.reminders_off_since((tenant, id)).await?;
    Ok(Json(json!({
        "contact": id.to_string(),
        "wanted": since.is_none(),
        "off_since": since.and_then(time),
    })))
}

async fn whole(app: &App, tenant: TenantId, id: EventId) -> Result<Json<Value>, Problem> {
    let event = app.agenda.event(tenant, id).await?;
    let reminders = app.agenda.reminders(id).await;
    let reminders = reminders.map_err(|error| database_refuses(&error))?;
    let mut shown = view(&event);
    shown["reminders"] = reminders.iter().map(reminder).collect();
    let slot = app.replies.freed_slot((tenant, id)).await;
    let slot = slot.map_err(|error| database_refuses(&error))?;
    shown["slot"] = slot.map_or(Value::Null, |slot| {
        json!({
            "state": slot.state,
            "offer": slot.offer.map(|offer| offer.to_string()),
            "people": slot.people,
            "freed_at": time(slot.freed_at),
            "starts_at": time(slot.starts_at),
        })
    });
    let answered = app.agenda.answered(id).await;
    let answered = answered.map_err(|error| database_refuses(&error))?;
    shown["answer"] = answered.map_or(
        Value::Null,
        |(answer, at)| json!({ "answer": answer.code(), "at": time(at) }),
    );
    Ok(Json(shown))
}

/// Which events, and which page of them.
pub(super) struct Wanted {
    sought: Sought,
    after: Option<EventId>,
    limit: usize,
}

impl FromRequestParts<App> for Wanted {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 8] = [
            "limit",
            "cursor",
            "reference",
            "contact",
            "kind",
            "state",
            "since",
            "until",
        ];
        const STATES: &[&str] = &EventState::CODES;
        let mut wanted = Self {
            sought: Sought::default(),
            after: None,
            limit: PAGE_DEFAULT,
        };
        let sought = &mut wanted.sought;
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "limit" => wanted.limit = limit(&value)?,
                "cursor" => wanted.after = Some(cursor(&value)?),
                "reference" => sought.reference = Some(text("?reference", value)?),
                "kind" => sought.kind = Some(text("?kind", value)?),
                "contact" => {
                    let allowed = &["con_…"];
                    let contact = value.parse();
                    let unknown = |_| refused("?contact", FieldProblem::UnknownValue { allowed });
                    sought.contact = Some(contact.map_err(unknown)?);
                }
                "state" => {
                    let unknown = |_| refused("?state", FieldProblem::UnknownValue { allowed: STATES });
                    sought.state = Some(value.parse().map_err(unknown)?);
                }
                "since" => sought.since = Some(instant("?since", &value)?),
                "until" => sought.until = Some(instant("?until", &value)?),
                _ => {}
            }
        }
        Ok(wanted)
    }
}

fn text(pointer: &str, value: String) -> Result<String, Problem> {
    match check_text(&value, TEXT_MAX) {
        Ok(text) => Ok(text),
        Err(problem) => Err(refused(pointer, problem)),
    }
}

/// An event as it is given.
fn read(fields: &mut Fields) -> Option<GivenEvent> {
    let short = |fields: &mut Fields, name: &str| {
        fields.if_given(name, |fields, name| {
            fields.checked(name, |text| check_text(&text, TEXT_MAX))
        })
    };
    // Each of them before any `?`: all faults come out at once.
    let reference = fields.checked("reference", |text| check_name(&text, TEXT_MAX));
    let (whom, start) = (read_whom(fields), read_start(fields));
    let (kind, practice) = (short(fields, "kind"), short(fields, "practice"));
    let (practitioner, floor) = (short(fields, "practitioner"), short(fields, "floor"));
    let place = fields.if_given("place", |fields, name| {
        fields.checked(name, |text| check_text(&text, VALUE_MAX))
    });
    let state = fields.if_given("state", |fields, name| fields.word(name, &EventState::CODES));
    let minutes = fields.if_given("minutes", |fields, name| {
        fields
            .whole(name, EVENT_MINUTES)
            .and_then(|minutes| u16::try_from(minutes).ok())
    });
    let link = fields.if_given("link", |fields, name| {
        fields.text_or_null(name).map(Option::unwrap_or_default)
    });
    let attributes = read_attributes(fields);
    let repeat = fields.if_given("repeat", read_repeat);
    Some(GivenEvent {
        reference: reference?,
        whom: whom?,
        kind: kind?,
        state: state?,
        start: start?,
        repeat: repeat?,
        practice: practice?,
        practitioner: practitioner?,
        place: place?,
        floor: floor?,
        minutes: minutes?,
        link: link?,
        attributes: attributes?,
    })
}

/// Who it is, if one of the fields says so.
pub(super) fn read_whom(fields: &mut Fields) -> Option<Option<GivenWhom>> {
    let given: Vec<&str> = WHOM.into_iter().filter(|name| fields.has(name)).collect();
    let Some(name) = given.first() else {
        return Some(None);
    };
    if let Some(other) = given.get(1) {
        fields.refuse_field(other, FieldProblem::NotBeside { fields: &WHOM });
        return None;
    }
    let whom = match *name {
        "patient" => {
            let reference = fields.checked(name, |text| check_name(&text, TEXT_MAX));
            reference.map(GivenWhom::Patient)
        }
        "contact" => {
            let unknown = |_| FieldProblem::UnknownValue { allowed: &["con_…"] };
            let id = fields.checked(name, |id| id.parse().map_err(unknown));
            id.map(GivenWhom::Contact)
        }
        _ => read_number(fields, name).map(GivenWhom::Number),
    };
    whom.map(Some)
}

/// An RRULE of days; `null`: it is once.
fn read_repeat(fields: &mut Fields, name: &str) -> Option<Option<String>> {
    let given = fields.text_or_null(name)?;
    match given {
        Some(rule) => match Rule::read(&rule) {
            Ok(_) => Some(Some(rule)),
            Err(BadPart(part)) => {
                fields.refuse_field(name, DateProblem::InvalidRecurrence { part }.into());
                None
            }
        },
        None => Some(None),
    }
}

fn read_number(fields: &mut Fields, name: &str) -> Option<Recipient> {
    let number = fields.phone_number(name)?;
    match existing(&number, Country::FRANCE) {
        Ok(recipient) => Some(recipient),
        Err(fault) => {
            fields.refuse_field(name, fault.problem());
            None
        }
    }
}

/// A time with its offset, or by the clocks of `time_zone`.
fn read_start(fields: &mut Fields) -> Option<Option<Start>> {
    let zone = fields.text_or("time_zone", TIME_ZONE);
    let [at] = read_times(fields, (zone.as_deref()?, ["starts_at"]))?;
    let zone = zone?;
    Some(at.map(|at| Start { at, zone }))
}

/// Times that may be there, each with its offset, or by these clocks. All are looked at.
pub(super) fn read_times<const N: usize>(
    fields: &mut Fields,
    (zone, names): (&str, [&'static str; N]),
) -> Option<[Option<UnixMicros>; N]> {
    let given = names.map(|name| fields.if_given(name, Fields::text));
    let Ok(time_zone) = TimeZone::get(zone) else {
        fields.refuse_field("time_zone", DateProblem::UnknownTimeZone.into());
        return None;
    };
    let mut times = [None; N];
    let mut is_sound = true;
    for ((name, given), time) in names.into_iter().zip(given).zip(&mut times) {
        let Some(given) = given else {
            is_sound = false;
            continue;
        };
        let Some(text) = given else { continue };
        match instant_of(&text, (zone, &time_zone)) {
            Ok(at) => *time = Some(at),
            Err(problem) => {
                fields.refuse_field(name, problem.into());
                is_sound = false;
            }
        }
    }
    is_sound.then_some(times)
}

fn instant_of(text: &str, (zone, time_zone): (&str, &TimeZone)) -> Result<UnixMicros, DateProblem> {
    let zone = || zone.to_owned();
    match schedule::instant(text, time_zone) {
        Ok(at) => match u64::try_from(at.as_microsecond()) {
            Ok(at) => Ok(UnixMicros(at)),
            Err(_) => Err(DateProblem::InvalidLocalTime { time_zone: zone() }),
        },
        Err(NoInstant::Unreadable) => Err(DateProblem::InvalidLocalTime { time_zone: zone() }),
        Err(NoInstant::Skipped) => Err(DateProblem::SkippedTime { time_zone: zone() }),
    }
}

/// An event as its tenant sees it.
pub(super) fn view(event: &Event) -> Value {
    let details = &event.details;
    let attributes: Map<String, Value> = details
        .attributes
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let (contact, number) = match event.whom {
        Whom::Contact(contact) => (Some(contact.to_string()), None),
        Whom::Number(number) => (None, Some(number.to_string())),
    };
    json!({
        "id": event.id.to_string(),
        "reference": event.reference,
        "contact": contact,
        "number": number,
        "kind": event.kind,
        "state": event.state.code(),
        "starts_at": time(event.start.at).filter(|_| event.dated),
        "time_zone": event.start.zone,
        "repeat": event.series.as_ref().map(|series| series.rule.as_str()),
        "practice": details.practice,
        "practitioner": details.practitioner,
        "place": details.place,
        "floor": details.floor,
        "minutes": details.minutes,
        "link": Some(&details.link).filter(|link| !link.is_empty()),
        "attributes": attributes,
        "created_at": time(event.created_at),
        "updated_at": time(event.updated_at),
    })
}

fn reminder(reminder: &Reminder) -> Value {
    json!({
        "plan": reminder.plan.to_string(),
        "step": reminder.step,
        "for": time(reminder.for_at),
        "due_at": time(reminder.due_at),
        "state": reminder.state.code(),
        "reason": reminder.reason,
        "message": reminder.message.map(|message| message.to_string()),
        "sent_at": reminder.message.and(reminder.begun_at).and_then(time),
    })
}

impl From<AgendaFault> for Problem {
    fn from(fault: AgendaFault) -> Self {
        match fault {
            AgendaFault::NotFound => ProblemKind::NotFound.into(),
            AgendaFault::Fields(faults) => Self::of_fields(faults),
            AgendaFault::TooManyPlans => {
                let problem = FieldProblem::TooMany { max: PLANS_MAX };
                Self::of_fields(vec![FieldFault::new("", problem)])
            }
            AgendaFault::Campaign(fault) => fault.into(),
            AgendaFault::Store(error) => store_refuses(&error),
            AgendaFault::Database(error) => database_refuses(&error),
        }
    }
}
