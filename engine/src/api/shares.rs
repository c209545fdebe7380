//! What one tenant, or one address behind a proxy, may have at once, so that the others are served whatever it does.

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rustc_hash::FxHashMap;

use super::access::{self, Asker};
use super::client::{self, Client, Peer};
use super::doc::Needs;
use super::problem::{Cause, Full, Problem, ProblemKind};
use super::refusal::{BUSY, full};
use super::{App, held};
use crate::config;
use crate::domain::TenantId;
use crate::store::KeyOwner;

/// Streams of events of one tenant at once: some people's windows.
const TENANT_STREAMS_MAX: u32 = 16;

/// Those of all tenants: each holds one connection, and as many campaigns at most are looked at every second.
const STREAMS_MAX: u32 = 512;

/// Who has how much of the API now. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Shares {
    /// Of tenants, and of resellers by themselves.
    requests: Counts<KeyOwner>,
    uploads: Counts<TenantId>,
    addresses: Counts<Client>,
    streams: Counts<TenantId>,
    /// Of all tenants together.
    all_streams: Counts<()>,
}

impl Shares {
    /// With the limits of `[api]`, nothing taken.
    pub(crate) fn new(api: &config::Api) -> Self {
        Self {
            requests: Counts::new(api.tenant_requests_max),
            uploads: Counts::new(api.tenant_uploads_max),
            addresses: Counts::new(api.address_connections_max),
            streams: Counts::new(TENANT_STREAMS_MAX),
            all_streams: Counts::new(STREAMS_MAX),
        }
    }

    /// One of the tenant's places for a body of any length.
    pub(super) fn upload(&self, tenant: TenantId) -> Result<Share<TenantId>, Problem> {
        let share = self.uploads.take(tenant);
        share.ok_or_else(|| full(Full::TenantUploads(self.uploads.max)))
    }

    /// One of the tenant's places for a stream of events, and one of all.
    pub(super) fn stream(&self, tenant: TenantId) -> Result<Streaming, Problem> {
        let own = self.streams.take(tenant);
        let own = own.ok_or_else(|| full(Full::TenantStreams(self.streams.max)))?;
        let retry_after = BUSY;
        let one = self.all_streams.take(());
        let cause = Cause::StreamsFull;
        let one = one.ok_or(ProblemKind::Unavailable { cause, retry_after })?;
        Ok(Streaming { _own: own, _one: one })
    }

    fn request(&self, owner: KeyOwner) -> Result<Share<KeyOwner>, Problem> {
        let share = self.requests.take(owner);
        share.ok_or_else(|| full(Full::TenantRequests(self.requests.max)))
    }

    fn address(&self, client: Client) -> Result<Share<Client>, Problem> {
        let share = self.addresses.take(client);
        share.ok_or_else(|| full(Full::AddressRequests(self.addresses.max)))
    }
}

/// A place for a stream, until it is dropped.
pub(super) struct Streaming {
    _own: Share<TenantId>,
    _one: Share<()>,
}

#[cfg(test)]
impl Shares {
    /// How many requests of tenants are under way.
    pub(super) fn under_way(&self) -> u32 {
        lock(&self.requests.taken).values().sum()
    }
}

/// The middleware around the public routes: looks the key up, asks whether its role is enough, and takes the caller's shares until
/// the answer is written.
pub(super) async fn admit(State((app, needs)): State<(App, Needs)>, mut request: Request, next: Next) -> Response {
    let vouched_for = behind_proxy(&app, &request);
    let address = match vouched_for {
        Some(client) => app.shares.address(client).map(Some),
        None => Ok(None),
    };
    let address = match address {
        Ok(share) => share,
        Err(problem) => return problem.into_response(),
    };
    let asker = Asker {
        listener: "public",
        client: vouched_for.or_else(|| client::sender(&request)),
    };
    match own_share(&app, (&mut request, asker), &needs).await {
        Ok(own) => held::until_written(next.run(request).await, (address, own)),
        Err(problem) => problem.into_response(),
    }
}

async fn own_share(
    app: &App,
    (request, asker): (&mut Request, Asker),
    needs: &Needs,
) -> Result<Option<Share<KeyOwner>>, Problem> {
    match access::look_up(app, request, asker).await? {
        Some((owner @ (KeyOwner::Reseller(_) | KeyOwner::Tenant(_)), bounds)) => {
            needs.ask(request, (owner, &bounds))?;
            app.shares.request(owner).map(Some)
        }
        Some((KeyOwner::Operator, _)) | None => Ok(None),
    }
}

/// Who asked a proxy of ours. Anybody else's requests are bounded by his connections, which carry one at a time.
fn behind_proxy(app: &App, request: &Request) -> Option<Client> {
    let Peer(peer) = *request.extensions().get::<Peer>()?;
    let proxies = &app.limits.trusted_proxies;
    client::is_proxy(peer, proxies).then(|| Client::of(client::forwarded(request.headers(), peer, proxies)))
}

/// How many each has, and how many it may have.
struct Counts<K> {
    max: u32,
    taken: Arc<Mutex<FxHashMap<K, u32>>>,
}

// Derived, it would ask for a `K` that can be cloned.
impl<K> Clone for Counts<K> {
    fn clone(&self) -> Self {
        Self {
            max: self.max,
            taken: self.taken.clone(),
        }
    }
}

impl<K: Copy + Eq + Hash> Counts<K> {
    fn new(max: u32) -> Self {
        Self {
            max,
            taken: Arc::default(),
        }
    }

    fn take(&self, key: K) -> Option<Share<K>> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(key).or_default();
        if *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Share {
            key,
            taken: self.taken.clone(),
        })
    }
}

/// One of somebody's places, until it is dropped.
pub(super) struct Share<K: Copy + Eq + Hash> {
    key: K,
    taken: Arc<Mutex<FxHashMap<K, u32>>>,
}

impl<K: Copy + Eq + Hash> Drop for Share<K> {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        let left = taken.get(&self.key).map_or(0, |count| count - 1);
        if left == 0 {
            taken.remove(&self.key);
        } else {
            taken.insert(self.key, left);
        }
    }
}

fn lock<K>(taken: &Mutex<FxHashMap<K, u32>>) -> MutexGuard<'_, FxHashMap<K, u32>> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_places_and_gets_them_back() {
        let counts = Counts::new(2);
        let (one, two) = (counts.take('a').unwrap(), counts.take('a').unwrap());
        assert!(counts.take('a').is_none() && counts.take('b').is_some());
        drop(one);
        assert!(counts.take('a').is_some());
        drop(two);
        assert!(lock(&counts.taken).is_empty());
    }
}
