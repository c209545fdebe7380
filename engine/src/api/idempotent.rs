//! `Idempotency-Key`: a request that is repeated with its key is carried out once, and answered as the first time.
//!
//! Answers of success are kept for a day, encrypted; what only looks is answered anew, whatever key it has. A refusal frees the
//! key, since nothing was done; where nobody knows whether something was done, the claim stays open for the same request, which
//! goes on under the same [`Token`]: what spends or sends knows it and does nothing twice. Only a draft may then be there twice,
//! without a message or a credit in it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody, to_bytes};
use axum::extract::{FromRequestParts, MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::body::{Frame, SizeHint};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use super::App;
use super::access::Acting;
use super::body::{Intake, Media, SMALL_MAX};
use super::doc::Needs;
use super::imports::FILE_MAX;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use crate::store::{ANSWER_MAX, BodyDigest, Claim, Claimed, Conclusion, KeyOwner, SavedAnswer, Store, Token};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest key, in octets.
const KEY_MAX: usize = 255;

/// How long a claim outlives its holder, which is how long a caller waits whose engine was killed; and how often a living
/// holder renews it.
const CLAIM: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(3);

/// When to ask again about an operation that is running.
const RUNNING: Duration = Duration::from_secs(2);

/// Whose bodies are long: their digest is known only at their end.
const STREAMED: [&str; 2] = ["/v1/campaigns", FILES];

/// What takes files.
const FILES: &str = "/v1/imports";

/// How a file is only looked at.
const TRIED: &str = "dry_run=true";

/// What a request asks to be done: what its caller's key names, or something of its own.
#[derive(Clone, Copy)]
pub(super) struct Operation(pub(super) Token);

/// Marks an answer that is not kept, and made anew when the request is repeated: it holds a secret, or nothing was done.
#[derive(Clone, Copy)]
pub(super) struct Secret;

impl FromRequestParts<App> for Operation {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match parts.extensions.get::<Self>() {
            Some(named) => Ok(*named),
            None => random().map(|token| Self(Token(token))),
        }
    }
}

/// The middleware around the public routes. Nothing is kept for callers without a key: they are refused further in.
pub(super) async fn once(
    State((app, needs)): State<(App, Needs)>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let caller = request.extensions().get::<KeyOwner>().copied();
    let path = request.extensions().get::<MatchedPath>();
    let is_tried = |query: &str| query.split('&').any(|parameter| parameter == TRIED);
    if path.is_some_and(|path| path.as_str() == FILES) && request.uri().query().is_some_and(is_tried) {
        return Ok(next.run(request).await);
    }
    let (Some(caller), &Method::POST) = (caller, request.method()) else {
        return Ok(next.run(request).await);
    };
    if needs.is_read(&request, caller) {
        return Ok(next.run(request).await);
    }
    let Some(key) = key_of(request.headers())? else {
        return Ok(next.run(request).await);
    };
    // What a reseller names is not what its tenant does.
    let acting = request.extensions().get::<Acting>();
    let key = acting.map_or(key.clone(), |Acting(reseller)| format!("{reseller}/{key}"));
    let claim = Claim {
        caller,
        // With other parameters it is something else that is asked for: what is tried is not done.
        token: Token::of_key(
            caller,
            request.uri().path_and_query().map_or("/", PathAndQuery::as_str),
            &key,
        ),
        number: random()?,
        lasts: CLAIM,
    };
    // When the caller hangs up, what was begun is done, and its answer kept.
    let work = carry_out(app.clone(), claim, request, next).in_current_span();
    let work = app.operations.spawn(work);
    work.await.unwrap_or_else(|error| {
        tracing::error!(%error, "an operation was cut off");
        Err(ProblemKind::Internal.into())
    })
}

async fn carry_out(app: App, claim: Claim, request: Request, next: Next) -> Result<Response, Problem> {
    let (mut request, asked) = read_ahead(&app, request).await?;
    let claimed = app.store.claim(&claim, asked.get()).await;
    match claimed.map_err(|error| store_refuses(&error))? {
        Claimed::Yours => {}
        Claimed::Running => return Err(ProblemKind::OperationRunning { retry_after: RUNNING }.into()),
        Claimed::OtherBody => return Err(ProblemKind::IdempotencyKeyReused.into()),
        Claimed::Done(answer) => {
            let same = match asked.get() {
                // Compared by the claim.
                Some(_) => true,
                None => digest_of(&app, request).await? == answer.asked,
            };
            return same
                .then(|| replay(answer))
                .ok_or(ProblemKind::IdempotencyKeyReused.into());
        }
    }
    request.extensions_mut().insert(Operation(claim.token));
    let response = renewing(&app.store, &claim, next.run(request)).await;
    conclude(&app.store, &claim, asked.get(), response).await
}

/// The request, and where its body's digest is, or will be once the body was read.
async fn read_ahead(app: &App, request: Request) -> Result<(Request, Arc<OnceLock<BodyDigest>>), Problem> {
    let path = request.extensions().get::<MatchedPath>();
    // How much a route takes, it knows itself.
    let is_long = request
        .body()
        .size_hint()
        .upper()
        .is_none_or(|octets| octets > SMALL_MAX);
    let streamed = is_long || path.is_some_and(|path| STREAMED.contains(&path.as_str()));
    let (parts, body) = request.into_parts();
    let (asked, body) = if streamed {
        let asked = Arc::new(OnceLock::new());
        let hash = Sha256::new();
        (asked.clone(), Body::new(Hashed { body, hash, asked }))
    } else {
        let octets = Intake::new(&parts.headers, body, SMALL_MAX, app.clock)?.whole().await?;
        let digest: BodyDigest = Sha256::digest(&octets).into();
        (Arc::new(OnceLock::from(digest)), Body::from(octets))
    };
    Ok((Request::from_parts(parts, body), asked))
}

async fn digest_of(app: &App, request: Request) -> Result<BodyDigest, Problem> {
    let (parts, body) = request.into_parts();
    let is_file = parts
        .extensions
        .get::<MatchedPath>()
        .is_some_and(|path| path.as_str() == FILES);
    let intake = match is_file {
        true => Intake::of((&parts.headers, Media::Sheet), body, FILE_MAX, app.clock)?,
        false => Intake::new(&parts.headers, body, app.limits.body_max, app.clock)?,
    };
    Ok(intake.digest().await?)
}

/// A body whose digest is known at its end.
struct Hashed {
    body: Body,
    hash: Sha256,
    asked: Arc<OnceLock<BodyDigest>>,
}

impl HttpBody for Hashed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.hash.update(data);
                }
            }
            Some(Err(_)) => {}
            None => {
                let digest = self.hash.clone().finalize().into();
                self.asked.get_or_init(|| digest);
            }
        }
        Poll::Ready(frame)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The work's response; meanwhile the claim is kept alive.
pub(super) async fn renewing(store: &Store, claim: &Claim, work: impl Future<Output = Response>) -> Response {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(RENEWAL, work.as_mut()).await {
            Ok(response) => return response,
            Err(_) => match store.claim(claim, None).await {
                Ok(Claimed::Yours) => {}
                Ok(Claimed::Running | Claimed::OtherBody | Claimed::Done(_)) => {
                    tracing::warn!("a claim is not renewed: its key has moved on")
                }
                Err(error) => tracing::warn!(%error, "a claim is not renewed"),
            },
        }
    }
}

/// Keeps the answer, frees the key or leaves the claim open, by what the response says.
async fn conclude(
    store: &Store,
    claim: &Claim,
    asked: Option<&BodyDigest>,
    response: Response,
) -> Result<Response, Problem> {
    let status = response.status();
    if !status.is_success() {
        let refused = status.is_client_error();
        end(store, claim, if refused { Conclusion::Free } else { Conclusion::Open }).await;
        return Ok(response);
    }
    let is_file = |kind: &HeaderValue| !kind.as_bytes().starts_with(b"application/json");
    if response.headers().get(header::CONTENT_TYPE).is_some_and(is_file) {
        // A file: it changes nothing, may be of any length, and is made again.
        end(store, claim, Conclusion::Free).await;
        return Ok(response);
    }
    let secret = response.extensions().get::<Secret>().is_some();
    let (parts, body) = response.into_parts();
    let octets = to_bytes(body, usize::MAX).await.map_err(|error| {
        tracing::error!(%error, "an answer of our own cannot be read");
        Problem::from(ProblemKind::Internal)
    })?;
    let answer = asked
        .filter(|_| !secret && octets.len() <= ANSWER_MAX)
        .map(|asked| SavedAnswer {
            asked: *asked,
            status: status.as_u16(),
            body: octets.to_vec(),
        });
    end(store, claim, answer.as_ref().map_or(Conclusion::Open, Conclusion::Keep)).await;
    Ok(Response::from_parts(parts, Body::from(octets)))
}

/// What the store does not take now, the claim's end does: the same request may then go on.
pub(super) async fn end(store: &Store, claim: &Claim, conclusion: Conclusion<'_>) {
    match store.conclude(claim, conclusion).await {
        Ok(true) => {}
        Ok(false) => tracing::warn!("an operation took so long that its claim went to another request"),
        Err(error) => tracing::warn!(%error, "a claim is not concluded: its time ends it"),
    }
}

fn replay(answer: SavedAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (REPLAYED, HeaderValue::from_static("true")),
    ];
    (status, headers, answer.body).into_response()
}

/// The key: bare, or in quotes as the draft of the IETF has it.
fn key_of(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut given = headers.get_all(KEY).iter();
    let Some(value) = given.next() else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    let quoted = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    let bare = quoted.unwrap_or(text);
    let known = |octet: u8| octet.is_ascii_graphic() && !matches!(octet, b'"' | b'\\');
    let sound = (1..=KEY_MAX).contains(&bare.len()) && bare.bytes().all(known) && given.next().is_none();
    sound
        .then(|| Some(bare.to_owned()))
        .ok_or(ProblemKind::InvalidIdempotencyKey.into())
}

pub(super) fn random() -> Result<[u8; 16], Problem> {
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).map_err(|error| {
        tracing::error!(%error, "no random numbers");
        Problem::from(ProblemKind::Internal)
    })?;
    Ok(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_bare_or_quoted_and_nothing_else() {
        let of = |values: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append(KEY, HeaderValue::from_static(value));
            }
            key_of(&headers)
        };
        assert_eq!(of(&[]), Ok(None));
        for given in ["8e03978e-40d5", "\"8e03978e-40d5\""] {
            assert_eq!(of(&[given]), Ok(Some("8e03978e-40d5".to_owned())), "{given}");
        }
        for given in [&[""][..], &["\"\""], &["a b"], &["a\"b"], &["a", "a"]] {
            assert_eq!(of(given), Err(ProblemKind::InvalidIdempotencyKey.into()), "{given:?}");
        }
    }
}
