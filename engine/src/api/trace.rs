//! `GET /v1/smscs/{name}/trace` on the operators' listener: what goes to an SMSC and comes from it, as it does, for a while.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use futures::stream;
use serde::Serialize;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::App;
use super::problem::{Full, Problem, ProblemKind};
use super::query::{parameters, refused};
use crate::bind::Listening;
use crate::fault::FieldProblem;

/// One JSON object a line.
const LINES: &str = "application/x-ndjson";

const PARAMETERS: [&str; 2] = ["seconds", "limit"];

/// How long one may listen: who wants longer asks again.
const SECONDS_MAX: u64 = 600;
const SECONDS_DEFAULT: u64 = 30;

/// PDUs that one may be shown.
const LIMIT_MAX: u64 = 100_000;
const LIMIT_DEFAULT: u64 = 1_000;

/// When a place among the listeners may be free again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// Cancelled when the engine is told to end.
#[derive(Clone)]
pub(super) struct Ending(pub(super) CancellationToken);

/// How long to listen, and to how much.
pub(super) struct Bounds {
    seconds: u64,
    limit: u64,
}

impl FromRequestParts<App> for Bounds {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let mut bounds = Self {
            seconds: SECONDS_DEFAULT,
            limit: LIMIT_DEFAULT,
        };
        for (name, value) in parameters((parts, app), &PARAMETERS).await? {
            match name {
                "seconds" => bounds.seconds = number("?seconds", &value, SECONDS_MAX)?,
                "limit" => bounds.limit = number("?limit", &value, LIMIT_MAX)?,
                _ => {}
            }
        }
        Ok(bounds)
    }
}

fn number(pointer: &str, value: &str, max: u64) -> Result<u64, Problem> {
    let number = value.parse().ok().filter(|number| (1..=max).contains(number));
    number.ok_or_else(|| {
        let max = max as i64;
        refused(pointer, FieldProblem::OutOfRange { min: 1, max })
    })
}

/// `GET /v1/smscs/{name}/trace?seconds=30&limit=1000`: a line for each PDU, and a last one that says why it is the last. A
/// line `{"missed": n}` says that so many PDUs in all had no room.
pub(super) async fn follow(
    State(app): State<App>,
    Path(name): Path<String>,
    bounds: Bounds,
    Extension(Ending(ending)): Extension<Ending>,
) -> Result<Response, Problem> {
    let trace = app.traces.of(&name).ok_or(ProblemKind::NotFound)?;
    let listening = trace.listen().ok_or(ProblemKind::TooManyRequests {
        full: Full::Engine,
        retry_after: RETRY_AFTER,
    })?;
    let follower = Follower {
        listening,
        until: app.clock.deadline(Duration::from_secs(bounds.seconds)),
        ending,
        left: bounds.limit,
        limit: bounds.limit,
        missed: 0,
        is_over: false,
    };
    let lines = stream::unfold(follower, |mut follower| async move {
        let line = follower.next().await?;
        Some((Ok::<Bytes, Infallible>(line), follower))
    });
    Ok(([(header::CONTENT_TYPE, LINES)], Body::from_stream(lines)).into_response())
}

struct Follower {
    listening: Listening,
    until: tokio::time::Instant,
    ending: CancellationToken,
    left: u64,
    limit: u64,
    /// PDUs without room that were told of.
    missed: u64,
    is_over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Bytes> {
        if self.is_over {
            return None;
        }
        let missed = self.listening.missed();
        if missed > std::mem::replace(&mut self.missed, missed) {
            return Some(line(&json!({ "missed": missed })));
        }
        if self.left == 0 {
            return Some(self.last("limit"));
        }
        tokio::select! {
            biased;
            () = self.ending.cancelled() => Some(self.last("engine ends")),
            () = tokio::time::sleep_until(self.until) => Some(self.last("seconds")),
            pdu = self.listening.next() => {
                self.left -= 1;
                pdu.map(|pdu| line(&pdu))
            }
        }
    }

    fn last(&mut self, why: &str) -> Bytes {
        self.is_over = true;
        let (shown, missed) = (self.limit - self.left, self.listening.missed());
        line(&json!({ "end": why, "shown": shown, "missed": missed }))
    }
}

fn line(object: &impl Serialize) -> Bytes {
    let json = serde_json::to_vec(object).unwrap_or_default();
    [&json[..], b"\n"].concat().into()
}
