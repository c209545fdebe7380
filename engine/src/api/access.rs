//! Who asks, and about what: keys and ids of a request.

use std::convert::Infallible;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::App;
use super::client::{self, Client};
use super::known::Known;
use super::problem::{Barred, Full, Problem, ProblemKind};
use super::refusal::store_refuses;
use crate::account::{KeyDigest, Opened};
use crate::domain::{CampaignId, KeyBounds, KeyKind, ResellerId, TenantId};
use crate::store::KeyOwner;

/// The tenant for which a reseller's key acts.
pub(super) const ACTS_FOR: &str = "x-tenant-id";

/// A request with a tenant's key, or for a tenant. 401 without a known key, 403 with another's.
pub(super) struct Caller(pub(super) TenantId);

/// Whether the key reaches the tenant's guests alone.
pub(super) struct GuestsOnly(pub(super) bool);

impl FromRequestParts<App> for GuestsOnly {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get() == Some(&KeyKind::Team)))
    }
}

/// A campaign of the caller's that it may set going and halt: with a key that reaches guests alone, one that was made with such a key.
pub(super) struct Reached(pub(super) TenantId, pub(super) CampaignId);

/// A request with the operator's key. 401 without a known key, 403 with another's.
pub(super) struct Operator;

/// Which tenants the request may manage: all of them with the operator's key, with a reseller's its own. 403 with a tenant's.
pub(super) struct Manager(pub(super) Option<ResellerId>);

/// The tenant in the path, if the request may manage it; 404 as for none, when it may not.
pub(super) struct Managed(pub(super) TenantId);

/// The reseller in the path, for the operator and itself; 404 for others.
pub(super) struct Hosting(pub(super) ResellerId);

/// The reseller whose key acts for a tenant of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acting(pub(super) ResellerId);

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match owner(parts)? {
            KeyOwner::Tenant(tenant) => Ok(Self(tenant)),
            KeyOwner::Reseller(_) => Err(barred(Barred::NoTenantNamed)),
            KeyOwner::Operator => Err(barred(Barred::Key)),
        }
    }
}

impl FromRequestParts<App> for Reached {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Caller(tenant) = Caller::from_request_parts(parts, app).await?;
        let Id(id) = Id::<CampaignId>::from_request_parts(parts, app).await?;
        let is_bound = parts.extensions.get() == Some(&KeyKind::Team);
        if is_bound && !app.campaigns.find(tenant, id).await?.guests_only {
            return Err(ProblemKind::GuestsOnly.into());
        }
        Ok(Self(tenant, id))
    }
}

impl FromRequestParts<App> for Operator {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match owner(parts)? {
            KeyOwner::Operator => Ok(Self),
            KeyOwner::Reseller(_) | KeyOwner::Tenant(_) => Err(barred(Barred::Key)),
        }
    }
}

impl FromRequestParts<App> for Manager {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        match owner(parts)? {
            KeyOwner::Operator => Ok(Self(None)),
            KeyOwner::Reseller(reseller) => Ok(Self(Some(reseller))),
            KeyOwner::Tenant(_) => Err(barred(Barred::Key)),
        }
    }
}

impl FromRequestParts<App> for Managed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Manager(manager) = Manager::from_request_parts(parts, app).await?;
        let tenant: TenantId = first_id(parts, app).await?;
        // A sandbox follows its tenant, and has no credits.
        if tenant.is_sandbox() {
            return Err(ProblemKind::NotFound.into());
        }
        if let Some(reseller) = manager {
            app.accounts.is_hosted(tenant, reseller).await?;
        }
        note(parts, tenant);
        Ok(Self(tenant))
    }
}

impl FromRequestParts<App> for Hosting {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let Manager(manager) = Manager::from_request_parts(parts, app).await?;
        let reseller: ResellerId = first_id(parts, app).await?;
        if manager.is_some_and(|own| own != reseller) {
            return Err(ProblemKind::NotFound.into());
        }
        note(parts, reseller);
        Ok(Self(reseller))
    }
}

/// The first id of the path. 404 for what is no id.
async fn first_id<T: FromStr>(parts: &mut Parts, app: &App) -> Result<T, Problem> {
    let path = Path::<Vec<(String, String)>>::from_request_parts(parts, app).await;
    let first = path.ok().and_then(|Path(all)| all.into_iter().next());
    let id = first.and_then(|(_, text)| text.parse().ok());
    id.ok_or(ProblemKind::NotFound.into())
}

/// What the request is about.
fn note(parts: &Parts, object: impl ToString) {
    if let Some(known) = parts.extensions.get::<Known>() {
        known.object(object);
    }
}

fn barred(why: Barred) -> Problem {
    ProblemKind::Forbidden { why }.into()
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

/// Whose key the request has, and what bounds it; `None` without a known one. A handler that wants one asks for [`Caller`] or [`Operator`].
///
/// # Errors
/// The store is away, the asker has tried too many keys, or the key does not hold now or not from there.
pub(super) async fn look_up(
    app: &App,
    request: &mut Request,
    asker: Asker,
) -> Result<Option<(KeyOwner, Arc<KeyBounds>)>, Problem> {
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
    let acts_as = acts_as(app, request, owner).await?;
    request.extensions_mut().insert(acts_as);
    request.extensions_mut().insert(bounds.kind);
    Ok(Some((acts_as, bounds)))
}

/// Whose request it is: the tenant's that is named, when a reseller acts for it; else the key's owner's.
async fn acts_as(app: &App, request: &mut Request, owner: KeyOwner) -> Result<KeyOwner, Problem> {
    let Some(named) = request.headers().get(ACTS_FOR) else {
        return Ok(owner);
    };
    let tenant: Option<TenantId> = named.to_str().ok().and_then(|text| text.trim().parse().ok());
    let tenant = tenant.ok_or(Problem::from(ProblemKind::NotFound))?;
    match owner {
        // On its own routes it names tenants in the path.
        KeyOwner::Operator => Ok(owner),
        KeyOwner::Tenant(own) if own == tenant => Ok(owner),
        KeyOwner::Tenant(_) => Err(ProblemKind::NotFound.into()),
        KeyOwner::Reseller(reseller) => {
            app.accounts.is_hosted(tenant, reseller).await?;
            if let Some(known) = request.extensions().get::<Known>() {
                known.acting(reseller, tenant);
            }
            request.extensions_mut().insert(Acting(reseller));
            Ok(KeyOwner::Tenant(tenant))
        }
    }
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
