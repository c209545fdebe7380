//! `/v1/smscs` and `/v1/routes` on the operators' listener: who is given what, and who is given nothing for a while.

use axum::Json;
use axum::extract::{Path, State};
use serde_json::{Value, json};

use super::App;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;

/// `GET /v1/smscs`: how each stands.
pub(super) async fn list(State(app): State<App>) -> Json<Value> {
    Json(json!({ "data": app.traffic.smscs() }))
}

/// `GET /v1/routes`: who serves each, and whose turn it is.
pub(super) async fn routes(State(app): State<App>) -> Json<Value> {
    Json(json!({ "data": app.traffic.routes() }))
}

/// `POST /v1/smscs/{name}/suspend`: nothing more is submitted to it until it is resumed, whoever restarts. Its sessions
/// stay bound: answers and receipts of what was sent still come, and what is queued goes to the others of its routes.
pub(super) async fn suspend(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    set(&app, &name, true).await
}

/// `POST /v1/smscs/{name}/resume`.
pub(super) async fn resume(State(app): State<App>, Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    set(&app, &name, false).await
}

async fn set(app: &App, name: &str, suspended: bool) -> Result<Json<Value>, Problem> {
    let known = app.traffic.suspend(name, suspended).await;
    if !known.map_err(|error| store_refuses(&error))? {
        return Err(ProblemKind::NotFound.into());
    }
    let status = app.traffic.smscs().into_iter().find(|status| status.name == name);
    Ok(Json(json!(status)))
}
