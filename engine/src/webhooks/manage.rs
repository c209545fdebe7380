//! What tenants do with their endpoints. Each change holds from its answer on.

use super::attempt::PostResult;
use super::backlog::{self, Delivery, DeliveryState};
use super::endpoint::{self, Disabled, Endpoint};
use super::event::{TEST, event};
use super::signature::Secret;
use super::{MARGIN, Shared, WebhookFault, Webhooks};
use crate::database::{Change, DatabaseError};
use crate::domain::{DeliveryId, EndpointId, TenantId, UnixMicros};
use crate::fault::UrlProblem;
use crate::store::Token;

/// Why something cannot be done with an endpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointFault {
    /// The tenant has no such endpoint, or no such delivery of it.
    #[error("no such endpoint or delivery")]
    NotFound,
    /// The tenant has as many as it may have.
    #[error("{max} endpoints are the most")]
    TooMany { max: u32 },
    /// Its URL is not one that is asked.
    #[error("the URL cannot be asked")]
    Url(UrlProblem),
    /// The operating system gave no random octets for a secret.
    #[error("the system gives no random numbers: {0}")]
    NoRandom(#[from] getrandom::Error),
    #[error(transparent)]
    Webhook(#[from] WebhookFault),
}

impl From<DatabaseError> for EndpointFault {
    fn from(error: DatabaseError) -> Self {
        Self::Webhook(error.into())
    }
}

/// What is to be changed of an endpoint, or said of a new one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Changes {
    pub(crate) url: Option<String>,
    pub(crate) filters: Option<Vec<String>>,
    pub(crate) description: Option<String>,
    pub(crate) enabled: Option<bool>,
}

/// What came of a test.
#[derive(Clone, Debug)]
pub(crate) struct Tested {
    pub(crate) delivered: bool,
    pub(crate) code: Option<u16>,
    /// Why there is no code.
    pub(crate) fault: Option<&'static str>,
    pub(crate) milliseconds: u64,
}

impl Webhooks {
    /// Makes an endpoint. The same request makes no second one.
    ///
    /// # Errors
    /// [`EndpointFault::Url`], [`EndpointFault::TooMany`], [`EndpointFault::NoRandom`] or [`EndpointFault::Webhook`].
    pub(crate) async fn create(
        &self,
        tenant: TenantId,
        token: Token,
        changes: Changes,
    ) -> Result<Endpoint, EndpointFault> {
        let shared = &self.0;
        let _held = shared.changing.lock().await;
        let mut change = shared.database.change().await?;
        let there = Endpoint::of(&mut change, tenant).await?;
        let id = id_of(token);
        if let Some(known) = there.iter().find(|endpoint| endpoint.id == id) {
            return Ok(known.clone());
        }
        let max = shared.settings.endpoints;
        if there.len() >= max as usize {
            return Err(EndpointFault::TooMany { max });
        }
        let now = shared.now();
        let mut endpoint = Endpoint {
            id,
            tenant,
            url: String::new(),
            description: String::new(),
            filters: Vec::new(),
            secret: Secret::new()?,
            former: Vec::new(),
            created_at: now,
            told_from: now.minus(MARGIN),
            failures: 0,
            failing_since: None,
            resting_until: UnixMicros(0),
            disabled: None,
            dropped: 0,
        };
        shared.apply(&mut endpoint, changes)?;
        shared.save(change, &endpoint).await?;
        Ok(endpoint)
    }

    /// A tenant's endpoints, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn list(&self, tenant: TenantId) -> Result<Vec<Endpoint>, EndpointFault> {
        let mut change = self.0.database.change().await?;
        Ok(Endpoint::of(&mut change, tenant).await?)
    }

    /// One of a tenant's.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`] or [`EndpointFault::Webhook`].
    pub(crate) async fn find(&self, tenant: TenantId, id: EndpointId) -> Result<Endpoint, EndpointFault> {
        let mut change = self.0.database.change().await?;
        find(&mut change, tenant, id).await
    }

    /// How many deliveries wait for it.
    pub(crate) fn waiting(&self, id: EndpointId) -> u64 {
        let waiting = self.0.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        waiting.get(&id).copied().unwrap_or_default()
    }

    /// Changes one. Enabled again, it is tried at once, and told of what happens from now on and of what waits.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`], [`EndpointFault::Url`] or [`EndpointFault::Webhook`].
    pub(crate) async fn change(
        &self,
        tenant: TenantId,
        id: EndpointId,
        changes: Changes,
    ) -> Result<Endpoint, EndpointFault> {
        let enabled = changes.enabled == Some(true);
        let endpoint = self
            .with(tenant, id, |shared, endpoint| shared.apply(endpoint, changes))
            .await?;
        if enabled {
            let mut change = self.0.database.change().await?;
            backlog::hurry(&mut change, id, self.0.now()).await?;
            change.commit().await?;
            self.0.wake(std::iter::once(id));
        }
        Ok(endpoint)
    }

    /// Gives it another secret. Each before it signs as well until its time is over, however often this is asked for.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`], [`EndpointFault::NoRandom`] or [`EndpointFault::Webhook`].
    pub(crate) async fn rotate(&self, tenant: TenantId, id: EndpointId) -> Result<Endpoint, EndpointFault> {
        let rotate = |shared: &Shared, endpoint: &mut Endpoint| {
            let now = shared.now();
            endpoint.rotate(Secret::new()?, now, now.plus(shared.settings.secret_kept));
            Ok(())
        };
        self.with(tenant, id, rotate).await
    }

    /// Removes it, and what it was to be told.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`] or [`EndpointFault::Webhook`].
    pub(crate) async fn remove(&self, tenant: TenantId, id: EndpointId) -> Result<(), EndpointFault> {
        let shared = &self.0;
        let _held = shared.changing.lock().await;
        let mut change = shared.database.change().await?;
        if !endpoint::remove(&mut change, tenant, id).await? {
            return Err(EndpointFault::NotFound);
        }
        change.commit().await?;
        shared.show_waiting(|waiting| waiting.retain(|known, _| *known != id));
        Ok(shared.reload().await?)
    }

    /// Posts a test to it, now, whether or not it is disabled.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`], [`EndpointFault::NoRandom`] or [`EndpointFault::Webhook`].
    pub(crate) async fn test(&self, tenant: TenantId, id: EndpointId) -> Result<Tested, EndpointFault> {
        let endpoint = self.find(tenant, id).await?;
        let mut octets = [0; 8];
        getrandom::fill(&mut octets)?;
        let delivery = DeliveryId(u64::from_be_bytes(octets));
        let at = (self.0.now().0 / 1_000) as i64;
        let body = event(TEST, at, &serde_json::json!({ "endpoint": id.to_string() }));
        let attempt = self.0.post(&endpoint, &delivery.to_string(), body.to_string()).await;
        Ok(Tested {
            delivered: attempt.post_result() == PostResult::Delivered,
            code: attempt.result.as_ref().ok().map(|answer| answer.code),
            fault: attempt.result.as_ref().err().map(<&str>::from),
            milliseconds: attempt.took.as_millis() as u64,
        })
    }

    /// What it was and is to be told, newest first.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`] or [`EndpointFault::Webhook`].
    pub(crate) async fn deliveries(
        &self,
        (tenant, id): (TenantId, EndpointId),
        state: Option<DeliveryState>,
        (before, limit): (Option<DeliveryId>, usize),
    ) -> Result<Vec<Delivery>, EndpointFault> {
        self.find(tenant, id).await?;
        Ok(backlog::page(&self.0.database, (id, state), before, limit).await?)
    }

    /// Has it be told once more, under the same id.
    ///
    /// # Errors
    /// [`EndpointFault::NotFound`] or [`EndpointFault::Webhook`].
    pub(crate) async fn replay(
        &self,
        (tenant, id): (TenantId, EndpointId),
        delivery: DeliveryId,
    ) -> Result<(), EndpointFault> {
        let shared = &self.0;
        let mut change = shared.database.change().await?;
        find(&mut change, tenant, id).await?;
        if !backlog::replay(&mut change, (id, delivery), shared.now()).await? {
            return Err(EndpointFault::NotFound);
        }
        change.commit().await?;
        Ok(shared.count_waiting().await?)
    }

    /// Changes one of a tenant's, and keeps it.
    async fn with(
        &self,
        tenant: TenantId,
        id: EndpointId,
        make: impl FnOnce(&Shared, &mut Endpoint) -> Result<(), EndpointFault>,
    ) -> Result<Endpoint, EndpointFault> {
        let shared = &self.0;
        let _held = shared.changing.lock().await;
        let mut change = shared.database.change().await?;
        let mut endpoint = find(&mut change, tenant, id).await?;
        make(shared, &mut endpoint)?;
        shared.save(change, &endpoint).await?;
        Ok(endpoint)
    }
}

impl Shared {
    fn apply(&self, endpoint: &mut Endpoint, changes: Changes) -> Result<(), EndpointFault> {
        let Changes {
            url,
            filters,
            description,
            enabled,
        } = changes;
        if let Some(url) = url {
            self.postman.check(&url).map_err(EndpointFault::Url)?;
            endpoint.url = url;
        }
        endpoint.filters = filters.unwrap_or(std::mem::take(&mut endpoint.filters));
        endpoint.description = description.unwrap_or(std::mem::take(&mut endpoint.description));
        match enabled {
            Some(true) if endpoint.disabled.is_some() => {
                endpoint.disabled = None;
                (endpoint.failures, endpoint.failing_since, endpoint.resting_until) = (0, None, UnixMicros(0));
                endpoint.told_from = self.now().minus(MARGIN);
            }
            Some(false) => {
                endpoint.disabled.get_or_insert((self.now(), Disabled::Owner));
            }
            Some(true) | None => {}
        }
        Ok(())
    }

    async fn save(&self, mut change: Change, endpoint: &Endpoint) -> Result<(), EndpointFault> {
        endpoint.save(&mut change).await?;
        change.commit().await?;
        self.reload().await?;
        self.wake(std::iter::once(endpoint.id));
        Ok(())
    }
}

async fn find(change: &mut Change, tenant: TenantId, id: EndpointId) -> Result<Endpoint, EndpointFault> {
    let all = Endpoint::of(change, tenant).await?;
    all.into_iter()
        .find(|endpoint| endpoint.id == id)
        .ok_or(EndpointFault::NotFound)
}

/// The id of what a request makes: positive, as databases number.
fn id_of(token: Token) -> EndpointId {
    let octets = token.0.first_chunk::<8>().copied().unwrap_or_default();
    EndpointId(u64::from_be_bytes(octets) >> 1)
}
