//! `/v1/inbound`: what people have written.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::known::Known;
use super::pages::Paging;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{SmscId, TenantId, UnixMicros, shown_address};
use crate::fault::FieldProblem;
use crate::store::{InboundEntry, InboundPlace};

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

/// `GET /v1/inbound`: messages in answer to the tenant's, oldest first; the cursor of an empty page is given again, so that
/// whoever asks from time to time misses none.
pub(super) async fn own(State(app): State<App>, caller: Caller, paging: Paging) -> Result<Page, Problem> {
    list(&app, Some(caller.0), &paging).await
}

/// `GET /v1/inbound` on the operators' listener: messages that answer nobody's.
pub(super) async fn nobodys(State(app): State<App>, paging: Paging) -> Result<Page, Problem> {
    list(&app, None, &paging).await
}

/// `POST /v1/inbound/{id}/assign` on the operators' listener: `{"tenant"}` → 200; a message that answers nobody's is the tenant's from
/// then on, and is read as if it had come for it.
pub(super) async fn assign(
    State(app): State<App>,
    Path(id): Path<String>,
    Extension(noted): Extension<Known>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let unknown = || FieldProblem::UnknownValue { allowed: &["ten_…"] };
    let mut fields = Fields::read((&headers, body), app.clock, &["tenant"]).await?;
    let tenant = fields.checked("tenant", |text| text.parse::<TenantId>().map_err(|_| unknown()));
    let (Some(tenant), true) = (tenant, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let there = app.accounts.tenant(tenant).await;
    if there.map_err(|error| store_refuses(&error))?.is_none() {
        fields.refuse_field("tenant", unknown());
        return Err(fields.refusal());
    }
    give(&app, &noted, (&id, tenant)).await
}

/// Where a message with that id stands.
pub(super) fn place(id: &str) -> Result<InboundPlace, Problem> {
    let place = id.strip_prefix("inb_").and_then(|place| place.parse().ok());
    place.ok_or(ProblemKind::NotFound.into())
}

/// Gives what is nobody's to a tenant.
pub(super) async fn give(app: &App, noted: &Known, (id, tenant): (&str, TenantId)) -> Result<Json<Value>, Problem> {
    noted.object(tenant);
    noted.detail("message", id);
    let given = app.inbox.assign(place(id)?, tenant).await;
    let given = given.map_err(|error| store_refuses(&error))?;
    let place = given.ok_or(Problem::from(ProblemKind::NotFound))?;
    Ok(Json(
        json!({ "id": format!("inb_{place}"), "tenant": tenant.to_string() }),
    ))
}

async fn list(app: &App, tenant: Option<TenantId>, paging: &Paging) -> Result<Page, Problem> {
    let behind = paging.cursor()?;
    let found = app.inbox.list(tenant, behind, paging.limit).await;
    let found = found.map_err(|error| store_refuses(&error))?;
    let next = found.last().map(|entry| entry.place).or(behind);
    let rows = found.iter().map(|entry| shown(app, entry)).collect();
    Ok(page(rows, next.map(|place| place.to_string())))
}

pub(super) fn shown(app: &App, entry: &InboundEntry) -> Value {
    let Some(kept) = entry.read() else {
        return json!({ "id": format!("inb_{}", entry.place) });
    };
    json!({
        "id": format!("inb_{}", entry.place),
        "from": shown_address(&kept.from),
        "to": shown_address(&kept.to),
        "text": kept.text,
        "smsc": app.traffic.name(SmscId(kept.smsc)),
        "campaign_id": entry.campaign.map(|campaign| campaign.to_string()),
        "opted_out": entry.opted_out,
        "received_at": time(UnixMicros(kept.at)),
    })
}
