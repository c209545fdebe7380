//! `/v1/opt_outs`: who wants no messages of a tenant any more, as the tenant keeps it itself.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::pages::Paging;
use super::problem::Problem;
use super::suppressions::{BODY_MAX, numbers, purposes};
use super::{App, Page, page, shapes};
use crate::campaign::view::time;
use crate::domain::{Purpose, Recipient};
use crate::mirror::KeptOptOut;

pub(super) fn routes() -> Routes {
    let all = "/v1/opt_outs";
    Routes::of("consents")
        .add(
            Operation::new((Verb::Get, all), Key::Tenant, "listOptOuts")
                .says(
                    "List who wants no messages any more",
                    "By number, some seconds behind. Whoever was erased is not among them, and gets no advertising either until they agree again.",
                )
                .asks::<shapes::Paging>()
                .answers::<shapes::Page<shapes::OptOut>>(200, "A page of them."),
            list,
        )
        .add(
            Operation::new((Verb::Post, all), Key::Tenant, "addOptOuts")
                .says(
                    "Keep that people want no messages any more",
                    "As a STOP of theirs: what is queued for them ends.",
                )
                .takes::<shapes::NewOptOuts>(json!({ "numbers": ["+33612345678"] }))
                .answers::<shapes::OptOutsAdded>(200, "How many were not known before."),
            add,
        )
        .add(
            Operation::new((Verb::Post, "/v1/opt_outs/lift"), Key::Tenant, "liftOptOuts")
                .says(
                    "Have people get messages again who have asked for that",
                    "Who has withdrawn a consent, and who was erased, stays among them until they agree again.",
                )
                .takes::<shapes::NewOptOuts>(json!({ "numbers": ["+33612345678"] }))
                .answers::<shapes::OptOutsLifted>(200, "How many that ends."),
            lift,
        )
}

async fn list(State(app): State<App>, Caller(tenant): Caller, paging: Paging) -> Result<Page, Problem> {
    let all = app.mirror.opt_outs(tenant, paging.cursor()?, paging.limit).await?;
    let next = all.last().filter(|_| all.len() == paging.limit);
    let next = next.map(|last| last.place.to_string());
    Ok(page(all.iter().map(view).collect(), next))
}

async fn add(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let (numbers, purposes) = read(&app, (&headers, body)).await?;
    let added = app.mirror.opt_out(Some(tenant), purposes, &numbers).await?;
    Ok(Json(json!({ "added": added })))
}

async fn lift(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let (numbers, purposes) = read(&app, (&headers, body)).await?;
    let lifted = app.mirror.lift(tenant, purposes, &numbers).await?;
    Ok(Json(json!({ "lifted": lifted.lifted, "erased": lifted.erased })))
}

/// `{"numbers": ["06…"], "purpose": "marketing"}`
async fn read(app: &App, given: (&HeaderMap, Body)) -> Result<(Vec<Recipient>, &'static [Purpose]), Problem> {
    let known = ["numbers", "purpose"];
    let mut fields = Fields::read_long(given, (app.clock, BODY_MAX), &known).await?;
    let numbers = numbers(&mut fields, "numbers");
    let purposes = purposes(&mut fields);
    match purposes.filter(|_| fields.is_sound()) {
        Some(purposes) => Ok((numbers, purposes)),
        None => Err(fields.refusal()),
    }
}

fn view(kept: &KeptOptOut) -> Value {
    json!({
        "number": kept.place.recipient.to_string(),
        "purpose": kept.place.purpose.code(),
        "because": if kept.is_withdrawal { "withdrawal" } else { "said" },
        "since": time(kept.since),
    })
}
