//! `/v1/resellers/{id}/keys`: a reseller's keys, for the operator and the reseller.

use axum::Extension;
use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::{Made, all_of, bound, end, make};
use crate::api::access::Hosting;
use crate::api::doc::{Key, Operation, Routes, Verb};
use crate::api::known::Known;
use crate::api::problem::Problem;
use crate::api::{App, Page, shapes};
use crate::domain::{ResellerId, Role};

pub(super) fn routes() -> Routes {
    let (all, one) = ("/v1/resellers/{id}/keys", "/v1/resellers/{id}/keys/{key}");
    let revoked = "/v1/resellers/{id}/keys/{key}/revoke";
    Routes::of("resellers")
        .add(
            Operation::new((Verb::Post, all), Key::Reseller, "createResellerKey")
                .needs(Role::Admin)
                .says(
                    "Give a reseller another key",
                    "Of the role `admin`, if nothing else is said.",
                )
                .at::<ResellerId>("id", "The reseller.")
                .takes::<shapes::NewResellerKey>(json!({ "label": "Console", "role": "read" }))
                .answers::<shapes::MadeKey>(201, "The key, shown this once."),
            add,
        )
        .add(
            Operation::new((Verb::Get, all), Key::Reseller, "listResellerKeys")
                .needs(Role::Admin)
                .says("List a reseller's keys", "")
                .at::<ResellerId>("id", "The reseller.")
                .answers::<shapes::Page<shapes::KnownKey>>(200, "All of them, the oldest first."),
            list,
        )
        .add(
            Operation::new((Verb::Patch, one), Key::Reseller, "changeResellerKey")
                .needs(Role::Admin)
                .says(
                    "Change what a reseller's key opens",
                    "It holds from the next request on.",
                )
                .at::<ResellerId>("id", "The reseller.")
                .at::<shapes::KeyId>("key", "The key.")
                .takes::<shapes::KeyChanges>(json!({ "role": "read" }))
                .answers::<shapes::KnownKey>(200, "The key as it is now."),
            change,
        )
        .add(
            Operation::new((Verb::Post, revoked), Key::Reseller, "revokeResellerKey")
                .needs(Role::Admin)
                .says("Revoke a reseller's key", "It opens nothing from the next request on.")
                .at::<ResellerId>("id", "The reseller.")
                .at::<shapes::KeyId>("key", "The key.")
                .answers::<shapes::RevokedKey>(200, "It opens nothing any more."),
            revoke,
        )
}

async fn add(
    State(app): State<App>,
    (Hosting(reseller), Extension(known)): (Hosting, Extension<Known>),
    headers: HeaderMap,
    body: Body,
) -> Result<Made, Problem> {
    make(&app, (reseller.into(), known), (headers, body)).await
}

async fn list(State(app): State<App>, Hosting(reseller): Hosting) -> Result<Page, Problem> {
    all_of(&app, reseller.into()).await
}

async fn change(
    State(app): State<App>,
    (Hosting(reseller), Extension(known)): (Hosting, Extension<Known>),
    Path((_, key)): Path<(String, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    bound(&app, (reseller.into(), &key, known), (headers, body)).await
}

async fn revoke(
    State(app): State<App>,
    (Hosting(reseller), Extension(known)): (Hosting, Extension<Known>),
    Path((_, key)): Path<(String, String)>,
) -> Result<Json<Value>, Problem> {
    end(&app, (reseller.into(), &key, known)).await
}
