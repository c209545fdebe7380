//! `/v1/tenants/{id}/lost_holds`: what is held for campaigns that went with their Redis.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Id, Operator};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::known::Known;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::refusal::store_refuses;
use super::tenants::find;
use super::{App, Page, page, shapes};
use crate::account::AccountFault;
use crate::campaign::CampaignFault;
use crate::domain::{CampaignId, TenantId};

pub(super) fn routes() -> Routes {
    let (lost, settle) = ("/v1/tenants/{id}/lost_holds", "/v1/tenants/{id}/lost_holds/{campaign}");
    Routes::of("tenants")
        .add(
            Operation::new((Verb::Get, lost), Key::Operator, "listLostHolds")
                .says(
                    "Show what is held for campaigns that were lost",
                    "A Redis that was lost is rebuilt with what was held for campaigns that went with it, as far as it was not \
                     debited by then. Nobody can tell what of it was spent since: an operator does.",
                )
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::Page<shapes::LostHold>>(200, "What is held, by campaign."),
            lost_holds,
        )
        .add(
            Operation::new((Verb::Post, settle), Key::Operator, "settleLostHold")
                .says(
                    "Say what was spent of a lost campaign's hold",
                    "That is debited, and the rest is available again.",
                )
                .at::<TenantId>("id", "The tenant.")
                .at::<CampaignId>("campaign", "The campaign that was lost.")
                .takes::<shapes::SettledHold>(json!({ "spent": 120 }))
                .answers::<shapes::Tenant>(200, "The tenant with its credits.")
                .refuses(&[ProblemCode::WrongState]),
            settle_lost,
        )
}

/// `GET /v1/tenants/{id}/lost_holds`.
pub(super) async fn lost_holds(State(app): State<App>, _: Operator, Id(tenant): Id<TenantId>) -> Result<Page, Problem> {
    find(&app, tenant).await?;
    let lost = app.accounts.lost_holds(tenant).await;
    let lost = lost.map_err(|error| store_refuses(&error))?;
    let view =
        |(campaign, credits): &(CampaignId, u64)| json!({ "campaign": campaign.to_string(), "credits": credits });
    Ok(page(lost.iter().map(view).collect(), None))
}

/// `POST /v1/tenants/{id}/lost_holds/{campaign}`: `{"spent"}` → 200 with the tenant's credits.
pub(super) async fn settle_lost(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Path((tenant, campaign)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let (Ok(tenant), Ok(campaign)) = (tenant.parse::<TenantId>(), campaign.parse::<CampaignId>()) else {
        return Err(ProblemKind::NotFound.into());
    };
    let mut fields = Fields::read((&headers, body), app.clock, &["spent"]).await?;
    let (Some(spent), true) = (fields.whole("spent", (0, i64::MAX)), fields.is_sound()) else {
        return Err(fields.refusal());
    };
    known.object(tenant);
    known.detail("campaign", campaign.to_string());
    known.detail("spent", spent);
    match app.accounts.settle_lost(tenant, campaign, spent.unsigned_abs()).await {
        // One that is there was not lost.
        Err(AccountFault::NotFound) => {
            let known = app.campaigns.find(tenant, campaign).await?;
            return Err(CampaignFault::WrongState(known.state).into());
        }
        settled => settled?,
    }
    find(&app, tenant).await.map(Json)
}
