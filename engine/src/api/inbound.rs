//! `/v1/inbound`: what people have written.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::pages::Paging;
use super::problem::Problem;
use super::refusal::store_refuses;
use super::{App, page, shapes};
use crate::campaign::view::time;
use crate::domain::{SmscId, TenantId, UnixMicros};
use crate::store::InboundEntry;

pub(super) fn routes() -> Routes {
    Routes::of("messages").add(
        Operation::new((Verb::Get, "/v1/inbound"), Key::Tenant, "listInbound")
            .says(
                "List what people have written",
                "In answer to the tenant's messages, the oldest first. Behind the last page, `next_cursor` is given again: who asks with it \
                 from time to time misses none.",
            )
            .asks::<shapes::Paging>()
            .answers::<shapes::Page<shapes::Inbound>>(200, "A page of them."),
        own,
    )
}

/// A message as it is kept.
#[derive(Deserialize)]
struct Kept {
    at: u64,
    from: String,
    to: String,
    text: String,
    smsc: u16,
}

/// `GET /v1/inbound`: messages in answer to the tenant's, oldest first; the cursor of an empty page is given again, so that
/// whoever asks from time to time misses none.
pub(super) async fn own(State(app): State<App>, caller: Caller, paging: Paging) -> Result<Json<Value>, Problem> {
    list(&app, Some(caller.0), &paging).await
}

/// `GET /v1/inbound` on the operators' listener: messages that answer nobody's.
pub(super) async fn nobodys(State(app): State<App>, paging: Paging) -> Result<Json<Value>, Problem> {
    list(&app, None, &paging).await
}

async fn list(app: &App, tenant: Option<TenantId>, paging: &Paging) -> Result<Json<Value>, Problem> {
    let behind = paging.cursor()?;
    let found = app.inbox.list(tenant, behind, paging.limit).await;
    let found = found.map_err(|error| store_refuses(&error))?;
    let next = found.last().map(|entry| entry.place).or(behind);
    let rows = found.iter().map(|entry| shown(app, entry)).collect();
    Ok(page(rows, next.map(|place| place.to_string())))
}

pub(super) fn shown(app: &App, entry: &InboundEntry) -> Value {
    let Ok(kept) = serde_json::from_slice::<Kept>(&entry.message) else {
        return json!({ "id": format!("inb_{}", entry.place) });
    };
    json!({
        "id": format!("inb_{}", entry.place),
        "from": kept.from,
        "to": kept.to,
        "text": kept.text,
        "smsc": app.traffic.name(SmscId(kept.smsc)),
        "campaign_id": entry.campaign.map(|campaign| campaign.to_string()),
        "opted_out": entry.opted_out,
        "received_at": time(UnixMicros(kept.at)),
    })
}
