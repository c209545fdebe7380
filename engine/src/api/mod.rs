//! HTTP: tenants and the operator ask here; the only module that knows axum.

mod access;
mod admin;
mod body;
mod campaigns;
mod client;
mod consents;
mod contacts;
mod fields;
mod gate;
mod guesses;
mod held;
mod idempotent;
mod inbound;
mod keys;
mod known;
mod lists;
mod lives;
mod log_filter;
mod messages;
mod operators;
mod pages;
mod parked;
mod places;
pub(crate) mod problem;
mod query;
mod queue;
mod refusal;
mod report;
mod requests;
mod rules;
mod schedule;
mod secured;
mod server;
mod shares;
mod smscs;
mod status;
mod suppressions;
mod tenants;
mod terms;
mod text;
mod timed;
mod trace;
mod webhooks;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio_util::task::TaskTracker;

use crate::account::Accounts;
use crate::audit::AuditLog;
use crate::bind::{Board, Traces};
use crate::campaign::Campaigns;
use crate::clock::Clock;
use crate::config;
use crate::guard::Verdict;
use crate::inbound::Inbox;
use crate::logs::Logs;
use crate::message_log::MessageLog;
use crate::metrics::Metrics;
use crate::otel::Tracer;
use crate::people::People;
use crate::pressure::Pressure;
use crate::receipt::Replay;
use crate::reload::Reloads;
use crate::store::Store;
use crate::traffic::Traffic;
use crate::waiting::Waiting;
use crate::webhooks::Webhooks;

pub(crate) use guesses::Guesses;
use problem::{Problem, ProblemKind};
use requests::Listener;
pub(crate) use secured::Secured;
pub(crate) use server::{Listeners, serve};
pub(crate) use shares::Shares;

/// What the routes need of the engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) accounts: Arc<Accounts>,
    /// Campaigns and messages.
    pub(crate) campaigns: Campaigns,
    /// Contacts, lists, segments.
    pub(crate) people: People,
    /// Asked whether it is there.
    pub(crate) store: Store,
    /// Parked receipts.
    pub(crate) replay: Replay,
    /// Where it is asked that the configuration be read again.
    pub(crate) reloads: Reloads,
    /// Counted and shown.
    pub(crate) metrics: Metrics,
    /// What the log says.
    pub(crate) logs: Logs,
    /// Where acts of administration are noted.
    pub(crate) audit: AuditLog,
    /// What happened to messages.
    pub(crate) message_log: MessageLog,
    /// Where tenants are told of what happens.
    pub(crate) webhooks: Webhooks,
    /// What traces requests.
    pub(crate) tracer: Tracer,
    /// How the binds stand.
    pub(crate) board: Board,
    /// What goes and comes on them.
    pub(crate) traces: Traces,
    /// What people have written.
    pub(crate) inbox: Inbox,
    /// Which SMSC is given what.
    pub(crate) traffic: Traffic,
    /// How far settling is behind.
    pub(crate) pressure: Pressure,
    /// When requests were first taken.
    pub(crate) started: Instant,
    /// Why messages are not sent.
    pub(crate) waiting: Waiting,
    pub(crate) clock: Clock,
    /// What the state of Redis allows.
    pub(crate) verdict: Verdict,
    /// Who has shown which wrong keys.
    pub(crate) guesses: Guesses,
    /// What callers may have at once.
    pub(crate) shares: Shares,
    /// The longest body, and how many may be connected.
    pub(crate) limits: Arc<config::Api>,
    /// Owns what is carried out to its end though its caller may hang up.
    pub(crate) operations: TaskTracker,
}

/// The routes of resellers and tenants.
fn public(app: App) -> Router {
    let routes = Router::new()
        .route("/v1/tenants", post(tenants::create))
        .route("/v1/tenants/{id}", get(tenants::show).patch(tenants::change))
        .route("/v1/tenants/{id}/credits", post(tenants::grant))
        .route("/v1/tenants/{id}/keys", post(keys::add).get(keys::list))
        .route("/v1/tenants/{id}/keys/{key}/revoke", post(keys::revoke))
        .route("/v1/tenant", get(tenants::own))
        .route("/v1/ledger", get(tenants::ledger))
        .route("/v1/campaigns", post(campaigns::create).get(campaigns::list))
        .route("/v1/campaigns/{id}", get(campaigns::show))
        .route("/v1/campaigns/{id}/recipients", get(campaigns::recipients))
        .route("/v1/campaigns/{id}/rejected", get(campaigns::rejected))
        .route("/v1/campaigns/{id}/report", get(report::show))
        .route("/v1/campaigns/{id}/estimate", post(campaigns::estimate))
        .route("/v1/campaigns/{id}/launch", post(campaigns::launch))
        .route("/v1/campaigns/{id}/schedule", post(schedule::schedule))
        .route("/v1/campaigns/{id}/pause", post(campaigns::pause))
        .route("/v1/campaigns/{id}/resume", post(campaigns::resume))
        .route("/v1/campaigns/{id}/cancel", post(campaigns::cancel))
        .route("/v1/contacts", post(contacts::upsert).get(contacts::list))
        .route("/v1/contacts/search", post(contacts::search))
        .route("/v1/contacts/{id}", get(contacts::show).delete(contacts::forget))
        .route("/v1/contacts/{id}/consents", get(consents::of_contact))
        .route("/v1/contacts/{id}/consents/withdraw", post(consents::withdraw))
        .route("/v1/consents", post(consents::give).get(consents::list))
        .route("/v1/lists", post(lists::create).get(lists::list))
        .route("/v1/lists/{id}", get(lists::show).delete(lists::forget))
        .route("/v1/lists/{id}/members", post(lists::members))
        .route("/v1/segments", post(lists::keep_segment).get(lists::segments))
        .route("/v1/segments/{id}", get(lists::segment).delete(lists::forget_segment))
        .route("/v1/inbound", get(inbound::own))
        .route("/v1/messages", post(messages::send))
        .route("/v1/rules/check", get(rules::check))
        .route("/v1/text/analyze", post(text::analyze))
        .route("/v1/messages/{id}", get(messages::show))
        .route("/v1/webhooks", post(webhooks::create).get(webhooks::list))
        .route(
            "/v1/webhooks/{id}",
            get(webhooks::show).patch(webhooks::change).delete(webhooks::remove),
        )
        .route("/v1/webhooks/{id}/rotate", post(webhooks::rotate))
        .route("/v1/webhooks/{id}/test", post(webhooks::test))
        .route("/v1/webhooks/{id}/deliveries", get(webhooks::deliveries))
        .route("/v1/webhooks/{id}/deliveries/{delivery}/replay", post(webhooks::replay))
        .route_layer(middleware::from_fn_with_state(app.clone(), idempotent::once))
        .route_layer(middleware::from_fn_with_state(app.clone(), shares::admit))
        .layer(middleware::from_fn_with_state(app.clone(), gate::ask));
    finish(routes, (app, Listener::Public))
}

/// The routes of operators and their machines.
fn admin(app: App) -> Router {
    let keyed = Router::new()
        .route("/v1/tenants", get(operators::tenants))
        .route("/v1/campaigns", get(operators::campaigns))
        .route("/v1/campaigns/{id}", get(operators::campaign))
        .route("/v1/campaigns/{id}/pause", post(operators::pause))
        .route("/v1/campaigns/{id}/resume", post(operators::resume))
        .route("/v1/campaigns/{id}/cancel", post(operators::cancel))
        .route("/v1/messages", get(lives::find))
        .route_layer(middleware::from_fn_with_state(app.clone(), access::look_up_first))
        .route_layer(middleware::from_fn_with_state(app.clone(), gate::ask));
    let routes = Router::new()
        .merge(keyed)
        .route("/livez", get(admin::live))
        .route("/readyz", get(admin::ready))
        .route("/metrics", get(admin::metrics))
        .route("/v1/binds", get(admin::binds))
        .route("/v1/inbound", get(inbound::nobodys))
        .route("/v1/log-filter", get(log_filter::show).put(log_filter::set))
        .route("/v1/reload", post(admin::reload))
        .route("/v1/queue", get(queue::list))
        .route("/v1/routes", get(smscs::routes))
        .route("/v1/smscs", get(smscs::list))
        .route("/v1/smscs/{name}/suspend", post(smscs::suspend))
        .route("/v1/smscs/{name}/resume", post(smscs::resume))
        .route("/v1/smscs/{name}/rate", post(smscs::rate))
        .route("/v1/smscs/{name}/trace", get(trace::follow))
        .route("/v1/status", get(status::show))
        .route("/v1/suppressions", post(suppressions::add))
        .route("/v1/receipts/parked", get(parked::list))
        .route("/v1/receipts/parked/{id}/replay", post(parked::replay));
    finish(routes, (app, Listener::Admin))
}

/// What all routes have: a span, refusals as problems in the caller's language, and metrics.
fn finish(routes: Router<App>, (app, listener): (App, Listener)) -> Router {
    routes
        .fallback(async || Problem::from(ProblemKind::NotFound))
        .method_not_allowed_fallback(async || Problem::from(ProblemKind::MethodNotAllowed))
        .layer(middleware::from_fn_with_state(
            (app.clone(), listener),
            requests::follow,
        ))
        .layer(middleware::from_fn(problem::localise))
        .layer(middleware::from_fn_with_state(app.clone(), measure))
        .with_state(app)
}

/// Counts requests by route, method and code: all three from closed lists.
async fn measure(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = known_method(request.method());
    let before = app.clock.now();
    let response = next.run(request).await;
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    app.metrics
        .http_requests_total
        .with_label_values(&[route, method, response.status().as_str()])
        .inc();
    let took = app.clock.now() - before;
    app.metrics
        .http_request_duration_seconds
        .with_label_values(&[route])
        .observe(took.as_secs_f64());
    response
}

/// Callers may invent methods; labels may not.
fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}

/// A page of a list.
fn page(rows: Vec<Value>, next: Option<String>) -> Json<Value> {
    Json(json!({ "data": rows, "next_cursor": next }))
}
