//! `ETag`, `If-None-Match` and `If-Match` (RFC 9110, 13) of all that is shown under an id, or once for each tenant, and can be changed.
//!
//! Here alone, round the handlers: a change with `If-Match` looks first, as a `GET` of the same with the same key would, and looks
//! again behind itself for the new tag. Changes with `If-Match` about the same thing are made one after the other, by all engines; one
//! without it asks for nothing, and gets no promise.
//!
//! A tag has two parts: what can be changed by requests, and all that is shown. `If-Match` compares the first, so that figures that go on by
//! themselves (balances, progress) are in nobody's way; `If-None-Match` compares both.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use rustc_hash::FxHashSet;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::App;
use super::access::{ACTS_FOR, Acting};
use super::idempotent::{end, random, renewing};
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use crate::domain::{KeyKind, to_hexadecimal};
use crate::store::{Claim, Claimed, Conclusion, KeyOwner, Token};

/// Members of what is shown that change by themselves, as messages go and people answer.
const BY_THEMSELVES: [&str; 18] = [
    "codes",
    "contacts",
    "credits",
    "dropped_events",
    "engagement",
    "failing_since",
    "failures",
    "left",
    "next",
    "next_at",
    "next_attempt_at",
    "progress",
    "runs",
    "sources",
    "statuses",
    "today",
    "used",
    "waiting",
];

/// The longest answer that has a tag, in octets: the longest of one thing are texts of some campaigns.
const SHOWN_MAX: usize = 16 << 20;

/// Octets of the digest in each part of a tag: enough that no two versions of one thing are mistaken for each other.
const PART: usize = 12;

/// How long a change that ended without a word keeps others from the same thing.
const CLAIM: Duration = Duration::from_secs(10);

/// How often, and how many times, it is looked whether another change has ended.
const TURN: Duration = Duration::from_millis(25);
const TURNS: u32 = 200;

/// What has tags, and how it is looked at. Cheap to clone.
#[derive(Clone)]
pub(super) struct Tagged {
    app: App,
    paths: Arc<FxHashSet<&'static str>>,
    shown: TowerToHyperService<Router>,
}

impl Tagged {
    /// `shown`: the routes, without what is round them.
    pub(super) fn new(app: App, paths: FxHashSet<&'static str>, shown: Router) -> Self {
        Self {
            app,
            paths: Arc::new(paths),
            shown: TowerToHyperService::new(shown),
        }
    }

    /// Where that is shown which a request is about: there, or a word above.
    fn about(&self, request: &Request) -> Option<String> {
        let route = request.extensions().get::<MatchedPath>()?.as_str();
        let path = request.uri().path();
        if self.paths.contains(route) {
            return Some(path.to_owned());
        }
        let (above, _) = route.rsplit_once('/')?;
        let (path, _) = path.rsplit_once('/')?;
        self.paths.contains(above).then(|| path.to_owned())
    }

    /// What is shown there to whoever asks; `None`: nothing.
    async fn look(&self, asker: &Asker, path: &str) -> Option<(Tag, Option<String>)> {
        let mut request = Request::new(Body::empty());
        *request.uri_mut() = path.parse::<Uri>().ok()?;
        *request.headers_mut() = asker.headers.clone();
        let extensions = request.extensions_mut();
        asker.owner.map(|owner| extensions.insert(owner));
        asker.kind.map(|kind| extensions.insert(kind));
        asker.acting.map(|acting| extensions.insert(acting));
        let response = self.shown.call(request).await.ok()?;
        if response.status() != StatusCode::OK {
            return None;
        }
        let octets = to_bytes(response.into_body(), SHOWN_MAX).await.ok()?;
        let id = serde_json::from_slice::<Value>(&octets).ok()?["id"]
            .as_str()
            .map(str::to_owned);
        Some((Tag::of(&octets)?, id))
    }
}

/// Who asks: what handlers look at to know that.
struct Asker {
    headers: HeaderMap,
    owner: Option<KeyOwner>,
    kind: Option<KeyKind>,
    acting: Option<Acting>,
}

impl Asker {
    fn of(request: &Request) -> Self {
        const LOOKED_AT: [HeaderName; 3] = [
            header::AUTHORIZATION,
            header::ACCEPT_LANGUAGE,
            HeaderName::from_static(ACTS_FOR),
        ];
        let given = request.headers();
        let headers = LOOKED_AT
            .into_iter()
            .filter_map(|name| Some((name.clone(), given.get(name)?.clone())));
        let extensions = request.extensions();
        Self {
            headers: headers.collect(),
            owner: extensions.get().copied(),
            kind: extensions.get().copied(),
            acting: extensions.get().copied(),
        }
    }
}

/// The version of something, in two parts.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tag {
    changed: String,
    shown: String,
}

impl Tag {
    /// Of what is shown, in JSON.
    fn of(shown: &[u8]) -> Option<Self> {
        let mut value: Value = serde_json::from_slice(shown).ok()?;
        if let Value::Object(members) = &mut value {
            members.retain(|name, _| !BY_THEMSELVES.contains(&name.as_str()));
        }
        Some(Self {
            changed: digest(value.to_string().as_bytes()),
            shown: digest(shown),
        })
    }

    fn header(&self) -> Option<HeaderValue> {
        HeaderValue::from_str(&format!("\"{}.{}\"", self.changed, self.shown)).ok()
    }

    /// Whether one of those that are given is of this version; what is weak is of none.
    fn matches(&self, given: &HeaderMap) -> bool {
        tags(given, &header::IF_MATCH).any(|tag| match tag.split_once('.') {
            Some((changed, _)) => changed.strip_prefix('"') == Some(&self.changed) && tag.ends_with('"'),
            None => tag == "*",
        })
    }

    /// Whether one of those is what would be shown again; weak ones are as good there.
    fn is_known(&self, given: &HeaderMap) -> bool {
        let own = format!("\"{}.{}\"", self.changed, self.shown);
        tags(given, &header::IF_NONE_MATCH).any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == own)
    }
}

fn digest(octets: &[u8]) -> String {
    to_hexadecimal(&Sha256::digest(octets)[..PART])
}

/// None of ours has a comma in it.
fn tags<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

/// The middleware around the public routes.
pub(super) async fn tag(State(tagged): State<Tagged>, request: Request, next: Next) -> Result<Response, Problem> {
    let Some(path) = tagged.about(&request) else {
        return Ok(next.run(request).await);
    };
    let route = request.extensions().get::<MatchedPath>();
    let is_itself = route.is_some_and(|route| tagged.paths.contains(route.as_str()));
    match *request.method() {
        Method::GET if is_itself => show(request, next).await,
        // Its head, without what would be shown.
        Method::HEAD if is_itself => {
            let looked = tagged.look(&Asker::of(&request), &path).await;
            let headers = request.headers().clone();
            let response = next.run(request).await;
            Ok(tagged_with(response, looked.map(|(tag, _)| tag), &headers))
        }
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
            let is_replaced = is_itself && matches!(*request.method(), Method::PUT | Method::PATCH);
            change(&tagged, (request, next), (&path, is_replaced)).await
        }
        _ => Ok(next.run(request).await),
    }
}

async fn show(request: Request, next: Next) -> Result<Response, Problem> {
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let json = |kind: &HeaderValue| kind.as_bytes().starts_with(b"application/json");
    if response.status() != StatusCode::OK || !response.headers().get(header::CONTENT_TYPE).is_some_and(json) {
        return Ok(response);
    }
    let (parts, body) = response.into_parts();
    let octets: Bytes = to_bytes(body, SHOWN_MAX).await.map_err(|error| {
        tracing::error!(%error, "an answer of our own cannot be read");
        Problem::from(ProblemKind::Internal)
    })?;
    let tag = Tag::of(&octets);
    let response = Response::from_parts(parts, Body::from(octets));
    Ok(tagged_with(response, tag, &headers))
}

/// The answer with its tag, or without what its caller has.
fn tagged_with(mut response: Response, tag: Option<Tag>, asked: &HeaderMap) -> Response {
    let Some((tag, value)) = tag.and_then(|tag| Some((tag.clone(), tag.header()?))) else {
        return response;
    };
    response.headers_mut().insert(header::ETAG, value);
    if response.status() != StatusCode::OK || !tag.is_known(asked) {
        return response;
    }
    let (mut parts, _) = response.into_parts();
    parts.status = StatusCode::NOT_MODIFIED;
    parts.headers.remove(header::CONTENT_TYPE);
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::empty())
}

async fn change(
    tagged: &Tagged,
    (request, next): (Request, Next),
    (path, is_replaced): (&str, bool),
) -> Result<Response, Problem> {
    let asker = Asker::of(&request);
    let given = request.headers().clone();
    if !given.contains_key(header::IF_MATCH) {
        let response = next.run(request).await;
        return Ok(with_new_tag(tagged, response, (&asker, path, is_replaced)).await);
    }
    // What is not there, or not for this caller, its handler refuses.
    let Some((_, id)) = tagged.look(&asker, path).await else {
        return Ok(next.run(request).await);
    };
    let claim = claim(tagged, (&asker, path, id)).await?;
    let store = &tagged.app.store;
    let work = async {
        match tagged.look(&asker, path).await {
            Some((tag, _)) if !tag.matches(&given) => Problem::from(ProblemKind::PreconditionFailed).into_response(),
            Some(_) | None => {
                let response = next.run(request).await;
                with_new_tag(tagged, response, (&asker, path, is_replaced)).await
            }
        }
    };
    let response = renewing(store, &claim, work).await;
    end(store, &claim, Conclusion::Free).await;
    Ok(response)
}

/// The turn of one change with `If-Match` about something.
async fn claim(tagged: &Tagged, (asker, path, id): (&Asker, &str, Option<String>)) -> Result<Claim, Problem> {
    // A tenant may be asked for by its id, or as one's own; where there is no id, there is one for each tenant.
    let what = match (id, asker.owner) {
        (Some(id), _) => id,
        (None, Some(KeyOwner::Tenant(tenant))) => format!("{tenant}{path}"),
        (None, Some(KeyOwner::Operator | KeyOwner::Reseller(_)) | None) => path.to_owned(),
    };
    let claim = Claim {
        caller: KeyOwner::Operator,
        token: Token::of_key(KeyOwner::Operator, "if-match", &what),
        number: random()?,
        lasts: CLAIM,
    };
    for _ in 0..TURNS {
        let claimed = tagged.app.store.claim(&claim, None).await;
        match claimed.map_err(|error| store_refuses(&error))? {
            Claimed::Yours => return Ok(claim),
            Claimed::Running | Claimed::OtherBody | Claimed::Done(_) => tokio::time::sleep(TURN).await,
        }
    }
    Err(ProblemKind::OperationRunning { retry_after: CLAIM }.into())
}

async fn with_new_tag(
    tagged: &Tagged,
    mut response: Response,
    (asker, path, is_replaced): (&Asker, &str, bool),
) -> Response {
    if !is_replaced || !response.status().is_success() {
        return response;
    }
    let looked = tagged.look(asker, path).await;
    if let Some(value) = looked.and_then(|(tag, _)| tag.header()) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(shown: &str) -> Tag {
        Tag::of(shown.as_bytes()).unwrap()
    }

    fn headers(name: HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).unwrap())])
    }

    #[test]
    fn what_changes_by_itself_is_in_no_changes_way() {
        let (before, after) = (
            tag(r#"{"name":"A","progress":{"queued":2}}"#),
            tag(r#"{"name":"A","progress":{"queued":1}}"#),
        );
        let of = before.header().unwrap();
        let of = of.to_str().unwrap();
        assert!(after.matches(&headers(header::IF_MATCH, of)));
        assert!(!after.is_known(&headers(header::IF_NONE_MATCH, of)));
        assert!(before.is_known(&headers(header::IF_NONE_MATCH, &format!("\"x\", W/{of}"))));
        let renamed = tag(r#"{"name":"B","progress":{"queued":1}}"#);
        assert!(!renamed.matches(&headers(header::IF_MATCH, of)));
        assert!(renamed.matches(&headers(header::IF_MATCH, &format!("{of}, *"))));
    }

    #[test]
    fn weak_and_broken_tags_match_nothing() {
        let tag = tag("{}");
        for given in [
            format!("W/{}", tag.header().unwrap().to_str().unwrap()),
            tag.changed.clone(),
            format!("\"{}\"", tag.changed),
            format!("\"{}.x", tag.changed),
            String::new(),
        ] {
            assert!(!tag.matches(&headers(header::IF_MATCH, &given)), "{given}");
        }
    }
}
