//! `/v1/tenants/{id}/keys`, `/v1/keys` and `/v1/resellers/{id}/keys`: API keys, for whoever gives them.

mod bounds;
mod own;
mod resellers;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::Managed;
use super::doc::{Key, Operation, Routes, Verb};
use super::idempotent::Secret;
use super::known::Known;
use super::problem::{Problem, ProblemCode, ProblemKind};
use super::{App, Page, page, shapes};
use crate::account::KnownKey;
use crate::campaign::view::time;
use crate::domain::{KeyKind, Role, TenantId};
use crate::store::KeyOwner;

/// What is answered when a key was made.
type Made = (StatusCode, Extension<Secret>, Json<Value>);

pub(super) fn routes() -> Routes {
    of_tenants().and(own::routes()).and(resellers::routes())
}

fn of_tenants() -> Routes {
    let (all, one) = ("/v1/tenants/{id}/keys", "/v1/tenants/{id}/keys/{key}");
    Routes::of("keys")
        .add(
            Operation::new((Verb::Post, all), Key::Reseller, "createKey")
                .needs(Role::Admin)
                .says(
                    "Give a tenant another key",
                    "Its others stay good: a key is rotated by making one, and revoking the other.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewKey>(json!({ "label": "Logiciel médical", "role": "send" }))
                .answers::<shapes::MadeKey>(201, "The key, shown this once.")
                .refuses(&[ProblemCode::NoSandbox]),
            add,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Reseller, "listKeys")
                .needs(Role::Admin)
                .says(
                    "List a tenant's keys",
                    "How each begins, what it is for and opens, and since when it is good.",
                )
                .at::<TenantId>("id", "The tenant.")
                .answers::<shapes::Page<shapes::KnownKey>>(200, "All of them, the oldest first."),
            list,
        )
        .add(
            Operation::new((Verb::Patch, one), Key::Reseller, "changeKey")
                .needs(Role::Admin)
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
                Key::Reseller,
                "revokeKey",
            )
            .needs(Role::Admin)
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
    (Managed(tenant), Extension(known)): (Managed, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Made, Problem> {
    make(&app, (tenant.into(), known), (headers, body)).await
}

/// `GET /v1/tenants/{id}/keys`: how each begins, what it is for, and since when it is good.
pub(super) async fn list(State(app): State<App>, Managed(tenant): Managed) -> Result<Page, Problem> {
    all_of(&app, tenant.into()).await
}

/// `PATCH /v1/tenants/{id}/keys/{key}`: as for a new one, each if it is to change → 200 with the key.
pub(super) async fn change(
    State(app): State<App>,
    (Managed(tenant), Extension(known)): (Managed, Extension<Known>),
    Path((_, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    bound(&app, (tenant.into(), &key, known), (headers, body)).await
}

/// `POST /v1/tenants/{id}/keys/{key}/revoke` → 200: it opens nothing any more.
pub(super) async fn revoke(
    State(app): State<App>,
    (Managed(tenant), Extension(known)): (Managed, Extension<Known>),
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    end(&app, (tenant.into(), &key, known)).await
}

async fn make(app: &App, (owner, known): (KeyOwner, Known), given: (HeaderMap, Body)) -> Result<Made, Problem> {
    let (label, bounds) = bounds::of_new(app, owner, (&given.0, given.1)).await?;
    known.detail("role", bounds.role.code());
    known.detail("kind", bounds.kind.code());
    let owner = match (owner, bounds.kind) {
        (KeyOwner::Tenant(tenant), KeyKind::Sandbox) => sandbox_of(app, tenant).await?.into(),
        (
            KeyOwner::Tenant(_) | KeyOwner::Reseller(_) | KeyOwner::Operator,
            KeyKind::Sandbox | KeyKind::Live | KeyKind::Team,
        ) => owner,
    };
    let (key, api_key) = app.accounts.add_key(owner, (&label, bounds)).await?;
    known.detail("key", key.id.clone());
    let mut shown = view(&key);
    shown["api_key"] = api_key.into();
    Ok((StatusCode::CREATED, Extension(Secret), Json(shown)))
}

/// The sandbox of a tenant, if what it sends goes anywhere.
async fn sandbox_of(app: &App, tenant: TenantId) -> Result<TenantId, Problem> {
    if !app.campaigns.has_sandbox() {
        return Err(ProblemKind::NoSandbox.into());
    }
    Ok(app.accounts.open_sandbox(tenant).await?)
}

async fn all_of(app: &App, owner: KeyOwner) -> Result<Page, Problem> {
    let keys = app.accounts.keys(owner).await?;
    Ok(page(keys.iter().map(view).collect(), None))
}

async fn bound(
    app: &App,
    (owner, key, known): (KeyOwner, &str, Known),
    given: (HeaderMap, Body),
) -> Result<Json<Value>, Problem> {
    let changes = bounds::of_change(app, (&given.0, given.1)).await?;
    if let Some(role) = changes.role {
        known.detail("role", role.code());
    }
    let key = app.accounts.change_key(owner, key, changes).await?;
    known.detail("key", key.id.clone());
    Ok(Json(view(&key)))
}

async fn end(app: &App, (owner, key, known): (KeyOwner, &str, Known)) -> Result<Json<Value>, Problem> {
    app.accounts.revoke_key(owner, key).await?;
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
        "kind": bounds.kind.code(),
        "addresses": Some(addresses.collect::<Vec<_>>()).filter(|addresses| !addresses.is_empty()),
        "expires_at": bounds.expires_at.and_then(time),
        "created_at": (key.details.created_at.0 > 0).then(|| time(key.details.created_at)),
    })
}
