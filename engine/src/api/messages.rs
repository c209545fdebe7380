//! `/v1/messages`: one message by itself.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::App;
use super::access::{Caller, Id};
use super::fields::Fields;
use super::idempotent::Operation;
use super::problem::Problem;
use crate::campaign::{DirectOrder, view};
use crate::domain::MessageId;

const FIELDS: [&str; 9] = [
    "to",
    "text",
    "sender",
    "purpose",
    "encoding",
    "validity",
    "service_type",
    "schedule_delivery",
    "tlvs",
];

/// `POST /v1/messages`: `{"to", "text", "sender", "purpose", "encoding", "validity", "service_type", "schedule_delivery", "tlvs"}`
/// → 202 with the message's id.
pub(super) async fn send(
    State(app): State<App>,
    Caller(tenant): Caller,
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &FIELDS).await?;
    let order = read(&mut fields).filter(|_| fields.is_sound());
    let Some(order) = order else {
        return Err(fields.refusal());
    };
    let id = app.campaigns.send(tenant, &order, token).await?;
    Ok((
        StatusCode::ACCEPTED,
        Json(json!({ "id": id.to_string(), "status": "queued" })),
    ))
}

/// `GET /v1/messages/{id}`: how far it is.
pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<MessageId>,
) -> Result<Json<Value>, Problem> {
    let row = app.campaigns.message(tenant, id).await?;
    let mut shown = view::message(&row);
    shown["campaign"] = id.campaign().to_string().into();
    Ok(Json(shown))
}

/// All fields are looked at, so that all faults come out at once.
fn read(fields: &mut Fields) -> Option<DirectOrder> {
    let (to, text, sender) = (fields.phone_number("to"), fields.text("text"), fields.text("sender"));
    let (encoding, validity) = (fields.encoding(), fields.validity());
    let parameters = fields.parameters();
    let purpose = fields.purpose()?;
    Some(DirectOrder {
        to: to?,
        text: text?,
        sender: sender?,
        purpose,
        encoding: encoding?,
        validity: validity?,
        parameters: parameters?,
    })
}
