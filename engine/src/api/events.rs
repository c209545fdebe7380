//! `GET /v1/campaigns/{id}/events`: where a campaign is, as it goes on (server-sent events).

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::access::{Caller, Id};
use super::doc::{Key, Operation, Routes, Verb};
use super::problem::{Problem, ProblemCode};
use super::query::{parameters, refused};
use super::shares::Streaming;
use super::trace::Ending;
use super::{App, shapes};
use crate::campaign::Glimpse;
use crate::domain::CampaignId;
use crate::fault::FieldProblem;

/// How long a stream lasts: whoever listens on asks again, and shows the key again.
const SECONDS: (u64, u64) = (1, 900);
const SECONDS_DEFAULT: u64 = 900;

/// Between two signs of life: proxies cut off what is silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What is sent as one. The client asks again after 2 s when a stream ends.
const HEAD: &str = "retry: 2000\n\n";
const STILL_THERE: &str = ": still there\n\n";

pub(super) fn routes() -> Routes {
    Routes::of("campaigns").add(
        Operation::new((Verb::Get, "/v1/campaigns/{id}/events"), Key::Tenant, "watchCampaign")
            .says(
                "Watch a campaign go on",
                "Server-sent events: `progress`, whose data are the campaign's `state`, `progress`, `statuses` and `credits`, at once and then \
                 whenever they change, at most once a second. The stream ends when no message of the campaign is left to be sent or awaits its \
                 receipt, and after `seconds`; a client that asks again with `Last-Event-ID` is told nothing twice, and by 204 that nothing \
                 more comes. A tenant has 16 streams at once.",
            )
            .at::<CampaignId>("id", "The campaign.")
            .asks::<shapes::Watching>()
            .answers_text("The events.", "text/event-stream")
            .answers_nothing(204, "The campaign is over, and the client knows its last event.")
            .refuses(&[ProblemCode::TooManyRequests, ProblemCode::Unavailable]),
        watch,
    )
}

/// `?seconds=…`, and `Last-Event-ID`.
pub(super) struct Asked {
    seconds: u64,
    /// What this client was told last.
    known: Option<u64>,
}

impl FromRequestParts<App> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let (min, max) = SECONDS;
        let (mut seconds, known) = (SECONDS_DEFAULT, last_known(&parts.headers));
        for (_, value) in parameters((parts, app), &["seconds"]).await? {
            let given = value.parse().ok().filter(|given| (min..=max).contains(given));
            let (min, max) = (min as i64, max as i64);
            seconds = given.ok_or_else(|| refused("?seconds", FieldProblem::OutOfRange { min, max }))?;
        }
        Ok(Self { seconds, known })
    }
}

pub(super) async fn watch(
    State(app): State<App>,
    Caller(tenant): Caller,
    Id(id): Id<CampaignId>,
    asked: Asked,
    Extension(Ending(ending)): Extension<Ending>,
) -> Result<Response, Problem> {
    let share = app.shares.stream(tenant)?;
    let mut glimpses = app.campaigns.watch(tenant, id).await?;
    let now = glimpses.borrow_and_update().clone();
    let is_known = asked.known == Some(now.id);
    if is_known && now.is_over {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let stream = Stream {
        glimpses,
        first: Some((!is_known).then_some(now)),
        is_over: false,
        until: app.clock.deadline(Duration::from_secs(asked.seconds)),
        ending,
        _share: share,
    };
    let events = stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<Bytes, Infallible>(event), stream))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, Body::from_stream(events)).into_response())
}

fn last_known(headers: &HeaderMap) -> Option<u64> {
    let id = headers.get("last-event-id")?.to_str().ok()?;
    u64::from_str_radix(id, 16).ok()
}

/// Events on their way to one client. It holds no more than one of them, however slowly it is read.
struct Stream {
    glimpses: watch::Receiver<Glimpse>,
    /// What stands at the beginning: with an event, unless the client knows it.
    first: Option<Option<Glimpse>>,
    is_over: bool,
    until: tokio::time::Instant,
    ending: CancellationToken,
    _share: Streaming,
}

impl Stream {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.first.take() {
            let event = first.map(|first| self.event(&first)).unwrap_or_default();
            return Some([HEAD, &event].concat().into());
        }
        if self.is_over {
            return None;
        }
        tokio::select! {
            biased;
            () = self.ending.cancelled() => None,
            () = tokio::time::sleep_until(self.until) => None,
            changed = self.glimpses.changed() => {
                changed.ok()?;
                let glimpse = self.glimpses.borrow_and_update().clone();
                Some(self.event(&glimpse).into())
            }
            () = tokio::time::sleep(HEARTBEAT) => Some(Bytes::from_static(STILL_THERE.as_bytes())),
        }
    }

    fn event(&mut self, glimpse: &Glimpse) -> String {
        self.is_over = glimpse.is_over;
        format!(
            "id: {:016x}\nevent: progress\ndata: {}\n\n",
            glimpse.id, glimpse.content
        )
    }
}
