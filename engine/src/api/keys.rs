//! `/v1/tenants/{id}/keys` and `/v1/keys`: a tenant's API keys, for the operator and for the tenant.

mod bounds;
mod own;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Id, Operator};
use super::doc::{Key, Operation, Routes, Verb};
use super::idempotent::Secret;
use super::known::Known;
use super::problem::{Problem, ProblemKind};
use super::{App, page, shapes};
use crate::account::KnownKey;
use crate::campaign::view::time;
use crate::domain::TenantId;

/// What is answered when a key was made.
type Made = (StatusCode, Extension<Secret>, Json<Value>);

pub(super) fn routes() -> Routes {
    of_tenants().and(own::routes())
}

fn of_tenants() -> Routes {
    let (all, one) = ("/v1/tenants/{id}/keys", "/v1/tenants/{id}/keys/{key}");
    Routes::of("keys")
        .add(
            Operation::new((Verb::Post, all), Key::Operator, "createKey")
                .says(
                    "Give a tenant another key",
                    "Its others stay good: a key is rotated by making one, and revoking the other.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewKey>(json!({ "label": "Logiciel médical", "role": "send" }))
                .answers::<shapes::MadeKey>(201, "The key, shown this once."),
            add,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Operator, "listKeys")
                .says(
                    "List a tenant's keys",
                    "How each begins, what it is for and opens, and since when it is good.",
                )
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::Page<shapes::KnownKey>>(200, "All of them, the oldest first."),
            list,
        )
        .add(
            Operation::new((Verb::Patch, one), Key::Operator, "changeKey")
                .says("Change what a key opens", "It holds from the next request on.")
                .at::<TenantId>("id", "The tenant.")
                .at::<shapes::KeyId>("key", "The key.")
                .takes::<shapes::KeyChanges>(json!({ "role": "read", "addresses": ["192.0.2.0/24"] }))
                .answers::<shapes::KnownKey>(200, "The key as it is now."),
            change,
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

/// `POST /v1/tenants/{id}/keys`: `{"label", "role", "addresses", "expires_at"}` → 201 with another key, which is shown this once.
pub(super) async fn add(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Id(tenant): Id<TenantId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Made, Problem> {
    make(&app, (tenant, known), (headers, body)).await
}

/// `GET /v1/tenants/{id}/keys`: how each begins, what it is for, and since when it is good.
pub(super) async fn list(
    State(app): State<App>,
    _: Operator,
    Id(tenant): Id<TenantId>,
) -> Result<Json<Value>, Problem> {
    all_of(&app, tenant).await
}

/// `PATCH /v1/tenants/{id}/keys/{key}`: as for a new one, each if it is to change → 200 with the key.
pub(super) async fn change(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Path((tenant, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&tenant)?;
    known.object(tenant);
    bound(&app, (tenant, &key, known), (headers, body)).await
}

/// `POST /v1/tenants/{id}/keys/{key}/revoke` → 200: it opens nothing any more.
pub(super) async fn revoke(
    State(app): State<App>,
    (_, Extension(known)): (Operator, Extension<Known>),
    Path((tenant, key)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    let tenant = tenant_of(&tenant)?;
    known.object(tenant);
    end(&app, (tenant, &key, known)).await
}

fn tenant_of(id: &str) -> Result<TenantId, Problem> {
    id.parse().map_err(|_| ProblemKind::NotFound.into())
}

async fn make(app: &App, (tenant, known): (TenantId, Known), given: (HeaderMap, Body)) -> Result<Made, Problem> {
    let (label, bounds) = bounds::of_new(app, (&given.0, given.1)).await?;
    known.detail("role", bounds.role.code());
    let (key, api_key) = app.accounts.add_key(tenant, (&label, bounds)).await?;
    known.detail("key", key.id.clone());
    let mut shown = view(&key);
    shown["api_key"] = api_key.into();
    Ok((StatusCode::CREATED, Extension(Secret), Json(shown)))
}

async fn all_of(app: &App, tenant: TenantId) -> Result<Json<Value>, Problem> {
    let keys = app.accounts.keys(tenant).await?;
    Ok(page(keys.iter().map(view).collect(), None))
}

async fn bound(
    app: &App,
    (tenant, key, known): (TenantId, &str, Known),
    given: (HeaderMap, Body),
) -> Result<Json<Value>, Problem> {
    let changes = bounds::of_change(app, (&given.0, given.1)).await?;
    if let Some(role) = changes.role {
        known.detail("role", role.code());
    }
    let key = app.accounts.change_key(tenant, key, changes).await?;
    known.detail("key", key.id.clone());
    Ok(Json(view(&key)))
}

async fn end(app: &App, (tenant, key, known): (TenantId, &str, Known)) -> Result<Json<Value>, Problem> {
    app.accounts.revoke_key(tenant, key).await?;
    known.detail("key", key);
    Ok(Json(json!({ "id": key, "revoked": true })))
}

fn view(key: &KnownKey) -> Value {
    let bounds = &key.details.bounds;
    let addresses = bounds.addresses.iter().map(ToString::to_string);
    json!({
        "id": key.id,
        "begins": key.details.hint,
        "label": key.details.label,
        "role": bounds.role.code(),
        "addresses": Some(addresses.collect::<Vec<_>>()).filter(|addresses| !addresses.is_empty()),
        "expires_at": bounds.expires_at.and_then(time),
        "created_at": (key.details.created_at.0 > 0).then(|| time(key.details.created_at)),
    })
}
