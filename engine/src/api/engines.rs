//! `GET /v1/engines` on the operators' listener: which engines there are, and what each of them has alone.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use super::refusal::store_refuses;
use crate::domain::{SmscId, UnixMicros};
use crate::engines::Peer;

/// Those that were there first come first.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let engines = app.engines.all().await.map_err(|error| store_refuses(&error))?;
    let data: Vec<Value> = engines.iter().map(|peer| shown(&app, peer)).collect();
    Ok(Json(json!({ "data": data })))
}

fn shown(app: &App, peer: &Peer) -> Value {
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
        "differs_in": peer.differs_in,
        "sessions": sessions(app, peer),
    })
}

/// The SMSCs that an engine has sessions of, or something under way for.
fn sessions(app: &App, peer: &Peer) -> Vec<Value> {
    let name = |smsc: SmscId| app.traffic.name(smsc).unwrap_or_else(|| smsc.0.to_string());
    let seats: BTreeMap<String, u32> = peer
        .sessions
        .iter()
        .map(|(smsc, count)| (name(*smsc), *count))
        .collect();
    let feeds = peer.feeds.iter().filter(|fed| fed.bound + fed.in_flight > 0);
    let names: BTreeSet<&String> = seats.keys().chain(feeds.map(|fed| &fed.smsc)).collect();
    let one = |name: &String| {
        let fed = peer.feeds.iter().find(|fed| fed.smsc == *name);
        json!({
            "smsc": name,
            "sessions": seats.get(name).unwrap_or(&0),
            "bound": fed.map(|fed| fed.bound),
            "in_flight": fed.map(|fed| fed.in_flight),
        })
    };
    names.into_iter().map(one).collect()
}
