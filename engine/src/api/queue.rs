//! `GET /v1/queue` on the operators' listener: what waits, line by line.

use axum::extract::State;
use serde_json::{Value, json};

use super::problem::Problem;
use super::refusal::store_refuses;
use super::{App, Page, page};
use crate::domain::{Line, Purpose, Way};

/// `GET /v1/queue`: for whom, in which lane, behind which gate (0 is always open), how much is queued and how much is due
/// again later or waits behind another message.
pub(super) async fn list(State(app): State<App>) -> Result<Page, Problem> {
    let mut lines = app.store.census().await.map_err(|error| store_refuses(&error))?.lines;
    lines.sort_unstable_by_key(|waiting| waiting.line);
    let rows = lines.iter().map(|waiting| {
        let mut row = named(&app, waiting.line);
        row["queued"] = waiting.rows.into();
        row["deferred"] = waiting.again.into();
        row
    });
    Ok(page(rows.collect(), None))
}

/// A line by the names that operators know. A route or an SMSC that is gone has none.
fn named(app: &App, line: Line) -> Value {
    let lane = Purpose::ALL.iter().find(|purpose| purpose.lane() == line.lane);
    let (route, smsc) = match line.way {
        Way::Route(route) => (app.traffic.route_name(route), None),
        Way::Pinned(smsc) => (None, app.traffic.name(smsc)),
    };
    json!({
        "route": route,
        "smsc": smsc,
        "pinned": matches!(line.way, Way::Pinned(_)),
        "lane": lane.map(|purpose| purpose.code()),
        "gate": line.gate.0,
    })
}
