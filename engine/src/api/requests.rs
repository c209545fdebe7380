//! Each request as a span, so that every line of the log that is written in its course carries its id; a line of its own at its end;
//! and, for acts of administration, one in the audit log.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use tracing::field::Empty;

use super::known::{Facts, Known};
use super::problem::{Problem, RequestId};
use super::{App, client, known_method};
use crate::audit::{Act, AuditLog, Outcome};
use crate::store::KeyOwner;

/// In which trace a caller asks (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// How the routes end that set a campaign going.
const LAUNCH: &str = "/launch";

/// Through which listener a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    Public,
    Admin,
}

impl Listener {
    /// The word in metrics.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

/// The middleware around all routes, behind the one that gives a request its id.
pub(super) async fn follow(
    State((app, listener)): State<(App, Listener)>,
    mut request: Request,
    next: Next,
) -> Response {
    let known = Known::default();
    request.extensions_mut().insert(known.clone());
    let followed = Followed::new(&app, &request, (listener, known));
    let span = followed.span();
    let traceparent = request.headers().get(TRACEPARENT).and_then(|value| value.to_str().ok());
    let name = || format!("{} {}", followed.method, followed.route);
    if let Some(context) = app.tracer.begin(&span, name, traceparent) {
        span.record("trace_id", context.trace_id());
    }
    async move {
        let response = next.run(request).await;
        followed.answered(&response, app.clock.now());
        response
    }
    .instrument(span)
    .await
}

/// A request on its way to its answer. Dropped before, it notes that its caller has hung up.
struct Followed {
    id: Option<RequestId>,
    method: &'static str,
    /// The route's template: paths have ids in them, and whatever callers invent.
    route: String,
    changes: bool,
    address: Option<IpAddr>,
    listener: Listener,
    known: Known,
    audit: AuditLog,
    began: Instant,
    answered: bool,
}

impl Followed {
    fn new(app: &App, request: &Request, (listener, known): (Listener, Known)) -> Self {
        let route = request.extensions().get::<MatchedPath>();
        Self {
            id: request.extensions().get::<RequestId>().cloned(),
            method: known_method(request.method()),
            route: route.map_or("none", MatchedPath::as_str).to_owned(),
            changes: !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS),
            address: client::address(request, &app.limits.trusted_proxies),
            listener,
            known,
            audit: app.audit.clone(),
            began: app.clock.now(),
            answered: false,
        }
    }

    /// At the level of errors, so that no filter parts a line from its request.
    fn span(&self) -> tracing::Span {
        let id = self.id.as_ref().map_or("", |id| &*id.0);
        tracing::error_span!(
            "request",
            request_id = id,
            method = self.method,
            route = self.route,
            tenant = Empty,
            trace_id = Empty,
            otel.name = Empty,
            otel.kind = "server",
            otel.status_code = Empty,
            http.response.status_code = Empty,
            // Each launch is told: what follows from it is in its trace.
            sampling.priority = self.route.ends_with(LAUNCH).then_some(1)
        )
    }

    fn answered(mut self, response: &Response, now: Instant) {
        self.answered = true;
        let status = response.status();
        let code = response.extensions().get::<Arc<Problem>>();
        let code = code.map(|problem| problem.kind.code());
        self.say(status, code, now - self.began);
        let span = tracing::Span::current();
        // An unsigned number would be a text there.
        span.record("http.response.status_code", i64::from(status.as_u16()));
        if status.is_server_error() {
            span.record("otel.status_code", "ERROR");
        }
        self.note(outcome_of(status), Some(status), code);
    }

    fn say(&self, status: StatusCode, code: Option<&'static str>, took: Duration) {
        let (status, took_ms) = (status.as_u16(), took.as_secs_f64() * 1e3);
        if self.changes {
            tracing::info!(status, code, took_ms, "answered");
        } else {
            tracing::debug!(status, code, took_ms, "answered");
        }
    }

    /// In the audit log, if it is an act of administration.
    fn note(&self, outcome: Outcome, status: Option<StatusCode>, code: Option<&'static str>) {
        let Facts {
            owner,
            administers,
            object,
            details,
        } = self.known.take();
        let who = match (self.listener, owner) {
            (Listener::Public | Listener::Admin, Some(KeyOwner::Operator)) => "operator".to_owned(),
            (Listener::Public | Listener::Admin, Some(KeyOwner::Reseller(reseller))) => reseller.to_string(),
            (Listener::Admin, Some(KeyOwner::Tenant(tenant))) => tenant.to_string(),
            (Listener::Admin, None) => "admin".to_owned(),
            (Listener::Public, Some(KeyOwner::Tenant(tenant))) if administers => tenant.to_string(),
            // What tenants do with their own is no act of administration, but for their keys.
            (Listener::Public, Some(KeyOwner::Tenant(_)) | None) => return,
        };
        if !self.changes {
            return;
        }
        self.audit.note(&Act {
            who,
            address: self.address,
            act: format!("{} {}", self.method, self.route),
            object,
            outcome,
            status: status.map(|status| status.as_u16()),
            code,
            request_id: self.id.as_ref().map(|id| id.0.to_string()),
            details,
        });
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        if !self.answered {
            tracing::debug!("the caller has hung up");
            self.note(Outcome::CutOff, None, None);
        }
    }
}

fn outcome_of(status: StatusCode) -> Outcome {
    if status.is_client_error() {
        Outcome::Refused
    } else if status.is_server_error() {
        Outcome::Failed
    } else {
        Outcome::Done
    }
}
