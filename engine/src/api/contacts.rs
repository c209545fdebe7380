//! `/v1/contacts`: the people whom a clinic knows.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::pages::Paging;
use super::problem::{Problem, ProblemCode, RequestId};
use super::query::{parameters, refused};
use super::refusal::{database_refuses, store_refuses};
use super::{App, Page, page, shapes};
use crate::audience::existing;
use crate::campaign::view::time;
use crate::domain::{ContactId, Country, Recipient, Role, TenantId, UnixMicros};
use crate::fault::{DateProblem, Expected, FieldProblem};
use crate::people::{
    ATTRIBUTE_NAME_MAX, Contact, EACH_MAX, Engaged, Filter, Given, Kind, OTHER_NUMBERS, OTHERS_MAX, OtherNumber,
    Source, SourceKind, Sources, TEXT_MAX, UPSERT_MAX, VALUE_MAX, VISITS_MAX, Visit, check_day, check_label,
    check_name, check_text,
};

/// A thousand contacts with everything that may be known of them.
const BODY_MAX: u64 = 8 << 20;

/// The most rows of one page of a search.
const PAGE_MAX: i64 = 500;

pub(super) const FIELDS: [&str; 11] = [
    "reference",
    "number",
    "other_numbers",
    "first_name",
    "last_name",
    "kind",
    "birth_date",
    "practices",
    "tags",
    "attributes",
    "visits",
];

/// By one of these a person is known again.
const IDENTITY: [&str; 2] = ["reference", "number"];

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/contacts", "/v1/contacts/{id}");
    Routes::of("contacts")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "upsertContacts")
                .says(
                    "Put contacts in place of what is known of them",
                    "All of them or none. Where one is given twice, the later is put onto the earlier.",
                )
                .takes::<shapes::GivenContacts>(json!({ "contacts": [
                    { "reference": "P-17", "number": "0612345678", "first_name": "Zoé", "last_name": "Martin", "tags": ["sport"] },
                ] }))
                .answers::<shapes::Upserted>(200, "What became of each.")
                .refuses(&[ProblemCode::NotFound]),
            upsert,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listContacts")
                .says("List contacts", "In the order in which they came.")
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::Contact>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Post, "/v1/contacts/search"), Key::Tenant, "searchContacts")
.needs(Role::Read)
                .says("Find contacts", "The same filter is the audience of a campaign.")
                .takes::<shapes::Search>(json!({ "filter": { "field": "tag", "is": "sport" }, "limit": 10 }))
                .answers::<shapes::FoundContacts>(200, "A page of those whom it means, and how many they are."),
            search,
        )
        .add(
            Operation::new((Verb::Get, one), Key::Tenant, "getContact")
                .says("Show a contact", "With `sources=true`: whence each field is, and since when.")
                .at::<ContactId>("id", "The contact.")
                .asks::<shapes::ContactAsked>()
                .answers::<shapes::Contact>(200, "The contact."),
            show,
        )
        .add(
            Operation::new((Verb::Delete, one), Key::Tenant, "deleteContact")
                .says(
                    "Forget a contact",
                    "With visits, consents and places on lists. Who has opted out stays so: that hangs on the number.",
                )
                .at::<ContactId>("id", "The contact.")
                .answers_nothing(204, "It is forgotten."),
            forget,
        )
}

/// `POST /v1/contacts`: `{"contacts": [{"number": "06…", "last_name": "…"}], "list": "lst_…"}` → 200 with what became of each.
/// What is not given of a person that is known stays as it is.
pub(super) async fn upsert(
    State(app): State<App>,
    (Caller(tenant), Extension(request)): (Caller, Extension<RequestId>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &["contacts", "list"]).await?;
    let given = fields.objects(("contacts", UPSERT_MAX), &FIELDS, |fields| {
        read(fields, app.clock.unix())
    });
    let list = fields.if_given("list", |fields, name| {
        fields.checked(name, |id| {
            id.parse()
                .map_err(|_| FieldProblem::UnknownValue { allowed: &["lst_…"] })
        })
    });
    let (Some(given), Some(list), true) = (given, list, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    // Who was erased and comes again is known again, and gets no advertising.
    let numbers: Vec<_> = given.iter().flat_map(Given::numbers).collect();
    let held_back = app.mirror.held_back(tenant, numbers).await;
    held_back.map_err(|error| store_refuses(&error))?;
    let source = Source::new(SourceKind::Api, &request.0);
    let became = app.people.upsert(tenant, &given, (list, Some(&source))).await?;
    let rows = became
        .iter()
        .map(|became| json!({ "id": became.id.to_string(), "outcome": became.outcome.code() }));
    Ok(Json(json!({ "data": rows.collect::<Vec<_>>() })))
}

/// `GET /v1/contacts`: all, in the order in which they came.
pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller, paging: Paging) -> Result<Page, Problem> {
    let after = paging.cursor()?.unwrap_or(ContactId(0));
    some(&app, (tenant, &Filter::EVERYBODY), (after, paging.limit)).await
}

/// `POST /v1/contacts/search`: `{"filter": {…}, "limit": 50, "cursor": "…"}` → those whom the filter means, and how many they are.
pub(super) async fn search(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Page, Problem> {
    let known = ["filter", "limit", "cursor"];
    let mut fields = Fields::read_long((&headers, body), (app.clock, BODY_MAX), &known).await?;
    let filter = filter(&mut fields);
    let limit = fields.whole_or("limit", (1, PAGE_MAX), 50);
    let after = fields.if_given("cursor", |fields, name| {
        fields.checked(name, |cursor| {
            cursor.parse().map_err(|_| FieldProblem::Expected(Expected::Cursor))
        })
    });
    let (Some(filter), Some(limit), Some(after), true) = (filter, limit, after, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let limit = usize::try_from(limit).unwrap_or(1);
    let page = some(&app, (tenant, &filter), (after.unwrap_or(ContactId(0)), limit)).await?;
    let total = app.people.count(tenant, &filter).await;
    Ok(page.with("total", total.map_err(|error| database_refuses(&error))?))
}

/// `GET /v1/contacts/{id}`.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ContactId>,
    Shown { sources }: Shown,
) -> Result<Json<Value>, Problem> {
    let mut shown = one(&app, tenant, id).await?;
    if sources {
        shown["sources"] = sources_view(&app.people.sources_of(tenant, id).await?);
    }
    Ok(Json(shown))
}

/// `?sources=true`.
pub(super) struct Shown {
    sources: bool,
}

impl FromRequestParts<App> for Shown {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut sources = false;
        for (name, value) in parameters((parts, app), &["sources"]).await? {
            let allowed = &["true", "false"];
            let unknown = || refused(&format!("?{name}"), FieldProblem::UnknownValue { allowed });
            sources = value.parse().map_err(|_| unknown())?;
        }
        Ok(Self { sources })
    }
}

/// By field: whence it is, and since when.
pub(super) fn sources_view(sources: &Sources) -> Value {
    let one = |(field, kind, id, at): (&str, SourceKind, &str, UnixMicros)| {
        (
            field.to_owned(),
            json!({ "kind": kind.code(), "id": id, "at": time(at) }),
        )
    };
    Value::Object(sources.iter().map(one).collect())
}

/// `DELETE /v1/contacts/{id}` → 204: forgotten, with visits, consents and places on lists. Whoever does not want messages still
/// gets none.
pub(super) async fn forget(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ContactId>,
) -> Result<StatusCode, Problem> {
    app.people.forget(tenant, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A contact, as it is shown.
pub(super) async fn one(app: &App, tenant: TenantId, id: ContactId) -> Result<Value, Problem> {
    let contact = app.people.contact(tenant, id).await?;
    let mut shown = shown(app, tenant, &[contact]).await?;
    Ok(shown.pop().unwrap_or_default())
}

async fn shown(app: &App, tenant: TenantId, contacts: &[Contact]) -> Result<Vec<Value>, Problem> {
    let engaged = app.people.engaged(tenant, contacts).await;
    let engaged = engaged.map_err(|error| database_refuses(&error))?;
    Ok(contacts
        .iter()
        .zip(&engaged)
        .map(|(contact, engaged)| view(contact, engaged))
        .collect())
}

async fn some(app: &App, of: (TenantId, &Filter), (after, limit): (ContactId, usize)) -> Result<Page, Problem> {
    let found = app.people.search(of, after, limit).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let next = (found.len() == limit).then(|| found.last().map(|contact| contact.id.to_string()));
    Ok(page(shown(app, of.0, &found).await?, next.flatten()))
}

/// `filter`; everybody, when it is not there.
pub(super) fn filter(fields: &mut Fields) -> Option<Filter> {
    let Some((pointer, value)) = fields.value("filter") else {
        return Some(Filter::EVERYBODY);
    };
    match Filter::read(&value, &pointer) {
        Ok(filter) => Some(filter),
        Err(faults) => {
            faults
                .into_iter()
                .for_each(|fault| fields.refuse(fault.pointer, fault.problem));
            None
        }
    }
}

/// A contact as it is given.
pub(super) fn read(fields: &mut Fields, now: UnixMicros) -> Option<Given> {
    let text = |fields: &mut Fields, name: &str| {
        fields.if_given(name, |fields, name| {
            fields.checked(name, |text| check_text(&text, TEXT_MAX))
        })
    };
    // Each of them before any `?`: all faults come out at once.
    let reference = fields.if_given("reference", |fields, name| {
        fields.checked(name, |text| check_name(&text, TEXT_MAX))
    });
    let (number, others) = (read_number(fields), read_others(fields));
    let (first_name, last_name) = (text(fields, "first_name"), text(fields, "last_name"));
    let kind = fields.if_given("kind", |fields, name| fields.word(name, &Kind::CODES));
    let birth_date = read_birth_date(fields, now);
    let (practices, tags) = (names(fields, "practices"), names(fields, "tags"));
    let (attributes, visits) = (read_attributes(fields), read_visits(fields));
    let mut attributes = attributes?;
    if let Some(others) = others? {
        attributes.insert(OTHER_NUMBERS.to_owned(), OtherNumber::stored(&others));
    }
    let given = Given {
        reference: reference?,
        number: number?,
        first_name: first_name?,
        last_name: last_name?,
        kind: kind?,
        birth_date: birth_date?,
        practices: practices?,
        tags: tags?,
        attributes,
        visits: visits?,
    };
    if given.identity().is_none() {
        fields.refuse_field("number", FieldProblem::MissingBeside { fields: &IDENTITY });
        return None;
    }
    Some(given)
}

/// `null`: it is not known any more.
fn read_birth_date(fields: &mut Fields, now: UnixMicros) -> Option<Option<Option<Date>>> {
    fields.if_given("birth_date", |fields, name| {
        let text = match fields.text_or_null(name)? {
            None => return Some(None),
            Some(text) => text,
        };
        let is_to_come = |day: &Date| now.last_day().is_some_and(|last| *day > last);
        let day = check_day(&text).and_then(|day| match is_to_come(&day) {
            true => Err(DateProblem::InFuture.into()),
            false => Ok(day),
        });
        match day {
            Ok(day) => Some(Some(day)),
            Err(problem) => {
                fields.refuse_field(name, problem);
                None
            }
        }
    })
}

/// `null`: they have none any more.
fn read_number(fields: &mut Fields) -> Option<Option<Option<Recipient>>> {
    if fields.is_null("number") {
        return Some(Some(None));
    }
    fields.if_given("number", |fields, name| {
        let number = fields.phone_number(name)?;
        match existing(&number, Country::FRANCE) {
            Ok(recipient) => Some(Some(recipient)),
            Err(fault) => {
                fields.refuse_field(name, fault.problem());
                None
            }
        }
    })
}

/// `null` or none: they have none any more.
fn read_others(fields: &mut Fields) -> Option<Option<Vec<OtherNumber>>> {
    if fields.is_none("other_numbers") {
        return Some(Some(Vec::new()));
    }
    fields.if_given("other_numbers", |fields, name| {
        fields.objects((name, OTHERS_MAX), &["number", "label"], |fields| {
            let number = fields.phone_number("number");
            let number = number.and_then(|text| match existing(&text, Country::FRANCE) {
                Ok(number) => Some(number),
                Err(fault) => {
                    fields.refuse_field("number", fault.problem());
                    None
                }
            });
            let label = fields.if_given("label", |fields, name| fields.checked(name, |text| check_label(&text)));
            Some(OtherNumber {
                number: number?,
                label: label?.unwrap_or_default(),
            })
        })
    })
}

/// `null` or none: they have none any more.
fn names(fields: &mut Fields, name: &str) -> Option<Option<Vec<String>>> {
    if fields.is_none(name) {
        return Some(Some(Vec::new()));
    }
    let check = |text: &str| check_name(text, TEXT_MAX);
    fields.if_given(name, |fields, name| fields.checked_list(name, EACH_MAX, check))
}

/// `attributes`, which may be there.
pub(super) fn read_attributes(fields: &mut Fields) -> Option<BTreeMap<String, String>> {
    let attributes = fields.object("attributes", &[], |fields| {
        let (mut attributes, rest) = (BTreeMap::new(), fields.rest());
        if rest.len() > EACH_MAX {
            fields.refuse_field("", FieldProblem::TooMany { max: EACH_MAX });
            return None;
        }
        for (place, name, value) in rest {
            let value = match value {
                Value::String(text) => text,
                Value::Number(number) => number.to_string(),
                Value::Bool(yes) => yes.to_string(),
                Value::Null => String::new(),
                Value::Array(_) | Value::Object(_) => {
                    fields.refuse_type(place, &value);
                    continue;
                }
            };
            let checked = check_name(&name, ATTRIBUTE_NAME_MAX)
                .and_then(|name| check_text(&value, VALUE_MAX).map(|value| (name, value)));
            match checked {
                Ok((name, value)) => drop(attributes.insert(name, value)),
                Err(problem) => fields.refuse(place, problem),
            }
        }
        Some(attributes)
    });
    attributes.map(Option::unwrap_or_default)
}

fn read_visits(fields: &mut Fields) -> Option<Vec<Visit>> {
    // Visits are added to those that are known.
    if !fields.has("visits") || fields.is_none("visits") {
        return Some(Vec::new());
    }
    fields.objects(("visits", VISITS_MAX), &["day", "practice"], |fields| {
        let day = fields.checked("day", |day| check_day(&day));
        let practice = fields.checked("practice", |text| check_name(&text, TEXT_MAX));
        Some(Visit {
            day: day?,
            practice: practice?,
        })
    })
}

/// How a person takes what they are sent.
pub(super) fn engagement(engaged: &Engaged) -> Value {
    let at = |at: UnixMicros| (at != UnixMicros::default()).then(|| time(at)).flatten();
    let known = &engaged.known;
    json!({
        "delivered_count": known.delivered_count,
        "last_delivered_at": at(known.last_delivered_at),
        "clicked_at": at(known.clicked_at),
        "replied_at": at(known.replied_at),
        "score": engaged.score,
    })
}

/// A contact as its tenant sees it.
pub(super) fn view(contact: &Contact, engaged: &Engaged) -> Value {
    let details = &contact.details;
    let day = |date: Option<Date>| date.map(|date| date.to_string());
    let attributes: Map<String, Value> = details
        .attributes
        .iter()
        .filter(|(name, _)| *name != OTHER_NUMBERS)
        .map(|(name, value)| (name.clone(), value.as_str().into()))
        .collect();
    let others = details.others();
    let other = |other: &OtherNumber| {
        let label = Some(other.label.as_str()).filter(|label| !label.is_empty());
        json!({ "number": other.number.to_string(), "label": label })
    };
    json!({
        "id": contact.id.to_string(),
        "reference": details.reference,
        "number": details.number.map(|number| number.to_string()),
        "other_numbers": others.iter().map(other).collect::<Vec<_>>(),
        "first_name": details.first_name,
        "last_name": details.last_name,
        "kind": details.kind.code(),
        "birth_date": day(details.birth_date),
        "last_visit": day(details.last_visit),
        "practices": details.practices,
        "tags": details.tags,
        "attributes": attributes,
        "consent_at": contact.consent_at.and_then(time),
        "consent_withdrawn_at": contact.withdrawn_at.and_then(time),
        "unreachable": contact.unreachable.map(|seen| json!({
            "since": time(seen.at),
            "reason": seen.how.code(),
            "campaign": seen.campaign.to_string(),
        })),
        "engagement": engagement(engaged),
        "created_at": time(contact.created_at),
        "updated_at": time(contact.updated_at),
    })
}
