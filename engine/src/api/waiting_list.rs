//! `/v1/waiting_list`: who waits for a time that becomes free.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Caller;
use super::agenda::{read_times, read_whom};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::pages::Paging;
use super::problem::Problem;
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::agenda::{TIME_ZONE, Whom};
use crate::audience::instant_ahead;
use crate::campaign::view::time;
use crate::domain::UnixMicros;
use crate::fault::{FieldProblem, ReplyProblem};
use crate::people::{TEXT_MAX, VALUE_MAX, check_name};
use crate::replies::{GivenWaiting, SUITS_MAX, Suits, WAITING_DAYS, WAITING_GIVEN_MAX, WaitingPerson};

/// A thousand people with everything that may be said of them.
const BODY_MAX: u64 = 8 << 20;

const FIELDS: [&str; 12] = [
    "reference",
    "patient",
    "contact",
    "number",
    "kinds",
    "practitioners",
    "places",
    "from",
    "until",
    "time_zone",
    "consent",
    "expires_at",
];

pub(super) fn routes() -> Routes {
    let all = "/v1/waiting_list";
    Routes::of("events")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "putOnWaitingList")
                .says(
                    "Put people on the waiting list, in place of what is known of them",
                    "By `reference`, what the practice's software calls them. All of them or none; handed in again they keep their place. Only people who \
                     have asked for it: `consent` says when and how.",
                )
                .takes::<shapes::GivenWaitingPeople>(json!({ "people": [{
                    "reference": "ATT-5", "number": "0612345678", "practitioners": ["Dr Petit"], "until": "2030-01-15T00:00",
                    "consent": "Au téléphone, le 12 novembre",
                }] }))
                .answers::<shapes::WaitingPeopleTaken>(200, "What became of each."),
            put,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listWaitingList")
                .says("List who waits", "In the order in which they are asked.")
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::WaitingPerson>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Post, "/v1/waiting_list/remove"), Key::Tenant, "takeOffWaitingList")
                .says(
                    "Take people off the waiting list",
                    "Nobody of them is asked any more. Those who are not on it make no difference.",
                )
                .takes::<shapes::NoLongerWaiting>(json!({ "references": ["ATT-5"] }))
                .answers::<shapes::TakenOff>(200, "How many were on it."),
            remove,
        )
}

/// `POST /v1/waiting_list`: `{"people": [{"reference": "…", "patient": "…", "consent": "…"}]}` → 200 with what became of each.
async fn put(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &["people"]).await?;
    let (now, zone) = (app.clock.unix(), app.time_zone_of(tenant).await?);
    let given = fields.objects(("people", WAITING_GIVEN_MAX), &FIELDS, |fields| {
        fields.assume("time_zone", &zone);
        read(fields, now)
    });
    let (Some(given), true) = (given, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let outcomes = app.replies.put_on_waiting_list(tenant, &given).await?;
    let became = given.iter().zip(outcomes);
    let rows = became.map(|(given, outcome)| json!({ "reference": given.reference, "outcome": outcome.code() }));
    Ok(Json(json!({ "data": rows.collect::<Vec<_>>() })))
}

async fn list(State(app): State<App>, Caller(tenant): Caller, paging: Paging) -> Result<Page, Problem> {
    let behind = paging.cursor()?;
    let found = app.replies.waiting_list(tenant, (behind, paging.limit)).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let last = found.last().filter(|_| found.len() == paging.limit);
    let next = last.map(|last| last.id.to_string());
    Ok(page(found.iter().map(view).collect(), next))
}

/// `POST /v1/waiting_list/remove`: `{"references": ["…"]}` → 200.
async fn remove(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["references"]).await?;
    if fields.is_null("references") {
        fields.refuse_field("references", FieldProblem::Empty);
        return Err(fields.refusal());
    }
    let check = |reference: &str| check_name(reference, TEXT_MAX);
    let references = fields.checked_list("references", WAITING_GIVEN_MAX, check);
    let (Some(references), true) = (references, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let removed = app.replies.take_off_waiting_list(tenant, &references).await;
    let removed = removed.map_err(|error| database_refuses(&error))?;
    Ok(Json(json!({ "removed": removed })))
}

/// Somebody as they are given.
fn read(fields: &mut Fields, now: UnixMicros) -> Option<GivenWaiting> {
    let names = |fields: &mut Fields, name: &str, max: usize| {
        let given = fields.if_given(name, |fields, name| {
            fields.checked_list(name, SUITS_MAX, |text| check_name(text, max))
        });
        given.map(Option::unwrap_or_default)
    };
    // Each of them before any `?`: all faults come out at once.
    let reference = fields.checked("reference", |text| check_name(&text, TEXT_MAX));
    let whom = read_whom(fields);
    if whom == Some(None) {
        let problem = FieldProblem::MissingBeside {
            fields: &["patient", "contact", "number"],
        };
        fields.refuse_field("", problem);
    }
    let (kinds, practitioners) = (
        names(fields, "kinds", TEXT_MAX),
        names(fields, "practitioners", TEXT_MAX),
    );
    let places = names(fields, "places", VALUE_MAX);
    let zone = fields.text_or("time_zone", TIME_ZONE);
    let times = zone.and_then(|zone| read_times(fields, (&zone, ["from", "until"])));
    if let Some([Some(from), Some(until)]) = times
        && from >= until
    {
        fields.refuse_field("until", ReplyProblem::NotBehind { field: "from" }.into());
    }
    let consent = fields.checked("consent", |text| check_name(&text, TEXT_MAX));
    let expires_at = fields.if_given("expires_at", |fields, name| {
        fields.checked(name, |text| instant_ahead(&text, (now, WAITING_DAYS)))
    });
    let [from, until] = times?;
    Some(GivenWaiting {
        reference: reference?,
        whom: whom??,
        suits: Suits {
            kinds: kinds?,
            practitioners: practitioners?,
            places: places?,
            from,
            until,
        },
        consent: consent?,
        expires_at: expires_at?,
    })
}

pub(super) fn view(person: &WaitingPerson) -> Value {
    let (contact, number) = match person.whom {
        Whom::Contact(contact) => (Some(contact.to_string()), None),
        Whom::Number(number) => (None, Some(number.to_string())),
    };
    let suits = &person.suits;
    json!({
        "reference": person.reference,
        "contact": contact,
        "number": number,
        "kinds": suits.kinds,
        "practitioners": suits.practitioners,
        "places": suits.places,
        "from": suits.from.and_then(time),
        "until": suits.until.and_then(time),
        "consent": person.consent,
        "expires_at": time(person.expires_at),
        "created_at": time(person.created_at),
    })
}
