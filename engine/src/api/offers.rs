//! `/v1/offers`: what few may have is offered to many, and the first who say yes have it.

use std::collections::HashSet;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::Operation;
use super::pages::Paging;
use super::problem::{Problem, ProblemCode};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::audience::instant_ahead;
use crate::campaign::view::time;
use crate::domain::{ContactId, OfferId, Purpose, Role, TenantId};
use crate::fault::{FieldFault, FieldProblem, JsonType, ReplyProblem};
use crate::people::{Audience, Contact, PeopleFault, TEXT_MAX, check_name};
use crate::replies::{
    ACCEPT_MAX, Invited, KEYWORD_MAX, NewOffer, OFFER_DAYS, OFFERED_MAX, Offer, OfferSays, OfferedPerson, PLACES,
    ReplyFault, WAVE_MINUTES, WAVE_PEOPLE, Wave, words,
};

const FIELDS: [&str; 12] = [
    "name", "audience", "number", "text", "purpose", "places", "accept", "won", "late", "others", "ends_at", "wave",
];

const AUDIENCE: [&str; 6] = ["contacts", "filter", "lists", "segments", "exclude", "unreachable"];

/// How long an offer lasts of which that is not said.
const LASTS: Duration = Duration::from_secs(24 * 3_600);

/// What is said when nobody says otherwise.
const WON: &str = "Merci, c'est pour vous. Nous vous recontactons.";
const LATE: &str = "Merci de votre réponse, mais la place est déjà prise.";

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/offers", "/v1/offers/{id}");
    Routes::of("offers")
        .add(
            Documented::new((Verb::Post, all), Key::Tenant, "makeOffer")
                .needs(Role::Send)
                .says(
                    "Offer something to many, of whom the first have it",
                    "A replacement, a slot that became free. Whoever says yes while there is a place has it, surely and once; the others are told. What is not sure waits for people.",
                )
                .takes::<shapes::NewOffer>(json!({
                    "name": "Garde du 24", "audience": { "filter": { "field": "kind", "is": "staff" } }, "number": "+33644630001",
                    "text": "Garde du 24 décembre à pourvoir. Répondez OUI pour la prendre.",
                    "won": "C'est noté, la garde du 24 est pour vous.",
                }))
                .answers::<shapes::Offer>(201, "The offer.")
                .refuses(&[ProblemCode::NumberNotOwn]),
            make,
        )
        .add(
            Documented::new((Verb::Get, all), Key::Tenant, "listOffers")
                .says("List offers", "The newest first.")
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::Offer>>(200, "A page of them."),
            list,
        )
        .add(
            Documented::new((Verb::Get, one), Key::Tenant, "getOffer")
                .says("Show an offer", "")
                .at::<OfferId>("id", "The offer.")
                .answers::<shapes::Offer>(200, "The offer."),
            show,
        )
        .add(
            Documented::new((Verb::Get, "/v1/offers/{id}/people"), Key::Tenant, "listOfferedPeople")
                .says("List to whom something was offered", "In the order in which they are asked, with what they answered.")
                .at::<OfferId>("id", "The offer.")
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::OfferedPerson>>(200, "A page of them."),
            people,
        )
        .add(
            Documented::new((Verb::Post, "/v1/offers/{id}/cancel"), Key::Tenant, "cancelOffer")
                .says(
                    "Take an offer back",
                    "Nobody else is asked, and nobody gets a place any more. One that is over stays as it is.",
                )
                .at::<OfferId>("id", "The offer.")
                .answers::<shapes::Offer>(200, "The offer as it is now."),
            cancel,
        )
}

/// `POST /v1/offers`: `{"name", "audience", "number", "text", "ends_at"}` → 201.
async fn make(
    State(app): State<App>,
    Caller(tenant): Caller,
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let audience = audience(&mut fields);
    let order = read(&app, tenant, &mut fields).await?;
    let (Some((contacts, audience)), Some(mut order), true) = (audience, order, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let owned = app.numbers.find(&order.number);
    if !owned.is_some_and(|owned| owned.has(tenant)) {
        return Err(ReplyFault::NotOurs.into());
    }
    order.people = whom(&app, (tenant, order.purpose), (&contacts, audience)).await?;
    let made = app.replies.make_offer(tenant, (&order, token)).await?;
    Ok((StatusCode::CREATED, Json(view(&made))))
}

async fn list(State(app): State<App>, Caller(tenant): Caller, paging: Paging) -> Result<Page, Problem> {
    let behind = paging.cursor()?;
    let found = app.replies.offers(tenant, (behind, paging.limit)).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let last = found.last().filter(|_| found.len() == paging.limit);
    let next = last.map(|last| last.id.to_string());
    Ok(page(found.iter().map(view).collect(), next))
}

async fn show(State(app): State<App>, Caller(tenant): Caller, Id(id): Id<OfferId>) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.replies.offer(tenant, id).await?)))
}

async fn people(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<OfferId>,
    paging: Paging,
) -> Result<Page, Problem> {
    app.replies.offer(tenant, id).await?;
    let behind = paging.cursor()?;
    let found = app
        .replies
        .offered_people((tenant, id), (behind, paging.limit))
        .await
        .map_err(|error| database_refuses(&error))?;
    let last = found.last().filter(|_| found.len() == paging.limit);
    let next = last.map(|last| last.place().to_string());
    Ok(page(found.iter().map(person).collect(), next))
}

async fn cancel(State(app): State<App>, Caller(tenant): Caller, Id(id): Id<OfferId>) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.replies.cancel_offer(tenant, id).await?)))
}

/// All but its people.
async fn read(app: &App, tenant: TenantId, fields: &mut Fields) -> Result<Option<NewOffer>, Problem> {
    let terms = app.campaigns.terms_of(tenant).await?;
    let wording = app.campaigns.wording(&terms);
    let check = |text: String| wording.check(&text).map(|()| text);
    let name = fields.checked("name", |name| check_name(&name, TEXT_MAX));
    let number = fields.text("number");
    let text = fields.checked("text", check);
    let purpose = fields.purpose();
    let places = fields.whole_or("places", PLACES, 1);
    let accept = accept(app, fields);
    let answer = |fields: &mut Fields, name: &str, usual: &str| {
        let given = fields.if_given(name, |fields, name| fields.checked(name, check));
        given.map(|given| given.unwrap_or_else(|| usual.to_owned()))
    };
    let (won, late) = (answer(fields, "won", WON), answer(fields, "late", LATE));
    let others = match fields.is_null("others") {
        true => Some(None),
        false => fields.if_given("others", |fields, name| fields.checked(name, check)),
    };
    let now = app.clock.unix();
    let ends_at = fields.if_given("ends_at", |fields, name| {
        fields.checked(name, |text| instant_ahead(&text, (now, OFFER_DAYS)))
    });
    let ends_at = ends_at.map(|given| given.unwrap_or(now.plus(LASTS)));
    let wave = wave(fields);
    let owned = |number: String| {
        app.numbers
            .find(&number)
            .map_or(number, |owned| owned.sender.to_string())
    };
    let read = || {
        Some(NewOffer {
            name: name?,
            number: owned(number?),
            says: OfferSays {
                text: text?,
                accept: accept?,
                won: won?,
                late: late?,
                others: others?,
            },
            purpose: purpose?,
            places: u32::try_from(places?).ok()?,
            ends_at: ends_at?,
            wave: wave?,
            people: Vec::new(),
        })
    };
    Ok(read())
}

fn accept(app: &App, fields: &mut Fields) -> Option<Vec<String>> {
    let given = fields.if_given("accept", |fields, name| {
        fields.checked_list(name, ACCEPT_MAX, |word| {
            let given = word.chars().count();
            match word.trim() {
                _ if given > KEYWORD_MAX => Err(FieldProblem::TooLong {
                    max: KEYWORD_MAX,
                    given,
                }),
                trimmed if words(trimmed).is_empty() => Err(FieldProblem::Empty),
                trimmed if app.inbox.opts_out(trimmed) => Err(ReplyProblem::MeansOptOut.into()),
                trimmed => Ok(trimmed.to_owned()),
            }
        })
    });
    given.map(Option::unwrap_or_default)
}

pub(super) fn wave(fields: &mut Fields) -> Option<Option<Wave>> {
    if fields.is_null("wave") {
        return Some(None);
    }
    fields.object("wave", &["people", "minutes"], |fields| {
        let (people, minutes) = (
            fields.whole("people", WAVE_PEOPLE),
            fields.whole("minutes", WAVE_MINUTES),
        );
        Some(Wave {
            people: usize::try_from(people?).ok()?,
            every: Duration::from_secs(60 * u64::try_from(minutes?).ok()?),
        })
    })
}

/// The contacts that are named, and who else is meant.
fn audience(fields: &mut Fields) -> Option<(Vec<ContactId>, Option<Audience>)> {
    let given: Map<String, Value> = match fields.take("audience") {
        Some(Value::Object(given)) => given,
        Some(other) => {
            fields.refuse_field("audience", FieldProblem::wrong_type(JsonType::Object, &other));
            return None;
        }
        None => {
            fields.refuse_field("audience", FieldProblem::Missing);
            return None;
        }
    };
    for name in given.keys().filter(|name| !AUDIENCE.contains(&name.as_str())) {
        let nearest = kit::words::nearest(name, AUDIENCE).map(str::to_owned);
        let pointer: String = format!("/audience/{name}").chars().take(100).collect();
        fields.refuse(pointer, FieldProblem::UnknownField { nearest });
    }
    if !["contacts", "filter", "lists", "segments"]
        .iter()
        .any(|name| given.contains_key(*name))
    {
        let problem = FieldProblem::MissingBeside {
            fields: &["contacts", "filter", "lists", "segments"],
        };
        fields.refuse("/audience".to_owned(), problem);
    }
    let contacts = contacts(fields, given.get("contacts"));
    let others = given
        .keys()
        .any(|name| ["filter", "lists", "segments"].contains(&name.as_str()));
    match Audience::read(&given) {
        Ok(audience) => Some((contacts?, others.then_some(audience))),
        Err(faults) => {
            for fault in faults {
                fields.refuse(fault.pointer, fault.problem);
            }
            None
        }
    }
}

fn contacts(fields: &mut Fields, given: Option<&Value>) -> Option<Vec<ContactId>> {
    let list = match given {
        None => return Some(Vec::new()),
        Some(Value::Array(list)) if list.is_empty() => {
            fields.refuse("/audience/contacts".to_owned(), FieldProblem::Empty);
            return None;
        }
        Some(Value::Array(list)) if list.len() <= OFFERED_MAX => list,
        Some(Value::Array(_)) => {
            fields.refuse(
                "/audience/contacts".to_owned(),
                FieldProblem::TooMany { max: OFFERED_MAX },
            );
            return None;
        }
        Some(other) => {
            fields.refuse_type("/audience/contacts".to_owned(), other);
            return None;
        }
    };
    let mut contacts = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        let pointer = format!("/audience/contacts/{at}");
        match value.as_str().map(str::parse) {
            Some(Ok(id)) => contacts.push(id),
            Some(Err(_)) => fields.refuse(pointer, FieldProblem::UnknownValue { allowed: &["con_…"] }),
            None => fields.refuse(pointer, FieldProblem::wrong_type(JsonType::String, value)),
        }
    }
    Some(contacts)
}

/// Who is asked, each number once: those who are named, in their order, then those whom the rest means.
async fn whom(
    app: &App,
    (tenant, purpose): (TenantId, Purpose),
    (named, audience): (&[ContactId], Option<Audience>),
) -> Result<Vec<Invited>, Problem> {
    let needs_consent = purpose == Purpose::Marketing && app.campaigns.terms_of(tenant).await?.require_consent;
    let (mut seen, mut people) = (HashSet::new(), Vec::new());
    let mut add = |contact: &Contact, excluded: bool| {
        let number = contact.details.number.filter(|_| !excluded);
        let number = number.filter(|_| !needs_consent || contact.consent_at.is_some());
        if let Some(number) = number.filter(|number| seen.insert(number.0)) {
            people.push(Invited {
                recipient: number,
                contact: Some(contact.id),
                waiting: None,
            });
        }
        people.len() <= OFFERED_MAX
    };
    for (at, id) in named.iter().enumerate() {
        let contact = app.people.contact(tenant, *id).await.map_err(|fault| match fault {
            PeopleFault::NotFound => {
                let problem = FieldProblem::UnknownValue { allowed: &["con_…"] };
                Problem::of_fields(vec![FieldFault::new(format!("/audience/contacts/{at}"), problem)])
            }
            fault @ (PeopleFault::Fields(_) | PeopleFault::Database(_)) => fault.into(),
        })?;
        add(&contact, false);
    }
    let mut fits = true;
    if let Some(audience) = audience {
        let meant = app.people.meant(tenant, &audience).await?;
        let mut after = ContactId(0);
        while fits {
            let found = app.people.meant_contacts((tenant, &meant), after).await;
            let found = found.map_err(|error| database_refuses(&error))?;
            let Some(last) = found.last() else { break };
            after = last.id;
            for contact in &found {
                let number = contact.details.number.map(|number| number.0);
                let excluded = number.is_none_or(|number| meant.numbers.contains(&number));
                fits = add(
                    contact,
                    excluded || (contact.unreachable.is_some() && !meant.unreachable),
                );
                if !fits {
                    break;
                }
            }
        }
    }
    let problem = match people.len() {
        0 => FieldProblem::Empty,
        _ if !fits => FieldProblem::TooMany { max: OFFERED_MAX },
        _ => return Ok(people),
    };
    Err(Problem::of_fields(vec![FieldFault::new("/audience", problem)]))
}

fn view(offer: &Offer) -> Value {
    json!({
        "id": offer.id.to_string(),
        "name": offer.name,
        "number": offer.number,
        "text": offer.says.text,
        "purpose": offer.purpose.code(),
        "accept": offer.says.accept,
        "won": offer.says.won,
        "late": offer.says.late,
        "others": offer.says.others,
        "places": offer.places,
        "taken": offer.taken,
        "state": offer.state.into_str(),
        "ends_at": time(offer.ends_at),
        "created_at": time(offer.created_at),
        "over_at": offer.over_at.and_then(time),
        "people": offer.people,
        "event": offer.event.map(|id| id.to_string()),
    })
}

pub(super) fn person(person: &OfferedPerson) -> Value {
    json!({
        "offer": person.offer.to_string(),
        "to": person.recipient.to_string(),
        "contact": person.contact.map(|id| id.to_string()),
        "conversation": person.conversation.map(|id| id.to_string()),
        "state": person.state,
        "due_at": person.due_at.and_then(time),
        "message": person.message.map(|id| id.to_string()),
        "reason": person.reason,
        "answer": person.answer,
        "confidence": person.confidence,
        "answered_at": person.answered_at.and_then(time),
        "inbound": person.inbound.as_ref().map(|place| format!("inb_{place}")),
        "waiting": person.waiting,
    })
}
