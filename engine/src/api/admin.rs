//! What operators and their machines ask, on a listener of its own.

use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::{Value, json};

use super::App;
use super::known::Known;
use super::problem::{Cause, Problem, ProblemKind};
use super::refusal::{STORE_AWAY, database_refuses, store_refuses};
use crate::reload::ReloadFault;

/// Prometheus' text format.
const EXPOSITION: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `GET /livez`: the process answers. `GET /startupz`: it has started, without which it listens nowhere.
pub(super) async fn live() -> &'static str {
    "ok\n"
}

/// What may stand behind `/readyz?`.
#[derive(Deserialize)]
pub(super) struct How {
    /// `1`: everything that was looked at.
    verbose: Option<u8>,
}

/// `GET /readyz`: requests can be served, and nothing stops messages. Binds do not count: a carrier that is away takes no
/// API away.
pub(super) async fn ready(State(app): State<App>, Query(how): Query<How>) -> Result<Response, Problem> {
    let reasons = reasons(&app);
    if how.verbose.is_some_and(|verbose| verbose != 0) {
        let status = if reasons.is_empty() {
            StatusCode::OK
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        return Ok((status, Json(everything(&app))).into_response());
    }
    if !reasons.is_empty() {
        let sentences: Vec<String> = reasons.into_iter().map(|(_, sentence)| sentence).collect();
        return Err(ProblemKind::NotReady {
            reasons: sentences.join(". "),
        }
        .into());
    }
    app.store.ping().await.map_err(|error| store_refuses(&error))?;
    Ok("ok\n".into_response())
}

/// Why it is not ready, each as a code and a sentence.
fn reasons(app: &App) -> Vec<(&'static str, String)> {
    let stopping = app.stopping.is_cancelled();
    let stopping = stopping.then(|| (Cause::Stopping.code(), "the engine is stopping".to_owned()));
    let guarded = app.verdict.standing().reasons;
    let guarded = guarded.iter().map(|reason| (reason.code(), reason.to_string()));
    stopping.into_iter().chain(guarded).collect()
}

/// What was looked at, and what it shows.
pub(super) fn everything(app: &App) -> Value {
    let (standing, reasons) = (app.verdict.standing(), reasons(app));
    let allowed: Vec<String> = standing.loss_allowed.iter().map(ToString::to_string).collect();
    json!({
        "ready": reasons.is_empty(),
        "reasons": reasons.iter().map(|(code, sentence)| json!({ "code": code, "detail": sentence })).collect::<Vec<_>>(),
        "redis_loss_allowed": allowed,
        "clocks": {
            "server_step_seconds": standing.server_step_us as f64 / 1e6,
            "host_step_seconds": standing.wall_step_us as f64 / 1e6,
            "expiries_allowed": standing.expiries_allowed,
        },
    })
}

/// `GET /metrics`.
pub(super) async fn metrics(State(app): State<App>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, EXPOSITION)], app.metrics.exposition())
}

/// `POST /v1/reload`: the configuration is read again, as by SIGHUP. All of it holds then; or it is refused whole, and nothing
/// has changed.
pub(super) async fn reload(State(app): State<App>, Extension(known): Extension<Known>) -> Result<Json<Value>, Problem> {
    let refused = |why: String| Problem::from(ProblemKind::ReloadRefused { why });
    match app.reloads.ask().await {
        Ok(changes) => {
            let changes = json!(changes);
            known.detail("changes", changes.clone());
            Ok(Json(changes))
        }
        Err(fault @ (ReloadFault::Invalid(_) | ReloadFault::NeedsRestart(_) | ReloadFault::Guarded(_))) => {
            Err(refused(fault.to_string()))
        }
        Err(ReloadFault::Store(error)) => Err(store_refuses(&error)),
        Err(ReloadFault::Database(error)) => Err(database_refuses(&error)),
        Err(fault @ ReloadFault::Table(_)) => {
            tracing::error!(%fault, "the configuration does not hold");
            Err(ProblemKind::Internal.into())
        }
        Err(ReloadFault::Stopping) => Err(ProblemKind::Unavailable {
            cause: Cause::Stopping,
            retry_after: STORE_AWAY,
        }
        .into()),
    }
}

/// `GET /v1/binds`: how each stands.
pub(super) async fn binds(State(app): State<App>) -> Json<Value> {
    Json(json!({ "data": app.board.all() }))
}
