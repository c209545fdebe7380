//! HTTP: tenants and the operator ask here; the only module that knows axum.

mod access;
mod admin;
mod agenda;
mod attachment;
mod auto_replies;
mod automations;
mod balance;
mod body;
mod campaign_rate;
mod campaigns;
mod cleaning;
mod codes;
mod client;
mod consent_forms;
mod consents;
mod conversations;
mod copies;
mod contacts;
mod credit_prices;
mod credits;
mod doc;
mod engines;
mod erasure;
mod edits;
mod etags;
mod events;
mod exports;
mod flagged;
mod fields;
mod foreign;
mod form;
mod gate;
mod guesses;
mod guests;
mod history;
mod held;
mod idempotent;
mod imports;
mod inbound;
mod json;
mod keys;
mod known;
mod left_out;
mod links;
mod lists;
mod lives;
mod lost_holds;
mod log_filter;
mod margin;
mod messages;
mod numbers;
mod offers;
mod opt_outs;
mod operators;
mod pages;
mod parked;
mod places;
pub(crate) mod problem;
mod query;
mod queue;
mod reader;
mod recipients;
mod refusal;
mod reminder_plans;
mod reply_settings;
mod reply_statistics;
mod report;
mod resellers;
mod rights;
mod requests;
mod rules;
mod schedule;
mod secured;
mod senders;
mod server;
mod shapes;
mod shares;
mod slot_settings;
mod smscs;
mod stale;
mod statements;
mod statistics;
mod status;
mod submissions;
mod suppressions;
mod surveys;
mod suspension;
mod templates;
mod tenants;
mod terms;
mod text;
mod timed;
mod trials;
mod trace;
mod unmatched;
mod unread;
mod waiting_list;
mod webhooks;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use jiff::tz::TimeZone;
use prometheus::IntGauge;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::Accounts;
use crate::agenda::Agenda;
use crate::audit::AuditLog;
use crate::automation::Automations;
use crate::bind::{Board, Traces};
use crate::campaign::Campaigns;
use crate::clock::Clock;
use crate::config;
use crate::database::Database;
use crate::domain::TenantId;
use crate::engines::Engines;
use crate::guard::Verdict;
use crate::history::History;
use crate::import::Imports;
use crate::inbound::Inbox;
use crate::links::Links;
use crate::logs::Logs;
use crate::message_log::MessageLog;
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::numbers::Numbers;
use crate::otel::Tracer;
use crate::people::People;
use crate::pressure::Pressure;
use crate::receipt::Replay;
use crate::reload::Reloads;
use crate::replies::Replies;
use crate::store::Store;
use crate::traffic::Traffic;
use crate::waiting::Waiting;
use crate::webhooks::Webhooks;

use doc::Routes;
use foreign::Names;
pub(crate) use guesses::Guesses;
use pages::{Page, page};
use problem::{Problem, ProblemKind};
use requests::Listener;
pub(crate) use secured::Secured;
pub(crate) use server::{Listeners, serve};
pub(crate) use shares::Shares;
pub(crate) use submissions::Submissions;

/// What the routes need of the engine. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) accounts: Arc<Accounts>,
    /// Campaigns and messages.
    pub(crate) campaigns: Campaigns,
    /// Campaigns that are made again and again.
    pub(crate) automations: Automations,
    /// Appointments, and of what people are reminded.
    pub(crate) agenda: Agenda,
    /// Contacts, lists, segments.
    pub(crate) people: People,
    /// What became of messages.
    pub(crate) history: History,
    /// Keeps opt-outs.
    pub(crate) mirror: Mirror,
    /// Files of contacts.
    pub(crate) imports: Imports,
    /// Asked whether it is there.
    pub(crate) store: Store,
    /// Asked whether it is there.
    pub(crate) database: Database,
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
    /// Our numbers.
    pub(crate) numbers: Numbers,
    /// What is made of what people write to these.
    pub(crate) replies: Replies,
    /// Which SMSC is given what.
    pub(crate) traffic: Traffic,
    pub(crate) engines: Engines,
    /// How far settling is behind.
    pub(crate) pressure: Pressure,
    /// When requests were first taken.
    pub(crate) started: Instant,
    /// Why messages are not sent.
    pub(crate) waiting: Waiting,
    /// Where short links lead; `None`: they are not answered.
    pub(crate) links: Option<Links>,
    pub(crate) clock: Clock,
    /// What the state of Redis allows.
    pub(crate) verdict: Verdict,
    /// Who has shown which wrong keys.
    pub(crate) guesses: Guesses,
    /// Who has sent how many forms.
    pub(crate) submissions: Submissions,
    /// What callers may have at once.
    pub(crate) shares: Shares,
    /// The longest body, and how many may be connected.
    pub(crate) limits: Arc<config::Api>,
    /// Cancelled when the engine is told to end.
    pub(crate) stopping: CancellationToken,
    /// Owns what is carried out to its end though its caller may hang up.
    pub(crate) operations: TaskTracker,
}

impl App {
    /// By whose clocks a tenant's times without an offset are.
    async fn time_zone_of(&self, tenant: TenantId) -> Result<String, Problem> {
        Ok(self.campaigns.terms_of(tenant).await?.time_zone)
    }

    /// The same clocks.
    async fn clocks_of(&self, tenant: TenantId) -> Result<TimeZone, Problem> {
        Ok(TimeZone::get(&self.time_zone_of(tenant).await?).unwrap_or(TimeZone::UTC))
    }
}

/// The routes of resellers and tenants.
fn public(app: App) -> Router {
    let routes = documented();
    let needs = routes.needs();
    let shown = documented().into_router().with_state(app.clone());
    let tagged = etags::Tagged::new(app.clone(), routes.tagged(), shown);
    let keyed = routes
        .into_router()
        .route_layer(middleware::from_fn_with_state(tagged, etags::tag))
        .route_layer(middleware::from_fn_with_state(
            (app.clone(), needs.clone()),
            idempotent::once,
        ))
        .route_layer(middleware::from_fn_with_state((app.clone(), needs), shares::admit))
        .layer(middleware::from_fn_with_state(app.clone(), gate::ask));
    let document = described();
    let served = reader::Served::of(&document, written(&document));
    let forms = consent_forms::open_routes();
    let open = reader::routes(served).and(forms).into_router();
    finish(keyed.merge(open), (app, Listener::Public))
}

/// Those that ask for a key, each beside its documentation: a file of handlers is added here.
fn documented() -> Routes {
    tenants::routes()
        .and(resellers::routes())
        .and(balance::routes())
        .and(statements::routes())
        .and(margin::routes())
        .and(credit_prices::routes())
        .and(credits::routes())
        .and(suspension::routes())
        .and(lost_holds::routes())
        .and(erasure::routes())
        .and(keys::routes())
        .and(guests::routes())
        .and(opt_outs::routes())
        .and(campaigns::routes())
        .and(edits::routes())
        .and(copies::routes())
        .and(trials::routes())
        .and(templates::routes())
        .and(codes::routes())
        .and(automations::routes())
        .and(agenda::routes())
        .and(reminder_plans::routes())
        .and(schedule::routes())
        .and(campaign_rate::routes())
        .and(report::routes())
        .and(statistics::routes())
        .and(reply_statistics::routes())
        .and(events::routes())
        .and(recipients::routes())
        .and(cleaning::routes())
        .and(contacts::routes())
        .and(rights::routes())
        .and(exports::routes())
        .and(left_out::routes())
        .and(stale::routes())
        .and(imports::routes())
        .and(consents::routes())
        .and(consent_forms::routes())
        .and(lists::routes())
        .and(webhooks::routes())
        .and(messages::routes())
        .and(history::routes())
        .and(inbound::routes())
        .and(unmatched::routes())
        .and(conversations::routes())
        .and(auto_replies::routes())
        .and(reply_settings::routes())
        .and(offers::routes())
        .and(waiting_list::routes())
        .and(slot_settings::routes())
        .and(surveys::routes())
        .and(numbers::routes())
        .and(senders::routes())
        .and(text::routes())
        .and(flagged::routes())
        .and(rules::routes())
}

/// The public listener's OpenAPI document, as it is served and committed.
pub(crate) fn document() -> String {
    written(&described())
}

fn described() -> Value {
    let open = reader::routes(reader::Served::default()).and(consent_forms::open_routes());
    documented().and(open).document()
}

fn written(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The routes of operators and their machines.
fn admin(app: App, names: Names) -> Router {
    let keyed = Router::new()
        .route("/v1/tenants", get(operators::tenants))
        .route("/v1/campaigns", get(operators::campaigns))
        .route("/v1/campaigns/{id}", get(operators::campaign))
        .route("/v1/campaigns/{id}/pause", post(operators::pause))
        .route("/v1/campaigns/{id}/resume", post(operators::resume))
        .route("/v1/campaigns/{id}/cancel", post(operators::cancel))
        .route("/v1/messages", get(lives::find))
        .route("/v1/statistics", get(statistics::show_all))
        .route_layer(middleware::from_fn_with_state(app.clone(), access::look_up_first))
        .route_layer(middleware::from_fn_with_state(app.clone(), gate::ask));
    let routes = Router::new()
        .merge(keyed)
        .route("/livez", get(admin::live))
        .route("/startupz", get(admin::live))
        .route("/readyz", get(admin::ready))
        .route("/metrics", get(admin::metrics))
        .route("/v1/binds", get(admin::binds))
        .route("/v1/inbound", get(inbound::nobodys))
        .route("/v1/inbound/{id}/assign", post(inbound::assign))
        .route("/v1/log-filter", get(log_filter::show).put(log_filter::set))
        .route("/v1/reload", post(admin::reload))
        .route("/v1/queue", get(queue::list))
        .route("/v1/routes", get(smscs::routes))
        .route("/v1/engines", get(engines::list))
        .route("/v1/smscs", get(smscs::list))
        .route("/v1/smscs/{name}/suspend", post(smscs::suspend))
        .route("/v1/smscs/{name}/resume", post(smscs::resume))
        .route("/v1/smscs/{name}/rate", post(smscs::rate))
        .route("/v1/smscs/{name}/trace", get(trace::follow))
        .route("/v1/status", get(status::show))
        .route("/v1/suppressions", post(suppressions::add))
        .route("/v1/receipts/parked", get(parked::list))
        .route("/v1/receipts/parked/{id}/replay", post(parked::replay));
    let routes = routes.layer(middleware::from_fn_with_state(names, foreign::keep_out));
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
        .layer(middleware::from_fn(pages::link))
        .layer(middleware::from_fn(problem::localise))
        .layer(middleware::from_fn(unread::say_so))
        .layer(middleware::from_fn_with_state((app.clone(), listener.word()), measure))
        .with_state(app)
}

/// A request that is being answered: also one whose caller hangs up is so no more when this is dropped.
struct Answering(IntGauge);

impl Answering {
    fn of(app: &App, listener: &str) -> Self {
        let gauge = &app.metrics.http_requests_in_flight;
        let gauge = gauge.with_label_values(&[listener]);
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts requests by route, method and code: all three from closed lists.
async fn measure(State((app, listener)): State<(App, &'static str)>, request: Request, next: Next) -> Response {
    let _answering = Answering::of(&app, listener);
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
