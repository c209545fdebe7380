//! `POST /v1/tenants/{id}/suspend` and `…/resume`.

use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::Managed;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::known::Known;
use super::problem::Problem;
use super::tenants::find;
use super::{App, shapes};
use crate::domain::TenantId;

pub(super) fn routes() -> Routes {
    Routes::of("tenants")
        .add(
            Operation::new((Verb::Post, "/v1/tenants/{id}/suspend"), Key::Reseller, "suspendTenant")
                .says(
                    "Suspend a tenant",
                    "Nothing new is taken of it (`tenant_suspended`), and nothing that is queued is sent, until it is resumed. Its keys \
                     still read; receipts and STOPs count as ever. A planned launch that comes meanwhile does not take place: the \
                     campaign is a draft again, with `refused`.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewSuspension>(json!({ "reason": "Facture 2026-117 impayée" }))
                .answers::<shapes::Tenant>(200, "The tenant as it is now."),
            suspend,
        )
        .add(
            Operation::new((Verb::Post, "/v1/tenants/{id}/resume"), Key::Reseller, "resumeTenant")
                .says("Let a suspended tenant go on", "What is queued goes on where it was.")
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::Tenant>(200, "The tenant as it is now."),
            resume,
        )
}

/// `{"reason"}` → 200 with the tenant. One that is suspended already has another reason then.
async fn suspend(
    State(app): State<App>,
    (Managed(tenant), Extension(known)): (Managed, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["reason"]).await?;
    let (Some(reason), true) = (fields.text("reason"), fields.is_sound()) else {
        return Err(fields.refusal());
    };
    app.accounts.suspend(tenant, &reason).await?;
    known.detail("reason", reason);
    find(&app, tenant).await.map(Json)
}

async fn resume(State(app): State<App>, Managed(tenant): Managed) -> Result<Json<Value>, Problem> {
    app.accounts.resume(tenant).await?;
    app.campaigns.ring_everywhere();
    find(&app, tenant).await.map(Json)
}
