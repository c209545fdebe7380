//! Who asks, and about what: keys and ids of a request.

use std::fmt::Display;
use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::known::Known;
use super::problem::{Problem, ProblemKind};
use super::refusal::store_refuses;
use crate::domain::TenantId;
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

/// Whose key the request has; `None` without a known one. A handler that wants one asks for [`Caller`] or [`Operator`].
pub(super) async fn look_up(app: &App, request: &mut Request) -> Result<Option<KeyOwner>, Problem> {
    let Some(bearer) = bearer(request.headers()) else {
        return Ok(None);
    };
    let found = app.accounts.authenticate(bearer).await;
    let owner = found.map_err(|error| store_refuses(&error))?;
    if let Some(owner) = owner {
        if let Some(known) = request.extensions().get::<Known>() {
            known.owner(owner);
        }
        request.extensions_mut().insert(owner);
    }
    Ok(owner)
}

/// The middleware around what operators ask with their key.
pub(super) async fn look_up_first(State(app): State<App>, mut request: Request, next: Next) -> Response {
    match look_up(&app, &mut request).await {
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
