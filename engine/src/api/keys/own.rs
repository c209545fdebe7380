//! `/v1/keys`: a tenant gives keys itself, with one that may.

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Made, all_of, bound, end, make};
use crate::api::access::Caller;
use crate::api::doc::{Key, Operation, Routes, Verb};
use crate::api::known::Known;
use crate::api::problem::{Problem, ProblemCode};
use crate::api::{App, Page, shapes};
use crate::domain::Role;

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/keys", "/v1/keys/{key}");
    Routes::of("keys")
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "createOwnKey")
                .needs(Role::Admin)
                .says(
                    "Make another key of one's own",
                    "Of any role, for a program or a person.",
                )
                .takes::<shapes::NewKey>(json!({ "label": "Accueil", "role": "read" }))
                .answers::<shapes::MadeKey>(201, "The key, shown this once.")
                .refuses(&[ProblemCode::NoSandbox]),
            add,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listOwnKeys")
                .needs(Role::Admin)
                .says("List one's own keys", "Those that the operator made as well.")
                .answers::<shapes::Page<shapes::KnownKey>>(200, "All of them, the oldest first."),
            list,
        )
        .add(
            Operation::new((Verb::Patch, one), Key::Tenant, "changeOwnKey")
                .needs(Role::Admin)
                .says(
                    "Change what a key of one's own opens",
                    "It holds from the next request on.",
                )
                .at::<shapes::KeyId>("key", "The key.")
                .takes::<shapes::KeyChanges>(json!({ "role": "read", "expires_at": null }))
                .answers::<shapes::KnownKey>(200, "The key as it is now."),
            change,
        )
        .add(
            Operation::new((Verb::Post, "/v1/keys/{key}/revoke"), Key::Tenant, "revokeOwnKey")
                .needs(Role::Admin)
                .says(
                    "Revoke a key of one's own",
                    "It opens nothing from the next request on.",
                )
                .at::<shapes::KeyId>("key", "The key; the one that asks as well.")
                .answers::<shapes::RevokedKey>(200, "It opens nothing any more."),
            revoke,
        )
}

async fn add(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Made, Problem> {
    make(&app, (tenant.into(), known), (headers, body)).await
}

async fn list(State(app): State<App>, Caller(tenant): Caller) -> Result<Page, Problem> {
    all_of(&app, tenant.into()).await
}

async fn change(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    Path(key): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    bound(&app, (tenant.into(), &key, known), (headers, body)).await
}

async fn revoke(
    State(app): State<App>,
    (Caller(tenant), Extension(known)): (Caller, Extension<Known>),
    Path(key): Path<String>,
) -> Result<Json<Value>, Problem> {
    end(&app, (tenant.into(), &key, known)).await
}
