//! Credits of tenants and resellers: given, moved, taken back.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::access::{Hosting, Managed, Manager, Operator};
use super::doc::{Key, Operation as Documented, Routes, Verb};
use super::fields::Fields;
use super::idempotent::Operation;
use super::known::Known;
use super::pages::Timespan;
use super::problem::{Problem, ProblemCode};
use super::resellers::find as find_reseller;
use super::tenants::find;
use super::{App, Page, page, shapes};
use crate::account::GRANT_MAX;
use crate::campaign::view::time;
use crate::domain::{ResellerId, TenantId};
use crate::mirror::ResellerLine;
use crate::store::TransferKind;

pub(super) fn routes() -> Routes {
    of_tenants().and(of_resellers())
}

fn of_tenants() -> Routes {
    Routes::of("tenants")
        .add(
            Documented::new((Verb::Post, "/v1/tenants/{id}/credits"), Key::Reseller, "grantCredits")
                .says(
                    "Give a tenant credits",
                    "With a reseller's key they come from its balance, all of them or none.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewCredits>(json!({ "amount": 1_000, "reference": "Facture 2026-117" }))
                .answers::<shapes::Tenant>(201, "The tenant with its credits.")
                .refuses(&[ProblemCode::InsufficientCredit]),
            grant,
        )
        .add(
            Documented::new((Verb::Post, "/v1/tenants/{id}/withdrawals"), Key::Reseller, "withdrawCredits")
                .says(
                    "Take a tenant's credits back",
                    "To its reseller, and never more than are available. A tenant without a reseller has none to give them to: 404.",
                )
                .at::<TenantId>("id", "The tenant.")
                .takes::<shapes::NewCredits>(json!({ "amount": 10, "reference": "Avoir 2026-9" }))
                .answers::<shapes::Tenant>(201, "The tenant with its credits.")
                .refuses(&[ProblemCode::InsufficientCredit]),
            withdraw,
        )
}

fn of_resellers() -> Routes {
    Routes::of("resellers")
        .add(
            Documented::new((Verb::Post, "/v1/resellers/{id}/credits"), Key::Operator, "grantResellerCredits")
                .says("Give a reseller credits", "It gives them on to its tenants.")
                .at::<ResellerId>("id", "The reseller.")
                .takes::<shapes::NewCredits>(json!({ "amount": 100_000, "reference": "Facture 2026-7" }))
                .answers::<shapes::Reseller>(201, "The reseller with its credits."),
            grant_reseller,
        )
        .add(
            Documented::new((Verb::Post, "/v1/resellers/{id}/withdrawals"), Key::Operator, "withdrawResellerCredits")
                .says("Take a reseller's credits back", "Never more than it has given to nobody.")
                .at::<ResellerId>("id", "The reseller.")
                .takes::<shapes::NewCredits>(json!({ "amount": 10, "reference": "Avoir 2026-10" }))
                .answers::<shapes::Reseller>(201, "The reseller with its credits.")
                .refuses(&[ProblemCode::InsufficientCredit]),
            withdraw_from_reseller,
        )
        .add(
            Documented::new((Verb::Get, "/v1/resellers/{id}/ledger"), Key::Reseller, "listResellerLedger")
                .says(
                    "List the movements of a reseller's credits",
                    "The newest first, to the first of all. Each that a tenant has a part in is a line of the tenant's ledger as well.",
                )
                .at::<ResellerId>("id", "The reseller; with its own key, itself.")
                .asks::<shapes::LedgerWanted>()
                .answers::<shapes::Page<shapes::ResellerMovement>>(200, "Lines of the ledger."),
            ledger,
        )
}

/// `{"amount", "reference"}` → 201 with the tenant's credits.
async fn grant(
    State(app): State<App>,
    (Managed(tenant), Manager(manager), Extension(known)): (Managed, Manager, Extension<Known>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (amount, reference) = read(&app, (&headers, body), &known).await?;
    app.accounts
        .give((manager, tenant), (amount, &reference), token)
        .await?;
    Ok((StatusCode::CREATED, Json(find(&app, tenant).await?)))
}

/// The same the other way.
async fn withdraw(
    State(app): State<App>,
    (Managed(tenant), Extension(known)): (Managed, Extension<Known>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (amount, reference) = read(&app, (&headers, body), &known).await?;
    let taken = (tenant, TransferKind::TakeBack);
    app.accounts.transfer(taken, (amount, &reference), token).await?;
    Ok((StatusCode::CREATED, Json(find(&app, tenant).await?)))
}

async fn grant_reseller(
    State(app): State<App>,
    (_, Hosting(reseller), Extension(known)): (Operator, Hosting, Extension<Known>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (amount, reference) = read(&app, (&headers, body), &known).await?;
    app.accounts
        .grant_reseller(reseller, (amount, &reference), token)
        .await?;
    Ok((StatusCode::CREATED, Json(find_reseller(&app, reseller).await?)))
}

/// The same the other way.
async fn withdraw_from_reseller(
    State(app): State<App>,
    (_, Hosting(reseller), Extension(known)): (Operator, Hosting, Extension<Known>),
    Operation(token): Operation,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Value>), Problem> {
    let (amount, reference) = read(&app, (&headers, body), &known).await?;
    app.accounts
        .withdraw_from_reseller(reseller, (amount, &reference), token)
        .await?;
    Ok((StatusCode::CREATED, Json(find_reseller(&app, reseller).await?)))
}

async fn ledger(
    State(app): State<App>,
    Hosting(reseller): Hosting,
    Timespan { paging, between }: Timespan,
) -> Result<Page, Problem> {
    app.accounts.reseller(reseller).await?;
    let asked = (between, paging.cursor()?, paging.limit);
    let lines = app.accounts.reseller_ledger(reseller, asked).await?;
    let next = lines.last().filter(|_| lines.len() == paging.limit);
    let next = next.map(|line| line.number.to_string());
    Ok(page(lines.iter().map(view).collect(), next))
}

async fn read(app: &App, given: (&HeaderMap, Body), known: &Known) -> Result<(i64, String), Problem> {
    let mut fields = Fields::read(given, app.clock, &["amount", "reference"]).await?;
    let (amount, reference) = (
        fields.whole("amount", (1, GRANT_MAX as i64)),
        fields.text_or("reference", ""),
    );
    let (Some(amount), Some(reference), true) = (amount, reference, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    known.detail("amount", amount);
    Ok((amount, reference))
}

fn view(line: &ResellerLine) -> Value {
    json!({
        "type": line.kind,
        "credits": line.credits,
        "tenant": line.tenant.map(|tenant| tenant.to_string()),
        "reference": line.reference,
        "at": time(line.at),
    })
}
