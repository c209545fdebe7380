//! `GET /v1/balance` and `PATCH /v1/tenant`: what a tenant has left, and when it wants to know that little is.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::HeaderMap;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::fields::Fields;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use super::terms::{ALERTS, balance_alerts};
use super::{App, shapes, tenants};
use crate::domain::TermChanges;
use crate::fault::FieldProblem;

pub(super) fn routes() -> Routes {
    Routes::of("tenants")
        .add(
            Operation::new((Verb::Get, "/v1/balance"), Key::Tenant, "getBalance")
                .says("Show what one has left", "")
                .answers::<shapes::Balance>(200, "The balance, and its thresholds."),
            show,
        )
        .add(
            Operation::new((Verb::Patch, "/v1/tenant"), Key::Tenant, "changeOwnTenant")
                .says(
                    "Change what a tenant decides on itself",
                    "The webhook `balance.low` is told when the available credits come below a threshold, once, and again only when they were \
                     at or above it in between.",
                )
                .takes::<shapes::OwnChanges>(json!({ "balance_alerts": [1_000, 100] }))
                .answers::<shapes::Tenant>(200, "The tenant as it is now."),
            change,
        )
}

async fn show(State(app): State<App>, Caller(tenant): Caller) -> Result<Json<Value>, Problem> {
    let tenant = app.accounts.tenant(tenant).await;
    let tenant = tenant.map_err(|error| store_refuses(&error))?;
    let tenant = tenant.ok_or(ProblemKind::NotFound)?;
    let available = tenant.credits.available;
    let alert = |threshold: &u64| json!({ "threshold": threshold, "is_low": available < *threshold });
    let mut shown = tenants::credits(&tenant.credits);
    shown["alerts"] = tenant.terms.balance_alerts.iter().map(alert).collect();
    Ok(Json(shown))
}

async fn change(
    State(app): State<App>,
    Caller(tenant): Caller,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &[ALERTS]).await?;
    if !fields.has(ALERTS) {
        fields.refuse(String::new(), FieldProblem::Empty);
    }
    let alerts = fields.if_given(ALERTS, |fields, _| balance_alerts(fields));
    let (Some(balance_alerts), true) = (alerts, fields.is_sound()) else {
        return Err(fields.refusal());
    };
    let changes = TermChanges {
        balance_alerts,
        ..TermChanges::default()
    };
    app.accounts.change_terms(tenant, changes).await?;
    tenants::find(&app, tenant).await.map(Json)
}
