//! `/v1/unmatched`: what was written to a number that several tenants share, and that is nobody's: their reseller, or the operator, says whose.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::Manager;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::inbound::{give, place, shown};
use super::known::Known;
use super::pages::Paging;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use super::{App, Page, page, shapes};
use crate::account::AccountFault;
use crate::domain::{ResellerId, Role, TenantId};
use crate::fault::{Expected, FieldProblem};
use crate::store::InboundEntry;

pub(super) fn routes() -> Routes {
    Routes::of("messages")
        .add(
            Operation::new((Verb::Get, "/v1/unmatched"), Key::Reseller, "listUnmatched")
                .says(
                    "List what is nobody's",
                    "What people have written to a number that several tenants share, and for whom it is nobody knows; the oldest first. With a \
                     reseller's key, to numbers that its tenants alone share. A page may have fewer than it could while there are more: \
                     `next_cursor` says whether there are.",
                )
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::Inbound>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Post, "/v1/unmatched/{id}/assign"), Key::Reseller, "assignUnmatched")
                .needs(Role::Admin)
                .says(
                    "Give what is nobody's to a tenant",
                    "One of those that have the number. It is read as if it had come for it.",
                )
                .at::<shapes::InboundId>("id", "The message.")
                .takes::<shapes::Assignment>(json!({ "tenant": "ten_4j2k9d1m5x7wq" }))
                .answers::<shapes::Assigned>(200, "The message, under its new id, and whose it is."),
            assign,
        )
}

async fn list(State(app): State<App>, Manager(manager): Manager, paging: Paging) -> Result<Page, Problem> {
    let behind = paging.cursor()?;
    let found = app.inbox.list(None, behind, paging.limit).await;
    let found = found.map_err(|error| store_refuses(&error))?;
    let next = found.last().filter(|_| found.len() == paging.limit);
    let next = next.map(|entry| entry.place.to_string());
    let mut rows = Vec::new();
    for entry in &found {
        if is_for(&app, manager, entry).await? {
            rows.push(shown(&app, entry));
        }
    }
    Ok(page(rows, next))
}

async fn assign(
    State(app): State<App>,
    (Manager(manager), Path(id)): (Manager, Path<String>),
    Extension(noted): Extension<Known>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let unknown = || FieldProblem::Expected(Expected::TenantOfNumber);
    let mut fields = Fields::read((&headers, body), app.clock, &["tenant"]).await?;
    let tenant = fields.checked("tenant", |text| text.parse::<TenantId>().map_err(|_| unknown()));
    let (Some(tenant), true) = (tenant, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let not_found = || Problem::from(ProblemKind::NotFound);
    let entry = app
        .inbox
        .nobodys(place(&id)?)
        .await
        .map_err(|error| store_refuses(&error))?;
    let entry = entry.ok_or_else(not_found)?;
    if !is_for(&app, manager, &entry).await? {
        return Err(not_found());
    }
    if !owners(&app, &entry).contains(&tenant) {
        fields.refuse_field("tenant", unknown());
        return Err(fields.refusal());
    }
    give(&app, &noted, (&id, tenant)).await
}

/// Who has the number that a message was written to.
fn owners(app: &App, entry: &InboundEntry) -> Vec<TenantId> {
    let said = entry.read();
    let owned = said.as_ref().and_then(|said| app.numbers.find(&said.to));
    owned.map_or_else(Vec::new, |owned| owned.tenants.to_vec())
}

/// Whether it was written to a number that this reseller's tenants alone have; to an operator, all are shown.
async fn is_for(app: &App, manager: Option<ResellerId>, entry: &InboundEntry) -> Result<bool, Problem> {
    let Some(reseller) = manager else {
        return Ok(true);
    };
    let owners = owners(app, entry);
    for owner in &owners {
        match app.accounts.is_hosted(*owner, reseller).await {
            Ok(()) => {}
            Err(AccountFault::NotFound) => return Ok(false),
            Err(fault) => return Err(fault.into()),
        }
    }
    Ok(!owners.is_empty())
}
