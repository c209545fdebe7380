//! Who asks, and about what: keys and ids of a request.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::client::{self, Client};
use super::known::Known;
use super::problem::{Full, Problem, ProblemKind};
use super::refusal::store_refuses;
use crate::account::{KeyDigest, Opened};
use crate::domain::{Role, TenantId};
use crate::store::KeyOwner;

/// A request with a tenant's key. 401 without a known key, 403 with the operator's.
pub(super) struct Caller(pub(super) TenantId);

/// A request with the operator's key. 401 without a known key, 403 with a tenant's.
pub(super) struct Operator;

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match owner(parts)? {
            KeyOwner::Tenant(tenant) => Ok(Self(tenant)),
            KeyOwner::Operator => Err(ProblemKind::Forbidden.into()),
        }
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match owner(parts)? {
            KeyOwner::Operator => Ok(Self),
            KeyOwner::Tenant(_) => Err(ProblemKind::Forbidden.into()),
        }
    }
}

/// What [`look_up`] found.
fn owner(parts: &Parts) -> Result<KeyOwner, Problem> {
    let owner = parts.extensions.get::<KeyOwner>().copied();
    owner.ok_or(ProblemKind::Unauthorized.into())
}

/// Who shows a key, and where.
pub(super) struct Asker {
    pub(super) listener: &'static str,
    /// Absent without a connection.
    pub(super) client: Option<Client>,
}

/// Whose key the request has, and its role; `None` without a known one. A handler that wants one asks for [`Caller`] or [`Operator`].
///
/// # Errors
/// The store is away, the asker has tried too many keys, or the key does not hold now or not from there.
pub(super) async fn look_up(
    app: &App,
    request: &mut Request,
    asker: Asker,
) -> Result<Option<(KeyOwner, Role)>, Problem> {
    let Some(key) = bearer(request.headers()).and_then(KeyDigest::of) else {
        return Ok(None);
    };
    let now = app.clock.now();
    if let Some(client) = asker.client {
        let may_try = app.guesses.may_try(client, &key, now);
        may_try.map_err(|retry_after| asker.delayed(app, retry_after))?;
    }
    let found = app.accounts.open(&key).await;
    let opened = found.map_err(|error| store_refuses(&error))?;
    match (&opened, asker.client) {
        (Some(_), Some(client)) => app.guesses.right(client, &key, now),
        (None, Some(client)) => {
            asker.count(app, "refused");
            if app.guesses.wrong(client, &key, now) {
                tracing::warn!(
                    address = %client,
                    listener = asker.listener,
                    keys = app.guesses.max(),
                    "wrong keys come from one address: others are not looked up for a while"
                );
            }
        }
        (_, None) => {}
    }
    let Some(Opened { owner, bounds }) = opened else {
        return Ok(None);
    };
    if let Some(known) = request.extensions().get::<Known>() {
        known.owner(owner);
    }
    if bounds.has_ended(app.clock.unix()) {
        return Err(ProblemKind::KeyExpired.into());
    }
    if !bounds.holds_at(client::address(request, &app.limits.trusted_proxies)) {
        return Err(ProblemKind::AddressNotAllowed.into());
    }
    request.extensions_mut().insert(owner);
    Ok(Some((owner, bounds.role)))
}

impl Asker {
    fn delayed(&self, app: &App, retry_after: Duration) -> Problem {
        self.count(app, "delayed");
        let full = Full::WrongKeys(app.guesses.max());
        ProblemKind::TooManyRequests { full, retry_after }.into()
    }

    fn count(&self, app: &App, answer: &str) {
        let wrong = &app.metrics.http_wrong_keys_total;
        wrong.with_label_values(&[self.listener, answer]).inc();
    }
}

/// The middleware around what operators ask with their key.
pub(super) async fn look_up_first(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let asker = Asker {
        listener: "admin",
        client: client::sender(&request),
    };
    match look_up(&app, &mut request, asker).await {
        Ok(_) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

/// The key of `Authorization: Bearer …`; the scheme in any case (RFC 9110, 11.1).
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(key.trim())
        .filter(|key| !key.is_empty())
}

/// The id in the path. 404 for what is not an id: nothing can be there.
pub(super) struct Id<T>(pub(super) T);

impl<T: FromStr + Display + Send> FromRequestParts<App> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, app).await;
        let id = path.ok().and_then(|Path(text)| text.parse::<T>().ok());
        if let (Some(id), Some(known)) = (&id, parts.extensions.get::<Known>()) {
            known.object(id);
        }
        id.map(Self).ok_or(ProblemKind::NotFound.into())
    }
}
