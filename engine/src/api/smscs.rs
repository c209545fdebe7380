//! `/v1/smscs` and `/v1/routes` on the operators' listener: who is given what, and who is given nothing for a while.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde_json::{Value, json};

use super::App;
use super::fields::Fields;
use super::known::Known;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use super::status::{AllEngines, with_binds};
use crate::config::Rate;
use crate::fault::FieldProblem;
use crate::traffic::SpeedFault;

/// The word for a rate that is what the configuration says.
const CONFIGURED: &str = "configured";

/// How a rate is written.
const RATES: [&str; 4] = [CONFIGURED, "1/s … 1000000/s", "1/min … 1000000/min", "1/h … 1000000/h"];

/// `GET /v1/smscs`: how each stands.
pub(super) async fn list(State(app): State<App>) -> Json<Value> {
    let engines = AllEngines::ask(&app).await;
    let smscs = app.traffic.smscs();
    let shown: Vec<Value> = smscs.iter().map(|smsc| with_binds((&app, &engines), smsc)).collect();
    Json(json!({ "data": shown }))
}

/// `GET /v1/routes`: who serves each, and whose turn it is.
pub(super) async fn routes(State(app): State<App>) -> Json<Value> {
    Json(json!({ "data": app.traffic.routes() }))
}

/// `POST /v1/smscs/{name}/suspend`: nothing more is submitted to it until it is resumed, whoever restarts. Its sessions
/// stay bound: answers and receipts of what was sent still come, and what is queued goes to the others of its routes.
pub(super) async fn suspend(
    State(app): State<App>,
    Extension(known): Extension<Known>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    set((&app, &known), &name, true).await
}

/// `POST /v1/smscs/{name}/resume`.
pub(super) async fn resume(
    State(app): State<App>,
    Extension(known): Extension<Known>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Problem> {
    set((&app, &known), &name, false).await
}

/// `POST /v1/smscs/{name}/rate`, `{"rate": "50/s"}`: it is given no more than that, by any engine, whoever restarts; `"configured"`: as much
/// as the configuration says.
pub(super) async fn rate(
    State(app): State<App>,
    Extension(known): Extension<Known>,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Value>, Problem> {
    let mut fields = Fields::read((&headers, body), app.clock, &["rate"]).await?;
    let text = fields.text("rate").filter(|_| fields.is_sound());
    let Some(text) = text else {
        return Err(fields.refusal());
    };
    let wanted = match text.as_str() {
        CONFIGURED => Some(None),
        text => Rate::parse(text).map(Some),
    };
    let Some(wanted) = wanted else {
        fields.refuse("/rate".to_owned(), FieldProblem::UnknownValue { allowed: &RATES });
        return Err(fields.refusal());
    };
    match app.traffic.set_rate(&name, wanted).await {
        Ok(()) => {
            known.object(&name);
            known.detail("rate", text);
            Ok(shown(&app, &name).await)
        }
        Err(SpeedFault::NotFound) => Err(ProblemKind::NotFound.into()),
        Err(SpeedFault::Store(error)) => Err(store_refuses(&error)),
        Err(SpeedFault::NeverFed) => {
            fields.refuse("/rate".to_owned(), FieldProblem::ReceiverOnly);
            Err(fields.refusal())
        }
        Err(SpeedFault::Above(most)) => {
            let max = most as i64;
            fields.refuse("/rate".to_owned(), FieldProblem::OutOfRange { min: 1, max });
            Err(fields.refusal())
        }
    }
}

async fn set((app, known): (&App, &Known), name: &str, suspended: bool) -> Result<Json<Value>, Problem> {
    let is_there = app.traffic.suspend(name, suspended).await;
    if !is_there.map_err(|error| store_refuses(&error))? {
        return Err(ProblemKind::NotFound.into());
    }
    known.object(name);
    Ok(shown(app, name).await)
}

async fn shown(app: &App, name: &str) -> Json<Value> {
    let engines = AllEngines::ask(app).await;
    let status = app.traffic.smscs().into_iter().find(|status| status.name == name);
    Json(status.map_or(Value::Null, |status| with_binds((app, &engines), &status)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::RATE_MAX;

    #[test]
    fn what_is_allowed_is_said_with_its_bounds() {
        for allowed in &RATES[1..] {
            let (least, most) = allowed.split_once(" … ").unwrap();
            assert!(Rate::parse(least).is_some() && Rate::parse(most).is_some(), "{allowed}");
            assert!(most.starts_with(&format!("{RATE_MAX}/")), "{allowed}");
        }
    }
}
