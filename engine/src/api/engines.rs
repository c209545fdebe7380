//! `GET /v1/engines` on the operators' listener: which engines there are, and what each of them has alone.

use std::collections::{BTreeMap, BTreeSet};

use axum::Json;
use axum::extract::State;
use rustc_hash::FxHashMap;
use serde_json::{Value, json};

use super::App;
use super::problem::Problem;
use super::refusal::store_refuses;
use crate::domain::{SmscId, UnixMicros};
use crate::engines::Peer;

/// Those that were there first come first.
pub(super) async fn list(State(app): State<App>) -> Result<Json<Value>, Problem> {
    let found = tokio::try_join!(app.engines.all(), app.store.smsc_names());
    let (engines, names) = found.map_err(|error| store_refuses(&error))?;
    let data: Vec<Value> = engines.iter().map(|peer| shown(&names, peer)).collect();
    Ok(Json(json!({ "data": data })))
}

fn shown(names: &FxHashMap<SmscId, String>, peer: &Peer) -> Value {
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
        "silent": peer.is_silent,
        "duty": peer.has_duty,
        "differs_in": peer.differs_in,
        "sessions": sessions(names, peer),
    })
}

/// The SMSCs that an engine has sessions of, or something under way for.
fn sessions(names: &FxHashMap<SmscId, String>, peer: &Peer) -> Vec<Value> {
    let name = |smsc: SmscId| names.get(&smsc).cloned().unwrap_or_else(|| smsc.0.to_string());
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
