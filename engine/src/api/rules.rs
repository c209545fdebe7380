//! `GET /v1/rules/check`: whether a message may go at a time, in words.

use axum::Json;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use serde_json::Value;

use super::access::Caller;
use super::doc::{Key, Operation, Routes, Verb};
use super::problem::{Problem, language_of};
use super::query::{parameters, refused};
use super::refusal::store_refuses;
use super::{App, shapes};
use crate::audience::normalise;
use crate::domain::{Country, Purpose, Recipient};
use crate::fault::FieldProblem;
use crate::hours::{Question, explain};

const PARAMETERS: [&str; 3] = ["to", "at", "purpose"];

pub(super) fn routes() -> Routes {
    Routes::of("texts and hours").add(
        Operation::new((Verb::Get, "/v1/rules/check"), Key::Tenant, "checkHours")
            .says(
                "Say whether a message may go at a time",
                "By the law or charter of the recipient's country, and of where the tenant's people are, and why.",
            )
            .asks::<shapes::HoursQuestion>()
            .answers::<shapes::HoursAnswer>(200, "Whether it may.")
            .speaks(),
        check,
    )
}

/// What is asked.
pub(super) struct Asked {
    to: Recipient,
    at: Option<String>,
    purpose: Purpose,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (mut to, mut at, mut purpose) = (None, None, Purpose::Marketing);
        for (name, value) in parameters((parts, app), &PARAMETERS).await? {
            match name {
                "to" => {
                    let number = normalise(&value, Country::FRANCE);
                    to = Some(number.map_err(|fault| refused("?to", fault.problem()))?);
                }
                "at" => at = Some(value),
                "purpose" => {
                    let allowed = &["transactional", "marketing"];
                    let unknown = || refused("?purpose", FieldProblem::UnknownValue { allowed });
                    purpose = value.parse().map_err(|_| unknown())?;
                }
                _ => {}
            }
        }
        let to = to.ok_or_else(|| refused("?to", FieldProblem::Missing))?;
        Ok(Self { to, at, purpose })
    }
}

/// `GET /v1/rules/check?to=+33…&at=2026-07-14T10:00&purpose=marketing`. Without `at`: now; without `purpose`: marketing.
pub(super) async fn check(
    State(app): State<App>,
    Caller(tenant): Caller,
    asked: Asked,
    headers: HeaderMap,
) -> Result<Json<Value>, Problem> {
    let now = app.clock.unix().timestamp().unwrap_or_default();
    let question = Question {
        to: asked.to,
        territory: app
            .campaigns
            .territory_of(tenant)
            .await
            .map_err(|error| store_refuses(&error))?,
        purpose: asked.purpose,
        at: asked.at.as_deref(),
    };
    let gates = app.campaigns.gates();
    let said = explain(&gates.rules(), question, now, language_of(&headers));
    let wrong = || refused("?at", FieldProblem::InvalidTime);
    said.map(Json).ok_or_else(wrong)
}
