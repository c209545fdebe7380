//! `GET /v1/engines` on the operators' listener: which engines there are, and what each of them has alone.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use super::refusal::store_refuses;
use crate::domain::UnixMicros;
use crate::engines::Peer;

/// Those that were there first come first.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let engines = app.engines.all().await.map_err(|error| store_refuses(&error))?;
    let data: Vec<Value> = engines.iter().map(|peer| shown(&app, peer)).collect();
    Ok(Json(json!({ "data": data })))
}

fn shown(app: &App, peer: &Peer) -> Value {
    let sessions = peer.sessions.iter().map(|(smsc, count)| {
        let name = app.traffic.name(*smsc);
        json!({ "smsc": name.unwrap_or_else(|| smsc.0.to_string()), "sessions": count })
    });
    let time = |at: UnixMicros| at.timestamp().map(|time| time.to_string());
    json!({
        "id": peer.number,
        "this": peer.is_self,
        "host": peer.host,
        "pid": peer.pid,
        "version": peer.version,
        "api": peer.api,
        "admin": peer.admin,
        "since": time(peer.since),
        "seen_at": time(peer.seen_at),
        "duty": peer.has_duty,
        "sessions": sessions.collect::<Vec<Value>>(),
    })
}
