//! The ledger and the controls over HTTP. The paths and their answers are in README.md.

mod metrics;

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncWriteExt, DuplexStream, duplex};
use tokio::net::TcpListener;
use tokio_util::io::ReaderStream;
use tokio_util::task::TaskTracker;

use crate::handle::{Goals, Handle, Waited};
use crate::ledger::{Filter, Page};
use crate::scenario::Scenario;

/// A scenario with a hundred thousand exact numbers fits.
const BODY_MAX: usize = 4 << 20;

/// Rows that are written ahead of a slow reader.
const LEDGER_BUFFER: usize = 64 << 10;

/// How long one may wait for a condition in one request.
const WAIT_MAX: Duration = Duration::from_secs(600);
const WAIT_DEFAULT: Duration = Duration::from_secs(30);

const INDEX: &str = "smpp-sim: an SMSC for tests, not a carrier.

GET  /ledger            every submit, one JSON object a line (?account= ?recipient= ?from= ?limit=)
GET  /ledger/totals     counters
GET  /ledger/rates      per account, the most submits in any one-second window
GET  /wait              ?accepted=N&receipts_acked=M&timeout=30s: totals, once they are reached; 408 if not
GET  /sessions          who is bound
GET  /inbound           inbound messages and their acknowledgements
GET  /scenario          what is obeyed
GET  /metrics           Prometheus
POST /scenario          another scenario: TOML in the body, or ?name=silent
POST /inbound           {\"from\":\"33612345678\",\"to\":\"36034\",\"text\":\"STOP\",\"account\":\"campanile\"}
POST /sessions/close    drop every TCP connection
POST /sessions/unbind   unbind every session politely
POST /reset             empty the ledger
";

#[derive(Clone)]
struct Context {
    handle: Handle,
    tasks: TaskTracker,
}

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, handle: Handle, tasks: TaskTracker) {
    let stopping = handle.stopping().clone();
    let service = router(Context { handle, tasks });
    let served = axum::serve(listener, service)
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = served {
        tracing::error!(%error, "HTTP has ended");
    }
}

fn router(context: Context) -> Router {
    Router::new()
        .route("/", get(async || INDEX))
        .route("/ledger", get(ledger))
        .route(
            "/ledger/totals",
            get(async |State(context): State<Context>| Json(context.handle.totals())),
        )
        .route("/ledger/rates", get(rates))
        .route("/wait", get(wait))
        .route(
            "/sessions",
            get(async |State(context): State<Context>| Json(context.handle.sessions())),
        )
        .route("/sessions/close", post(close_sessions))
        .route("/sessions/unbind", post(unbind_sessions))
        .route("/inbound", get(inbound_messages).post(inbound))
        .route("/scenario", get(scenario).post(switch))
        .route("/metrics", get(metrics))
        .route("/reset", post(reset))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .with_state(context)
}

/// What went wrong, in one JSON object.
fn refused(status: StatusCode, error: impl ToString) -> Response {
    (status, Json(json!({ "error": error.to_string() }))).into_response()
}

async fn ledger(State(context): State<Context>, Query(filter): Query<Filter>) -> Response {
    let (reader, writer) = duplex(LEDGER_BUFFER);
    let handle = context.handle.clone();
    drop(context.tasks.spawn(async move {
        if let Err(error) = write_ledger(&handle, Page::new(filter), writer).await {
            tracing::debug!(%error, "a reader of the ledger has left");
        }
    }));
    let body = Body::from_stream(ReaderStream::new(reader));
    ([(header::CONTENT_TYPE, "application/x-ndjson")], body).into_response()
}

async fn write_ledger(handle: &Handle, mut page: Page, mut writer: DuplexStream) -> io::Result<()> {
    let mut buffer = Vec::with_capacity(LEDGER_BUFFER);
    while let Some(lines) = handle.more_lines(&mut page) {
        buffer.clear();
        for line in &lines {
            serde_json::to_writer(&mut buffer, line)?;
            buffer.push(b'\n');
        }
        tokio::select! {
            written = writer.write_all(&buffer) => written?,
            () = handle.stopping().cancelled() => return Ok(()),
        }
    }
    Ok(())
}

async fn rates(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "accounts": context.handle.rates() }))
}

async fn wait(State(context): State<Context>, Query(mut query): Query<HashMap<String, String>>) -> Response {
    let timeout = match query.remove("timeout").map(|text| humantime::parse_duration(&text)) {
        None => WAIT_DEFAULT,
        Some(Ok(timeout)) if timeout <= WAIT_MAX => timeout,
        Some(_) => return refused(StatusCode::BAD_REQUEST, "timeout: a duration like 30s, at most 10m"),
    };
    let goals: Result<Goals, _> = query
        .into_iter()
        .map(|(name, value)| value.parse().map(|value| (name, value)))
        .collect();
    let Ok(goals) = goals else {
        return refused(StatusCode::BAD_REQUEST, "a counter is to reach a whole number");
    };
    match context.handle.wait(&goals, timeout).await {
        Waited::Reached(totals) => Json(totals).into_response(),
        Waited::TimeUp(totals) => (StatusCode::REQUEST_TIMEOUT, Json(totals)).into_response(),
        Waited::NoSuchCounter(name) => refused(StatusCode::BAD_REQUEST, format!("no counter is called {name:?}")),
    }
}

async fn close_sessions(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "closed": context.handle.close_sessions() }))
}

async fn unbind_sessions(State(context): State<Context>) -> Json<Value> {
    Json(json!({ "unbinding": context.handle.unbind_sessions() }))
}

async fn inbound_messages(State(context): State<Context>) -> Response {
    Json(context.handle.inbound_messages()).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundOrder {
    from: String,
    to: String,
    text: String,
    account: Option<String>,
}

async fn inbound(State(context): State<Context>, body: String) -> Response {
    let order: InboundOrder = match serde_json::from_str(&body) {
        Ok(order) => order,
        Err(error) => return refused(StatusCode::BAD_REQUEST, error),
    };
    match context
        .handle
        .inbound((&order.from, &order.to), &order.text, order.account.as_deref())
    {
        Ok(place) => (StatusCode::ACCEPTED, Json(json!({ "place": place }))).into_response(),
        Err(error) => refused(StatusCode::CONFLICT, error),
    }
}

async fn scenario(State(context): State<Context>) -> Json<Value> {
    let scenario = context.handle.scenario();
    Json(json!({
        "name": scenario.name,
        "about": scenario.about,
        "seed": scenario.seed,
        "time_scale": scenario.time_scale,
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SwitchTo {
    name: Option<String>,
}

async fn switch(State(context): State<Context>, Query(to): Query<SwitchTo>, body: String) -> Response {
    let read = match &to.name {
        Some(name) => Scenario::named(name),
        None => Scenario::parse(&body, "scenario.toml"),
    };
    let scenario = match read {
        Ok(scenario) => scenario,
        Err(faults) => {
            let faults: Vec<_> = faults.0.iter().map(ToString::to_string).collect();
            return (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "faults": faults }))).into_response();
        }
    };
    let name = scenario.name.clone();
    match context.handle.switch(scenario) {
        Ok(()) => Json(json!({ "scenario": name })).into_response(),
        Err(error) => refused(StatusCode::CONFLICT, error),
    }
}

async fn reset(State(context): State<Context>) -> Json<Value> {
    context.handle.reset();
    Json(json!({ "reset": true }))
}

async fn metrics(State(context): State<Context>) -> Response {
    match metrics::exposition(&context.handle.totals(), context.handle.sessions().len()) {
        Ok(text) => ([(header::CONTENT_TYPE, metrics::CONTENT_TYPE)], text).into_response(),
        Err(error) => refused(StatusCode::INTERNAL_SERVER_ERROR, error),
    }
}
