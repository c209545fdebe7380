//! The ledger, the controls and the page over HTTP. The paths and their answers are in `openapi.json`, which a test
//! holds to what is served. Begin with [`routes`]; `fields` reads a query, `problem` writes a refusal, and each other file
//! is a group of paths.

mod capture;
mod control;
mod fields;
mod guard;
mod inbound;
mod ledger;
mod messages;
mod metrics;
mod page;
mod problem;
mod scenario;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Router, middleware};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::handle::Process;
use crate::smscs::Smscs;
use problem::Problem;

/// A scenario with a hundred thousand exact numbers fits.
const BODY_MAX: usize = 4 << 20;

/// The description of everything below, which `smpp-sim openapi` prints, too.
pub(crate) const OPENAPI: &str = include_str!("../../openapi.json");

/// What HTTP serves.
#[derive(Clone, Debug)]
pub(crate) struct Served {
    pub(crate) smscs: Smscs,
    pub(crate) process: Process,
    pub(crate) tasks: TaskTracker,
    /// What clients must show, if anything.
    pub(crate) token: Option<Arc<str>>,
}

/// Serves until told to stop.
pub(crate) async fn serve(listener: TcpListener, served: Served) {
    let stopping = served.process.stopping.clone();
    let server = axum::serve(listener, router(served))
        .with_graceful_shutdown(stopping.cancelled_owned())
        .await;
    if let Err(error) = server {
        tracing::error!(%error, "HTTP has ended");
    }
}

/// Every path with what it answers.
fn routes() -> Vec<(&'static str, MethodRouter<Served>)> {
    vec![
        ("/", get(page::index)),
        ("/page.js", get(page::script)),
        ("/page.css", get(page::style)),
        ("/icon.svg", get(page::icon)),
        ("/livez", get(async || "ok\n")),
        ("/openapi.json", get(openapi)),
        ("/metrics", get(metrics::metrics)),
        ("/ledger", get(ledger::rows)),
        ("/ledger/totals", get(ledger::totals)),
        ("/ledger/rates", get(ledger::rates)),
        ("/wait", get(ledger::wait)),
        ("/messages", get(messages::messages)),
        ("/sessions", get(control::sessions)),
        ("/sessions/close", post(control::close_sessions)),
        ("/sessions/unbind", post(control::unbind_sessions)),
        ("/inbound", get(inbound::messages).post(inbound::inject)),
        ("/scenarios", get(scenario::built_in)),
        ("/scenario", get(scenario::show).post(scenario::switch)),
        ("/phase", get(scenario::phases).post(scenario::go_to_phase)),
        ("/capture", get(capture::show)),
        ("/capture/start", post(capture::start)),
        ("/capture/stop", post(capture::stop)),
        ("/capture/file", get(capture::download)),
        ("/reset", post(control::reset)),
    ]
}

fn router(served: Served) -> Router {
    let mut router = Router::new();
    for (path, answers) in routes() {
        router = router.route(path, answers);
    }
    router
        .method_not_allowed_fallback(async || Problem::new(StatusCode::METHOD_NOT_ALLOWED, "see /openapi.json"))
        .fallback(async || Problem::new(StatusCode::NOT_FOUND, "there is no such path: see /openapi.json"))
        .layer(DefaultBodyLimit::max(BODY_MAX))
        .layer(middleware::from_fn_with_state(served.clone(), guard::guard))
        .with_state(served)
}

async fn openapi() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
