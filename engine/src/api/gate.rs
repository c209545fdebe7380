//! What is refused while Redis is not as it should be.

use std::time::Duration;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::problem::{Cause, Problem, ProblemKind};
use crate::guard::Reason;

/// What brings new data, or new work for Redis.
const INTAKE: [&str; 3] = ["/v1/campaigns", "/v1/campaigns/{id}/launch", "/v1/messages"];

/// When to ask again: memory is not free again sooner, and people have to look first.
const CLOSED: Duration = Duration::from_secs(30);

/// Whether a POST there brings new data or work.
pub(super) fn takes_in(route: &str) -> bool {
    INTAKE.contains(&route)
}

/// The middleware around the public routes. Before keys are looked at: an emptied database knows none.
pub(super) async fn ask(State(app): State<App>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
    let taking_in = request.method() == Method::POST && route.is_some_and(takes_in);
    let verdict = &app.verdict;
    let allowed = verdict
        .may_write()
        .and_then(|()| if taking_in { verdict.may_take_in() } else { Ok(()) });
    match allowed {
        Ok(()) => next.run(request).await,
        Err(reason) => refusal(&reason).into_response(),
    }
}

fn refusal(reason: &Reason) -> Problem {
    tracing::debug!(code = reason.code(), "a request is refused");
    let (cause, retry_after) = (Cause::from(reason), CLOSED);
    match reason {
        Reason::DatabaseEmptied | Reason::OtherDatabase => ProblemKind::DatabaseLost { cause, retry_after },
        Reason::RedisAway => ProblemKind::Unavailable {
            cause,
            retry_after: super::refusal::STORE_AWAY,
        },
        Reason::LosesData(_) | Reason::IntakeMark | Reason::JournalFull | Reason::LeaseMark => {
            ProblemKind::IntakeClosed { cause, retry_after }
        }
    }
    .into()
}
