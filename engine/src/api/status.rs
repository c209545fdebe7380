//! `GET /v1/status` on the operators' listener: everything at a glance.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::admin::everything;
use crate::domain::Status;
use crate::store::InLine;
use crate::traffic::SmscStatus;

/// `GET /v1/status`. What Redis does not tell now is `null`: this page is for the day on which something is wrong.
pub(super) async fn show(State(app): State<App>) -> Json<Value> {
    let backlog = app.store.census().await.ok().map(|census| {
        let sum = |of: fn(&InLine) -> u64| census.lines.iter().map(of).sum::<u64>();
        json!({ "queued": sum(|waiting| waiting.rows), "deferred": sum(|waiting| waiting.again) })
    });
    let now = app.clock.now();
    let mut shown = everything(&app.verdict.standing());
    shown["version"] = env!("CARGO_PKG_VERSION").into();
    shown["uptime_seconds"] = (now - app.started).as_secs().into();
    shown["backlog"] = json!(backlog);
    shown["settling"] = json!({ "behind_seconds": app.pressure.behind(now).as_secs_f64() });
    shown["receipts_parked"] = json!(app.store.parked_count().await.ok());
    shown["smscs"] = app.traffic.smscs().iter().map(|smsc| of_one(&app, smsc)).collect();
    Json(shown)
}

/// How an SMSC stands, with its binds, and what it was given since the start.
fn of_one(app: &App, smsc: &SmscStatus) -> Value {
    let binds: Vec<_> = app
        .board
        .all()
        .into_iter()
        .filter(|bind| bind.smsc == smsc.name)
        .collect();
    let bound = binds.iter().filter(|bind| bind.state == "bound").count();
    let error = binds
        .iter()
        .map(|bind| bind.last_error.as_str())
        .find(|error| !error.is_empty());
    let counts = app.metrics.smsc(&smsc.name);
    let statuses: serde_json::Map<String, Value> = Status::ALL
        .iter()
        .map(|status| (status.code().to_owned(), counts.count(*status).into()))
        .collect();
    let mut shown = json!(smsc);
    shown["binds"] = json!({ "bound": bound, "configured": binds.len(), "last_error": error });
    shown["submitted"] = counts.submitted_ok.get().into();
    shown["statuses"] = statuses.into();
    shown
}
