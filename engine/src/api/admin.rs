//! What operators and their machines ask, on a listener of its own.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use super::refusal::store_refuses;

/// Prometheus' text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /livez`: the process answers.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: requests can be served. Binds do not count: a carrier that is away takes no API away.
pub(super) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    app.store.ping().await.map_err(|error| store_refuses(&error))?;
    Ok("ok\n")
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, EXPOSITION)], app.metrics.exposition())
}

/// `GET /v1/binds`: how each stands.
pub(super) async fn binds(State(app): State<App>) -> Json<Value> {
    Json(json!({ "data": app.board.all() }))
}
