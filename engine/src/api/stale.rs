//! `GET /v1/contacts/stale`: contacts and consents that have become old.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use serde_json::{Value, json};

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::problem::Problem;
use super::query::{parameters, refused};
use super::refusal::database_refuses;
use super::{App, shapes};
use crate::domain::TenantId;
use crate::fault::FieldProblem;
use crate::people::Filter;

/// After three years without news, the CNIL has a prospect asked again or forgotten.
const MONTHS_DEFAULT: u32 = 36;
const MONTHS: (u32, u32) = (1, 1_200);

pub(super) fn routes() -> Routes {
    Routes::of("contacts").add(
        Operation::new((Verb::Get, "/v1/contacts/stale"), Key::Tenant, "countStale")
            .says(
                "Count contacts and consents that have become old",
                "With the filters that mean them. Nothing is deleted.",
            )
            .asks::<shapes::StaleAsked>()
            .answers::<shapes::Stale>(200, "How many they are."),
        show,
    )
}

/// `?months=…`.
pub(super) struct Months(u32);

impl FromRequestParts<App> for Months {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (min, max) = MONTHS;
        let mut months = MONTHS_DEFAULT;
        for (_, value) in parameters((parts, app), &["months"]).await? {
            let given = value.parse().ok().filter(|given| (min..=max).contains(given));
            let (min, max) = (min.into(), max.into());
            months = given.ok_or_else(|| refused("?months", FieldProblem::OutOfRange { min, max }))?;
        }
        Ok(Self(months))
    }
}

pub(super) async fn show(
    State(app): State<App>,
    Caller(tenant): Caller,
    Months(months): Months,
) -> Result<Json<Value>, Problem> {
    let since = format!("-{months} months");
    let contacts = json!({ "all": [
        { "field": "updated", "before": since },
        { "not": { "field": "last_visit", "from": since } },
        { "not": { "field": "consented", "from": since } },
        { "not": { "field": "replied_at", "from": since } },
        { "not": { "field": "clicked_at", "from": since } },
    ] });
    let consents = json!({ "field": "consented", "before": since });
    Ok(Json(json!({
        "months": months,
        "contacts": counted(&app, tenant, contacts).await?,
        "consents": counted(&app, tenant, consents).await?,
    })))
}

async fn counted(app: &App, tenant: TenantId, filter: Value) -> Result<Value, Problem> {
    let read = Filter::read(&filter, "/filter").map_err(Problem::of_fields)?;
    let count = app.people.count(tenant, &read).await;
    let count = count.map_err(|error| database_refuses(&error))?;
    Ok(json!({ "count": count, "filter": filter }))
}
