//! `/v1/receipts/parked` on the operators' listener: receipts that match no message.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::pages::Paging;
use super::problem::{Full, Problem, ProblemKind};
use super::refusal::{full, store_refuses};
use super::{App, Page, page};
use crate::campaign::view::time;
use crate::receipt::{ParkedView, ReplayFault};

/// `GET /v1/receipts/parked`: in no order; a page may be longer than its limit by what one recipient has.
pub(super) async fn list(State(app): State<App>, paging: Paging) -> Result<Page, Problem> {
    let cursor = paging.cursor::<u64>()?.unwrap_or(0);
    let listed = app.replay.list(cursor, paging.limit).await;
    let (found, next) = listed.map_err(|error| store_refuses(&error))?;
    let rows = found.iter().map(|parked| shown(&app, parked)).collect();
    Ok(page(rows, next.map(|next| next.to_string())))
}

/// `POST /v1/receipts/parked/{id}/replay` → 202: it is matched once more; found, it leaves the list.
pub(super) async fn replay(
    State(app): State<App>,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<Value>), Problem> {
    match app.replay.again(&id).await {
        Ok(()) => Ok((StatusCode::ACCEPTED, Json(json!({ "id": id })))),
        Err(ReplayFault::NotFound) => Err(ProblemKind::NotFound.into()),
        Err(ReplayFault::Busy) => Err(full(Full::Engine)),
        Err(ReplayFault::Store(error)) => Err(store_refuses(&error)),
    }
}

fn shown(app: &App, parked: &ParkedView) -> Value {
    let (source, destination, stat, err) = parked.receipt.says();
    let smsc = app.traffic.name(parked.smsc);
    json!({
        "id": parked.id,
        "smsc": smsc,
        "reason": parked.receipt.reason.label(),
        "recipient": source,
        "destination": destination,
        "smsc_message_id": parked.receipt.smsc_message_id(),
        "stat": stat,
        "err": err,
        "at": time(parked.receipt.at),
    })
}
