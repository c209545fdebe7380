//! `/v1/tenants/{id}/keys`: a tenant's API keys.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Id, Operator};
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::idempotent::Secret;
use super::known::Known;
use super::problem::{Problem, ProblemKind};
use super::{App, page, shapes};
use crate::account::KnownKey;
use crate::campaign::view::time;
use crate::domain::TenantId;

pub(super) fn routes() -> Routes {
    let all = "/v1/tenants/{id}/keys";
    Routes::of("keys")
        .add(
            Operation::new((Verb::Post, all), Key::Operator, "createKey")
                .says(
                    "Give a tenant another key",
                    "Its others stay good: a key is rotated by making one, and revoking the other.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewKey>(json!({ "label": "Logiciel médical" }))
                .answers::<shapes::MadeKey>(201, "The key, shown this once."),
            add,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Operator, "listKeys")
                .says(
                    "List a tenant's keys",
                    "How each begins, what it is for, and since when it is good.",
                )
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::Page<shapes::KnownKey>>(200, "All of them, the oldest first."),
            list,
        )
        .add(
            Operation::new(
                (Verb::Post, "/v1/tenants/{id}/keys/{key}/revoke"),
                Key::Operator,
                "revokeKey",
            )
            .says("Revoke a key", "It opens nothing from the next request on.")
            .at::<TenantId>("id", "The tenant.")
            .at::<shapes::KeyId>("key", "The key.")
            .answers::<shapes::RevokedKey>(200, "It opens nothing any more."),
            revoke,
        )
}

/// `POST /v1/tenants/{id}/keys`: `{"label"}` → 201 with another key, which is shown this once.
pub(super) async fn add(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Id(tenant): Id<TenantId>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Extension<Secret>, Json<Value>), Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["label"]).await?;
    let label = fields.text_or("label", "");
    let (Some(label), true) = (label, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let (key, api_key) = app.accounts.add_key(tenant, &label).await?;
    known.detail("key", key.id.clone());
    let mut shown = view(&key);
    shown["api_key"] = api_key.into();
    Ok((StatusCode::CREATED, Extension(Secret), Json(shown)))
}

/// `GET /v1/tenants/{id}/keys`: how each begins, what it is for, and since when it is good.
pub(super) async fn list(
    State(app): State<App>,
    _: Operator,
    Id(tenant): Id<TenantId>,
) -> Result<Json<Value>, Problem> {
    let keys = app.accounts.keys(tenant).await?;
    Ok(page(keys.iter().map(view).collect(), None))
}

/// `POST /v1/tenants/{id}/keys/{key}/revoke` → 200: it opens nothing any more.
pub(super) async fn revoke(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Path((tenant, key)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let tenant: TenantId = tenant.parse().map_err(|_| Problem::from(ProblemKind::NotFound))?;
    app.accounts.revoke_key(tenant, &key).await?;
    known.object(tenant);
    known.detail("key", key.clone());
    Ok(Json(json!({ "id": key, "revoked": true })))
}

fn view(key: &KnownKey) -> Value {
    json!({
        "id": key.id,
        "begins": key.details.hint,
        "label": key.details.label,
        "created_at": (key.details.created_at.0 > 0).then(|| time(key.details.created_at)),
    })
}
