//! What a person may ask a clinic for: everything that is kept of them, and that it is forgotten.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::known::Known;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::refusal::{database_refuses, store_refuses};
use super::{App, agenda, consents, contacts, conversations, history, inbound, offers, shapes, surveys, waiting_list};
use crate::audience::normalise;
use crate::campaign::view::time;
use crate::domain::{ContactId, Country, MessageId, Purpose, Recipient, Role, TenantId, UnixMicros};
use crate::links::Clicks;
use crate::people::GivenCode;
use crate::replies::{Conversation, Said};
use crate::rights::{self, Everything, MESSAGES_MAX, OfNumber, Rights, RightsFault, Whom};

const DATA: &str = "Contact, visits, lists, consents with what proves them, and what hangs on the number: opt-outs, messages of the history, the newest \
                    10,000, how many were delivered, which links were followed, what was written back, codes, offers, waiting lists, and surveys. What was said in a message stands with its campaign, as long as that is kept.";

const ERASE: &str = "The contact goes with visits, lists and consents; messages of the history keep what became of them, and lose their number; which links were followed and how many messages were delivered goes, as does what was \
                     written back, as do files of errors of imports. No advertising goes to the number from then on: of that \
                     a keyed hash is kept, by which a file that brings the number again is held back. Refused while messages to it are under way: \
                     what can be stopped is stopped by then, and the same may be asked again. While another contact has the same number, only the \
                     contact is forgotten.";

pub(super) fn routes() -> Routes {
    Routes::of("contacts")
        .add(
            Operation::new((Verb::Get, "/v1/contacts/{id}/data"), Key::Tenant, "getDataOfContact")
                .says("Show everything that is kept of a contact", DATA)
                .at::<ContactId>("id", "The contact.")
                .answers::<shapes::PersonData>(200, "All of it."),
            of_contact,
        )
        .add(
            Operation::new((Verb::Post, "/v1/people/data"), Key::Tenant, "getDataOfNumber")
                .needs(Role::Read)
                .says("Show everything that is kept of a number", DATA)
                .takes::<shapes::PersonNumber>(json!({ "number": "0612345678" }))
                .answers::<shapes::PersonData>(200, "All of it; of a number that nobody knows, nothing."),
            of_number,
        )
        .add(
            Operation::new((Verb::Post, "/v1/contacts/{id}/erase"), Key::Tenant, "eraseContact")
                .says("Forget a contact and what hangs on their number", ERASE)
                .at::<ContactId>("id", "The contact.")
                .answers::<shapes::Erased>(200, "They are forgotten.")
                .refuses(&[ProblemCode::MessagesUnderWay]),
            erase_contact,
        )
        .add(
            Operation::new((Verb::Post, "/v1/people/erase"), Key::Tenant, "eraseNumber")
                .says("Forget everybody with a number, and what hangs on it", ERASE)
                .takes::<shapes::PersonNumber>(json!({ "number": "0612345678" }))
                .answers::<shapes::Erased>(200, "They are forgotten, as is a number that nobody has.")
                .refuses(&[ProblemCode::MessagesUnderWay]),
            erase_number,
        )
}

impl From<RightsFault> for Problem {
    fn from(fault: RightsFault) -> Self {
        match fault {
            RightsFault::UnderWay(messages) => ProblemKind::MessagesUnderWay { messages }.into(),
            RightsFault::Record(form) => {
                tracing::error!(%form, "a record cannot be read");
                ProblemKind::Internal.into()
            }
            RightsFault::People(fault) => fault.into(),
            RightsFault::Database(error) => database_refuses(&error),
            RightsFault::Store(error) => store_refuses(&error),
            RightsFault::Mirror(fault) => fault.into(),
            RightsFault::Replies(fault) => fault.into(),
            RightsFault::Campaign(fault) => fault.into(),
        }
    }
}

fn rights(app: &App) -> Rights<'_> {
    Rights {
        store: &app.store,
        mirror: &app.mirror,
        people: &app.people,
        history: &app.history,
        campaigns: &app.campaigns,
        agenda: &app.agenda,
        replies: &app.replies,
        webhooks: &app.webhooks,
        links: app.links.as_ref(),
    }
}

async fn of_contact(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    Id(id): Id<ContactId>,
) -> Result<Json<Value>, Problem> {
    known.object(id);
    data(&app, known, (tenant, Whom::Contact(id))).await
}

async fn of_number(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let number = number(&app, &headers, body).await?;
    data(&app, known, (tenant, Whom::Number(number))).await
}

async fn erase_contact(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    Id(id): Id<ContactId>,
) -> Result<Json<Value>, Problem> {
    known.object(id);
    erase(&app, known, (tenant, Whom::Contact(id))).await
}

async fn erase_number(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let number = number(&app, &headers, body).await?;
    erase(&app, known, (tenant, Whom::Number(number))).await
}

/// `{"number": "06…"}`: in the body, since what stands in a path is in logs of proxies.
async fn number(app: &App, headers: &HeaderMap, body: Body) -> Result<Recipient, Problem> {
    let mut fields = Fields::read((headers, body), app.clock, &["number"]).await?;
    let number = fields.phone_number("number");
    let number = number.and_then(|number| match normalise(&number, Country::FRANCE) {
        Ok(recipient) => Some(recipient),
        Err(fault) => {
            fields.refuse_field("number", fault.problem());
            None
        }
    });
    match number.filter(|_| fields.is_sound()) {
        Some(number) => Ok(number),
        None => Err(fields.refusal()),
    }
}

async fn data(app: &App, known: Known, (tenant, whom): (TenantId, Whom)) -> Result<Json<Value>, Problem> {
    known.administers();
    let everything = rights(app).everything(tenant, whom).await?;
    Ok(Json(view(app, &everything)))
}

async fn erase(app: &App, known: Known, (tenant, whom): (TenantId, Whom)) -> Result<Json<Value>, Problem> {
    known.administers();
    let forgotten = rights(app).erase(tenant, whom).await?;
    known.detail("contacts", forgotten.contacts);
    known.detail("messages", forgotten.messages);
    Ok(Json(json!({
        "contacts": forgotten.contacts,
        "messages": forgotten.messages,
        "inbound": forgotten.inbound,
        "number_is_shared": forgotten.number_is_shared,
    })))
}

fn click((message, clicks): &(MessageId, Clicks)) -> Value {
    let at = |at: UnixMicros| (at != UnixMicros::default()).then(|| time(at)).flatten();
    json!({
        "message": message.to_string(),
        "first_at": at(clicks.first_at),
        "last_at": at(clicks.last_at),
        "clicks": clicks.clicks,
        "previews": clicks.previews,
    })
}

fn view(app: &App, everything: &Everything) -> Value {
    let contact = |known: &rights::Known| {
        let visit = |visit: &crate::people::Visit| json!({ "day": visit.day.to_string(), "practice": visit.practice });
        let list = |(id, name): &(crate::domain::ListId, String)| json!({ "id": id.to_string(), "name": name });
        json!({
            "contact": contacts::view(&known.contact, &known.engaged),
            "sources": contacts::sources_view(&known.sources),
            "visits": known.visits.iter().map(visit).collect::<Vec<_>>(),
            "lists": known.lists.iter().map(list).collect::<Vec<_>>(),
            "events": known.events.iter().map(agenda::view).collect::<Vec<_>>(),
            "consents": known.consents.iter().map(consents::view).collect::<Vec<_>>(),
        })
    };
    let contacts: Vec<Value> = everything.contacts.iter().map(contact).collect();
    let (number, of_number) = match &everything.number {
        Some((number, of_number)) => (Some(number.to_string()), of_number),
        None => (None, &OfNumber::default()),
    };
    json!({
        "at": time(app.clock.unix()),
        "number": number,
        "contacts": contacts,
        "opted_out": of_number.opted_out.iter().copied().map(Purpose::code).collect::<Vec<_>>(),
        "messages": of_number.messages.iter().map(history::view).collect::<Vec<_>>(),
        "messages_are_cut": of_number.messages.len() == MESSAGES_MAX,
        "engagement": contacts::engagement(&of_number.engaged),
        "clicks": of_number.clicks.iter().map(click).collect::<Vec<_>>(),
        "inbound": of_number.inbound.iter().map(|entry| inbound::shown(app, entry)).collect::<Vec<_>>(),
        "conversations": of_number.conversations.iter().map(conversation).collect::<Vec<_>>(),
        "codes": of_number.codes.iter().map(code).collect::<Vec<_>>(),
        "surveys": of_number.surveys.iter().map(surveys::run_view).collect::<Vec<_>>(),
        "guest": of_number.is_guest,
        "waiting_list": of_number.waiting_list.iter().map(waiting_list::view).collect::<Vec<_>>(),
        "events": of_number.events.iter().map(agenda::view).collect::<Vec<_>>(),
        "offers": of_number.offers.iter().map(offers::person).collect::<Vec<_>>(),
    })
}

fn conversation((with, said): &(Conversation, Vec<Said>)) -> Value {
    let mut view = conversations::view(with);
    view["messages"] = said.iter().map(conversations::said_view).collect();
    view
}

fn code(given: &GivenCode) -> Value {
    json!({
        "pool": given.pool.to_string(),
        "code": given.code,
        "campaign": given.campaign.to_string(),
        "given_at": given.given_at.and_then(time),
    })
}
