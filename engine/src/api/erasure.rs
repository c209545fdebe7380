//! `POST /v1/tenants/{id}/texts/erase`: a tenant leaves, and nobody is to read any more what it wrote.

use axum::extract::State;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Id, Operator};
use super::doc::{Key, Operation, Routes, Verb};
use super::known::Known;
use super::problem::{Problem, ProblemCode};
use super::refusal::store_refuses;
use super::{App, shapes};
use crate::domain::TenantId;

pub(super) fn routes() -> Routes {
    Routes::of("tenants").add(
        Operation::new(
            (Verb::Post, "/v1/tenants/{id}/texts/erase"),
            Key::Operator,
            "eraseTexts",
        )
        .says(
            "Erase a tenant's texts",
            "Destroys the key that its texts, their variables and what people wrote to it are encrypted with. Numbers, statuses and \
             credits stay. What it writes from then on has another key.",
        )
        .at::<TenantId>("id", "The tenant.")
        .answers::<shapes::ErasedTexts>(200, "Nobody can read them any more.")
        .refuses(&[ProblemCode::TextsInUse]),
        erase,
    )
}

async fn erase(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Id(tenant): Id<TenantId>,
) -> Result<Json<Value>, Problem> {
    known.object(tenant);
    app.campaigns.erase_texts(tenant).await?;
    let sandbox = app.accounts.tenant(tenant.sandbox()).await;
    if sandbox.map_err(|error| store_refuses(&error))?.is_some() {
        app.campaigns.erase_texts(tenant.sandbox()).await?;
    }
    Ok(Json(json!({ "id": tenant.to_string(), "erased": true })))
}
