//! `/v1/conversations`: what one person and one of the tenant's numbers have written to each other.

use std::str::FromStr;

use axum::Json;
use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::access::{Caller, Id};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::Operation;
use super::pages::{PAGE_DEFAULT, Paging, cursor, limit};
use super::problem::{Problem, ProblemCode};
use super::query::{parameters, refused};
use super::refusal::database_refuses;
use super::{App, Page, page, shapes};
use crate::audience::normalise;
use crate::campaign::view::time;
use crate::domain::{ConversationId, Country, Role, TemplateId, TenantId, UnixMicros};
use crate::fault::FieldProblem;
use crate::people::{PeopleFault, TEXT_MAX, check_name};
use crate::replies::{Conversation, ConversationEdit, ConversationState, ConversationsWanted, Said};

const YES_NO: [&str; 2] = ["true", "false"];

pub(super) fn routes() -> Routes {
    of_all().and(of_one())
}

fn of_all() -> Routes {
    let all = "/v1/conversations";
    Routes::of("replies")
        .add(
            Documented::new((Verb::Get, all), Key::Tenant, "listConversations")
                .says(
                    "List conversations",
                    "The latest first. `attention`: those that wait for people.",
                )
                .asks::<shapes::ConversationsAsked>()
                .answers::<shapes::Page<shapes::Conversation>>(200, "A page of them."),
            list,
        )
        .add(
            Documented::new((Verb::Post, all), Key::Tenant, "beginConversation")
                .needs(Role::Send)
                .says(
                    "Begin a conversation",
                    "With a first message, from one of the tenant's numbers. One that there is goes on.",
                )
                .takes::<shapes::NewConversation>(json!({
                    "with": "+33612345678", "number": "+33644630001", "text": "Bonjour, avez-vous encore mal ?",
                }))
                .answers::<shapes::Conversation>(201, "The conversation.")
                .refuses(&[ProblemCode::InsufficientCredit, ProblemCode::NumberNotOwn]),
            begin,
        )
}

fn of_one() -> Routes {
    let one = "/v1/conversations/{id}";
    Routes::of("replies")
        .add(
            Documented::new((Verb::Get, one), Key::Tenant, "getConversation")
                .says("Show a conversation", "")
                .at::<ConversationId>("id", "The conversation.")
                .answers::<shapes::Conversation>(200, "The conversation."),
            show,
        )
        .add(
            Documented::new(
                (Verb::Get, "/v1/conversations/{id}/messages"),
                Key::Tenant,
                "listConversationMessages",
            )
            .says("List what was said in a conversation", "The latest first.")
            .at::<ConversationId>("id", "The conversation.")
            .asks::<shapes::Paging>()
            .answers::<shapes::Page<shapes::Said>>(200, "A page of it."),
            said,
        )
        .add(
            Documented::new(
                (Verb::Post, "/v1/conversations/{id}/messages"),
                Key::Tenant,
                "writeInConversation",
            )
            .needs(Role::Send)
            .says(
                "Write in a conversation",
                "From its number: a text, or that of a template.",
            )
            .at::<ConversationId>("id", "The conversation.")
            .takes::<shapes::NewSaid>(json!({ "text": "Bonjour, nous vous rappelons cet après-midi." }))
            .answers::<shapes::Taken>(202, "It is queued.")
            .refuses(&[ProblemCode::InsufficientCredit, ProblemCode::NumberNotOwn]),
            write,
        )
        .add(
            Documented::new((Verb::Patch, one), Key::Tenant, "changeConversation")
                .says(
                    "Change a conversation",
                    "Who looks after it, whether it is closed, and that it was read.",
                )
                .at::<ConversationId>("id", "The conversation.")
                .takes::<shapes::ConversationChanges>(json!({ "assignee": "Accueil", "read": true }))
                .answers::<shapes::Conversation>(200, "The conversation as it is now."),
            change,
        )
}

/// Where a page of conversations ends.
struct Behind(UnixMicros, ConversationId);

impl FromStr for Behind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('-').ok_or(())?;
        Ok(Self(
            UnixMicros(at.parse().map_err(|_| ())?),
            id.parse().map_err(|_| ())?,
        ))
    }
}

/// Which conversations, and which page of them.
pub(super) struct Asked {
    limit: usize,
    behind: Option<(UnixMicros, ConversationId)>,
    wanted: ConversationsWanted,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        const KNOWN: [&str; 7] = ["limit", "cursor", "state", "attention", "unread", "assignee", "with"];
        let mut asked = Self {
            limit: PAGE_DEFAULT,
            behind: None,
            wanted: ConversationsWanted::default(),
        };
        let wanted = &mut asked.wanted;
        for (name, value) in parameters((parts, app), &KNOWN).await? {
            match name {
                "limit" => asked.limit = limit(&value)?,
                "cursor" => asked.behind = cursor::<Behind>(&value).map(|Behind(at, id)| Some((at, id)))?,
                "state" => wanted.state = Some(word("?state", &value, &ConversationState::CODES)?),
                "attention" => wanted.attention = Some(word("?attention", &value, &YES_NO)?),
                "unread" => wanted.unread = Some(word("?unread", &value, &YES_NO)?),
                "assignee" => wanted.assignee = Some(value),
                "with" => {
                    let number = normalise(&value, Country::FRANCE);
                    wanted.recipient = Some(number.map_err(|fault| refused("?with", fault.problem()))?);
                }
                _ => {}
            }
        }
        Ok(asked)
    }
}

fn word<T: FromStr>(pointer: &str, value: &str, allowed: &'static [&'static str]) -> Result<T, Problem> {
    let known = value.parse().ok();
    known.ok_or_else(|| refused(pointer, FieldProblem::UnknownValue { allowed }))
}

pub(super) async fn list(State(app): State<App>, Caller(tenant): Caller, asked: Asked) -> Result<Page, Problem> {
    let page_of = (asked.behind, asked.limit);
    let found = app.replies.conversations(tenant, &asked.wanted, page_of).await;
    let found = found.map_err(|error| database_refuses(&error))?;
    let last = found.last().filter(|_| found.len() == asked.limit);
    let next = last.map(|last| format!("{}-{}", last.last_at.0, last.id));
    Ok(page(found.iter().map(view).collect(), next))
}

/// `{"with", "number", "text"}` or `{"with", "number", "template"}` → 201.
pub(super) async fn begin(
    State(app): State<App>,
    Caller(tenant): Caller,
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let names = ["with", "number", "text", "template"];
    let mut fields = Fields::read((&headers, body), app.clock, &names).await?;
    let with = fields.phone_number("with");
    let with = with.and_then(|given| match normalise(&given, Country::FRANCE) {
        Ok(recipient) => Some(recipient),
        Err(fault) => {
            fields.refuse_field("with", fault.problem());
            None
        }
    });
    let number = fields.text("number");
    let text = text(&app, tenant, &mut fields).await?;
    let (Some(with), Some(number), Some(text), true) = (with, number, text, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let owned = app.numbers.find(&number).map(|owned| owned.sender.to_string());
    let begun = app
        .replies
        .begin((tenant, with), owned.as_deref().unwrap_or(&number))
        .await?;
    app.replies.write((tenant, begun.id), (&text, token)).await?;
    let begun = app.replies.conversation(tenant, begun.id).await?;
    Ok((StatusCode::CREATED, Json(view(&begun))))
}

pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ConversationId>,
) -> Result<Json<Value>, Problem> {
    Ok(Json(view(&app.replies.conversation(tenant, id).await?)))
}

pub(super) async fn said(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ConversationId>,
    paging: Paging,
) -> Result<Page, Problem> {
    app.replies.conversation(tenant, id).await?;
    let behind = paging.cursor()?;
    let found = app.replies.said((tenant, id), (behind, paging.limit)).await?;
    let last = found.last().filter(|_| found.len() == paging.limit);
    let next = last.map(|last| last.id.to_string());
    Ok(page(found.iter().map(said_view).collect(), next))
}

/// `{"text"}` or `{"template"}` → 202 with the message's id.
pub(super) async fn write(
    State(app): State<App>,
    (Caller(tenant), Id(id)): (Caller, Id<ConversationId>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["text", "template"]).await?;
    let text = text(&app, tenant, &mut fields).await?;
    let Some(text) = text.filter(|_| fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let message = app.replies.write((tenant, id), (&text, token)).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "id": message.to_string(), "status": "queued" })),
    ))
}

async fn text(app: &App, tenant: TenantId, fields: &mut Fields) -> Result<Option<String>, Problem> {
    if !fields.has("template") && !fields.has("text") {
        let problem = FieldProblem::MissingBeside {
            fields: &["text", "template"],
        };
        fields.refuse(String::new(), problem);
        return Ok(None);
    }
    if !fields.has("template") {
        return Ok(fields.text("text"));
    }
    if fields.has("text") {
        fields.refuse_field("template", FieldProblem::NotBeside { fields: &["text"] });
        return Ok(None);
    }
    let id = fields.checked("template", |id| {
        let unknown = FieldProblem::UnknownValue { allowed: &["tpl_…"] };
        id.parse::<TemplateId>().map_err(|_| unknown)
    });
    let Some(id) = id else { return Ok(None) };
    match app.people.template((tenant, id), None).await {
        Ok(template) => Ok(Some(template.says.text)),
        Err(PeopleFault::NotFound) => {
            fields.refuse_field("template", FieldProblem::UnknownValue { allowed: &["tpl_…"] });
            Ok(None)
        }
        Err(fault) => Err(fault.into()),
    }
}

/// `{"state", "assignee", "read"}`, each if it is to change → 200.
pub(super) async fn change(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<ConversationId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["state", "assignee", "read"]).await?;
    let state = fields.if_given("state", |fields, name| fields.word(name, &ConversationState::CODES));
    let assignee = assignee(&mut fields);
    let read = fields.boolean("read");
    let (Some(state), Some(assignee), Some(read), true) = (state, assignee, read, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let edit = ConversationEdit {
        state,
        assignee,
        read: read.unwrap_or_default(),
    };
    Ok(Json(view(&app.replies.edit((tenant, id), &edit).await?)))
}

fn assignee(fields: &mut Fields) -> Option<Option<Option<String>>> {
    fields.if_given("assignee", |fields, name| {
        if fields.is_null(name) {
            return Some(None);
        }
        fields.checked(name, |text| check_name(&text, TEXT_MAX)).map(Some)
    })
}

pub(super) fn view(conversation: &Conversation) -> Value {
    json!({
        "id": conversation.id.to_string(),
        "with": conversation.recipient.to_string(),
        "number": conversation.number,
        "state": conversation.state.into_str(),
        "assignee": conversation.assignee,
        "unread": conversation.unread,
        "attention": conversation.attention,
        "last_at": time(conversation.last_at),
        "quiet_until": conversation.quiet_until.and_then(time),
    })
}

pub(super) fn said_view(said: &Said) -> Value {
    json!({
        "direction": if said.inbound.is_some() { "in" } else { "out" },
        "at": time(said.at),
        "text": said.text,
        "made": said.made,
        "auto_reply": said.rule.map(|id| id.to_string()),
        "confidence": said.confidence,
        "opted_out": said.opted_out,
        "inbound": said.inbound.as_ref().map(|place| format!("inb_{place}")),
        "campaign": said.campaign.map(|id| id.to_string()),
        "state": said.state,
        "message": said.message.map(|id| id.to_string()),
        "reason": said.reason,
    })
}
