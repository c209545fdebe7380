//! `/v1/messages`: one message by itself.

use axum::body::Body;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Caller, GuestsOnly, Id};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::{Operation, Secret};
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::query::{parameters, yes_or_no};
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::audience::{DAYS_AHEAD_MAX, instant_ahead};
use crate::campaign::{CampaignFault, DirectOrder, Recalled, TriedMessage, view};
use crate::compose::{first_field, is_link};
use crate::domain::{Ending, MessageId, Role, Status, UnixMicros};
use crate::fault::{FieldProblem, WordingProblem};
use crate::history::Past;
use crate::people::MergeField;

pub(super) fn routes() -> Routes {
    Routes::of("messages")
        .add(
            Documented::new((Verb::Post, "/v1/messages"), Key::Tenant, "sendMessage")
.needs(Role::Send)
                .by_teams()
                .says(
                    "Send a message",
                    "A reminder, a result: it overtakes campaigns. With `link`, `[lien]` or `{{link}}` in its text is a short link of its own. Nothing else is \
                     filled in: a merge field that a campaign would fill in (`[Prenom]`, `{{last_name}}`) is refused, and other brackets are text.",
                )
                .asks::<shapes::MessageSending>()
                .takes::<shapes::MessageOrder>(json!({
                    "to": "+33612345678", "text": "Votre rendez-vous est confirmé.", "sender": "Cabinet", "validity": 3_600,
                }))
                .answers::<shapes::MessageTried>(200, "What a `dry_run` would send. Nothing is sent, held or kept, and it is refused for what the message would be refused for.")
                .answers::<shapes::Taken>(202, "It is queued.")
                .refuses(&[ProblemCode::InsufficientCredit, ProblemCode::TenantSuspended, ProblemCode::TextRejected, ProblemCode::TrafficRejected, ProblemCode::TrafficInReview, ProblemCode::DailyMaxReached]),
            send,
        )
        .add(
            Documented::new((Verb::Get, "/v1/messages/{id}"), Key::Tenant, "getMessage")
                .says("Show how far a message is", "Those of campaigns have ids as well.")
                .at::<MessageId>("id", "The message.")
                .answers::<shapes::Message>(200, "The message."),
            show,
        )
        .add(
            Documented::new((Verb::Post, "/v1/messages/{id}/cancel"), Key::Tenant, "cancelMessage")
                .needs(Role::Send)
                .says("Cancel a message", "One that waits is not sent, and costs nothing: what it holds is released when nothing else of its campaign, or its hour, waits. Asked again, it is the same.")
                .at::<MessageId>("id", "The message.")
                .answers::<shapes::Taken>(200, "It is not sent.")
                .refuses(&[ProblemCode::MessageWrongState, ProblemCode::WrongState]),
            cancel,
        )
}

const FIELDS: [&str; 11] = [
    "to",
    "text",
    "sender",
    "purpose",
    "encoding",
    "validity",
    "service_type",
    "schedule_delivery",
    "tlvs",
    "link",
    "link_expires_at",
];

/// `POST /v1/messages`: `{"to", "text", "sender", "purpose", "encoding", "validity", "service_type", "schedule_delivery", "tlvs", "link",
/// "link_expires_at"}` → 202 with the message's id.
pub(super) async fn send(
    State(app): State<App>,
    (Caller(tenant), GuestsOnly(guests_only)): (Caller, GuestsOnly),
    (Operation(token), DryRun(dry_run)): (Operation, DryRun),
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let link = read_link(&mut fields, &app);
    let order = read(&mut fields, guests_only).filter(|_| fields.is_sound());
    let (Some(mut order), Some(link)) = (order, link) else {
        return Err(fields.refusal());
    };
    if let Some(problem) = unfilled(&order.text, link.is_some()) {
        fields.refuse_field("text", problem);
        return Err(fields.refusal());
    }
    if let Some((url, expires_at)) = link {
        let link = app.campaigns.link_of((tenant, token), (&url, expires_at)).await?;
        order.text = link.filled_into(&order.text).map_err(Problem::of_fields)?;
        order.link = Some(link);
    }
    if dry_run {
        let tried = app.campaigns.try_message(tenant, &order).await?;
        return Ok((Extension(Secret), Json(shown(&tried))).into_response());
    }
    let id = app.campaigns.send(tenant, &order, token).await?;
    let queued = json!({ "id": id.to_string(), "status": "queued" });
    Ok((StatusCode::ACCEPTED, Json(queued)).into_response())
}

/// What nothing stands for in the text of a message by itself: a field that a campaign would fill in. Other brackets are text. With a
/// link, every field but its own is refused where it is filled in.
fn unfilled(text: &str, has_link: bool) -> Option<FieldProblem> {
    if has_link {
        return None;
    }
    if first_field(text, is_link).is_some() {
        return Some(FieldProblem::MissingBeside { fields: &["link"] });
    }
    let field = first_field(text, MergeField::is_of_everybody)?.to_owned();
    Some(WordingProblem::NothingToFillIn { field }.into())
}

fn shown(tried: &TriedMessage) -> Value {
    json!({
        "to": tried.recipient.to_string(),
        "text": tried.text,
        "segments": tried.segments,
        "credits": tried.credits,
        "available": tried.available,
    })
}

/// `?dry_run=true`: whether it is only tried.
pub(super) struct DryRun(bool);

impl FromRequestParts<App> for DryRun {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let given = parameters((parts, app), &["dry_run"]).await?;
        let value = given.first().map(|(name, value)| yes_or_no(&format!("?{name}"), value));
        Ok(Self(value.transpose()?.unwrap_or(false)))
    }
}

/// `GET /v1/messages/{id}`: how far it is.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<MessageId>,
) -> Result<Json<Value>, Problem> {
    let mut shown = match app.campaigns.message(tenant, id).await {
        Ok(row) => view::message(&row),
        // Its campaign is over, and gone.
        Err(CampaignFault::NotFound) => {
            let past = app.history.message(tenant, id).await;
            let past = past.map_err(|error| database_refuses(&error))?;
            past.as_ref().map(remembered).ok_or(ProblemKind::NotFound)?
        }
        Err(fault) => return Err(fault.into()),
    };
    shown["campaign"] = id.campaign().to_string().into();
    Ok(Json(shown))
}

/// `POST /v1/messages/{id}/cancel`: it is not sent, if it still waits.
pub(super) async fn cancel(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<MessageId>,
) -> Result<Json<Value>, Problem> {
    let recalled = match app.campaigns.call_back(tenant, id).await {
        // Its campaign is over, and gone.
        Err(CampaignFault::NotFound) => {
            let past = app.history.message(tenant, id).await;
            let past = past
                .map_err(|error| database_refuses(&error))?
                .ok_or(ProblemKind::NotFound)?;
            match past.status == Ending::Canceled.word() {
                true => Recalled::Canceled,
                false => Recalled::TooLate(past.status.parse().map_or(Ending::Skipped.word(), Status::code)),
            }
        }
        recalled => recalled?,
    };
    match recalled {
        Recalled::Canceled => Ok(Json(json!({ "id": id.to_string(), "status": "canceled" }))),
        Recalled::UnderWay => Err(ProblemKind::MessageWrongState { state: "submitting" }.into()),
        Recalled::TooLate(state) => Err(ProblemKind::MessageWrongState { state }.into()),
    }
}

/// As a message that is still there is shown.
fn remembered(past: &Past) -> Value {
    json!({
        "to": past.recipient.to_string(),
        "id": past.id.to_string(),
        "status": past.status,
        "reason": Some(&past.reason).filter(|reason| !reason.is_empty()),
        "code": Some(past.code).filter(|code| *code > 0),
        "cleanse": past.ended_at.map(|_| past.cleanse().code()),
        "at": past.ended_at.and_then(|at| view::time(UnixMicros(at.unsigned_abs() * 1_000))),
    })
}

/// All fields are looked at, so that all faults come out at once.
fn read(fields: &mut Fields, guests_only: bool) -> Option<DirectOrder> {
    let (to, text, sender) = (fields.phone_number("to"), fields.text("text"), fields.text("sender"));
    let (encoding, validity) = (fields.encoding(), fields.validity());
    let parameters = fields.parameters();
    let purpose = fields.purpose()?;
    Some(DirectOrder {
        to: to?,
        text: text?,
        sender: sender?,
        purpose,
        own_number: false,
        encoding: encoding?,
        validity: validity?,
        parameters: parameters?,
        without_consent: false,
        in_hours: false,
        guests_only,
        link: None,
    })
}

/// Whither the link of the text leads, and until when; whether it may is for who knows the tenant to say.
fn read_link(fields: &mut Fields, app: &App) -> Option<Option<(String, Option<UnixMicros>)>> {
    let url = fields.if_given("link", Fields::text);
    let ahead = (app.clock.unix(), DAYS_AHEAD_MAX);
    let expires_at = fields.if_given("link_expires_at", |fields, name| {
        fields.checked(name, |text| instant_ahead(&text, ahead))
    });
    let (url, expires_at) = (url?, expires_at?);
    if url.is_none() && expires_at.is_some() {
        let fields_beside = &["link"];
        fields.refuse_field("link_expires_at", FieldProblem::MissingBeside { fields: fields_beside });
        return None;
    }
    Some(url.map(|url| (url, expires_at)))
}
