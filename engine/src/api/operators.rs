//! Tenants and campaigns of all of them, on the operators' listener, with the operator's key.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::access::{Id, Operator};
use super::campaigns::shown;
use super::pages::Paging;
use super::problem::Problem;
use super::refusal::store_refuses;
use super::{App, Page, page, tenants as one};
use crate::campaign::view;
use crate::domain::CampaignId;
use crate::store::CampaignState;

/// `GET /v1/tenants`: with their credits, in the order in which they were made.
pub(super) async fn tenants(State(app): State<App>, _: Operator, paging: Paging) -> Result<Page, Problem> {
    let skip = paging.cursor::<u32>()?.unwrap_or(0) as usize;
    let found = app.store.tenants(skip, paging.limit).await;
    let found = found.map_err(|error| store_refuses(&error))?;
    let next = (found.len() == paging.limit).then(|| (skip + found.len()).to_string());
    let now = app.clock.unix();
    Ok(page(found.iter().map(|tenant| one::view(tenant, now)).collect(), next))
}

/// `GET /v1/campaigns`: of all tenants, newest first.
pub(super) async fn campaigns(State(app): State<App>, _: Operator, paging: Paging) -> Result<Page, Problem> {
    let found = app.campaigns.list_all(paging.cursor()?, paging.limit).await?;
    let row = |campaign: &crate::store::Campaign| {
        let mut row = view::summary(campaign);
        row["tenant"] = campaign.tenant.to_string().into();
        row
    };
    Ok(page(
        found.rows.iter().map(row).collect(),
        found.next.map(|next| next.to_string()),
    ))
}

/// `GET /v1/campaigns/{id}`: as its tenant sees it, and whose it is.
pub(super) async fn campaign(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, Problem> {
    let tenant = app.campaigns.owner(id).await?;
    let mut shown = shown(&app, (tenant, id), &headers).await?;
    shown["tenant"] = tenant.to_string().into();
    Ok(([(header::VARY, "accept-language")], Json(shown)))
}

/// `POST /v1/campaigns/{id}/pause` → 200.
pub(super) async fn pause(State(app): State<App>, _: Operator, Id(id): Id<CampaignId>) -> Result<Json<Value>, Problem> {
    let tenant = app.campaigns.owner(id).await?;
    Ok(moved(id, app.campaigns.pause(tenant, id).await?))
}

/// `POST /v1/campaigns/{id}/resume` → 200.
pub(super) async fn resume(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<CampaignId>,
) -> Result<Json<Value>, Problem> {
    let tenant = app.campaigns.owner(id).await?;
    Ok(moved(id, app.campaigns.resume(tenant, id).await?))
}

/// `POST /v1/campaigns/{id}/cancel` → 202: what was queued is canceled behind the answer.
pub(super) async fn cancel(
    State(app): State<App>,
    _: Operator,
    Id(id): Id<CampaignId>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let tenant = app.campaigns.owner(id).await?;
    let state = app.campaigns.cancel(tenant, id).await?;
    Ok((StatusCode::ACCEPTED, moved(id, state)))
}

fn moved(id: CampaignId, state: CampaignState) -> Json<Value> {
    tracing::info!(campaign = %id, state = state.code(), "an operator has decided on a campaign");
    Json(json!({ "id": id.to_string(), "state": state.code() }))
}
