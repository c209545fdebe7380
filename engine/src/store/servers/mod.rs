//! The servers that `redis.url` leads to: one, a cluster, or whichever of some the sentinels call the master.

mod link;
mod renewed;
mod spread;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use redis::aio::{ConnectionManagerConfig, MultiplexedConnection, PubSub};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ClientTlsConfig, ConnectionAddr, ConnectionInfo, IntoConnectionInfo, RedisResult,
    TlsCertificates, TlsMode,
};
use tokio::sync::{Mutex, watch};

pub(super) use link::Link;

use super::StoreError;
use crate::config::{Arrangement, RedisAddress, RedisTls};

/// How long a connection may take to be made, and whoever is asked on the way may take to answer.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// What was sent to a server is acknowledged by its machine within this time.
#[cfg(target_os = "linux")]
const SILENT_FOR: Duration = Duration::from_secs(15);

/// How often a call of a cluster is tried again: for about two seconds. Whoever calls then hears of it, and asks again by itself.
const CLUSTER_RETRIES: u32 = 8;

/// The pauses between, in milliseconds.
const CLUSTER_PAUSES_MS: (u64, u64) = (20, 400);

/// An address that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct AddressFault(#[from] pub(super) redis::RedisError);

/// Where Redis is. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Servers(Arc<Known>);

struct Known {
    address: String,
    kind: Kind,
}

enum Kind {
    One(Client),
    Cluster(ClusterClient, Vec<Client>),
    Watched(Watched),
}

/// Servers that sentinels watch.
struct Watched {
    sentinels: Mutex<SentinelClient>,
    /// Where the master was when it was looked for last, and how often it was another one by then.
    master: std::sync::Mutex<Option<Client>>,
    changes: watch::Sender<u64>,
    /// How often one was found.
    found: AtomicU64,
}

impl Servers {
    /// Does not connect yet.
    ///
    /// # Errors
    /// When the address cannot be used.
    pub(crate) fn new(address: &RedisAddress) -> Result<Self, AddressFault> {
        let tls = address.tls.as_ref();
        let kind = match &address.arrangement {
            Arrangement::One(url) => Kind::One(client(url.reveal(), tls)?),
            Arrangement::Cluster(urls) => {
                let infos: RedisResult<Vec<_>> = urls.iter().map(|url| info(url.reveal(), tls)).collect();
                let infos = infos?;
                let clients = infos.iter().cloned().map(Client::open).collect::<RedisResult<_>>()?;
                let mut builder = ClusterClientBuilder::new(infos)
                    .connection_timeout(CONNECTION_TIMEOUT)
                    .retries(CLUSTER_RETRIES)
                    .min_retry_wait(CLUSTER_PAUSES_MS.0)
                    .max_retry_wait(CLUSTER_PAUSES_MS.1)
                    .tcp_settings(tcp());
                if let Some(tls) = tls {
                    builder = builder.certs(certificates(tls));
                }
                Kind::Cluster(builder.build()?, clients)
            }
            Arrangement::Sentinel {
                sentinels,
                master,
                server,
            } => {
                let sentinels = sentinels.iter().map(|url| url.reveal()).collect::<Vec<_>>();
                Kind::Watched(watched((&sentinels, master), server.reveal(), tls)?)
            }
        };
        Ok(Self(Arc::new(Known {
            address: shown(&address.arrangement),
            kind,
        })))
    }

    /// Where that is, without a password.
    pub(crate) fn address(&self) -> &str {
        &self.0.address
    }

    /// The connection of one kind of work, on which a reply may take as long as that.
    ///
    /// # Errors
    /// When no server is there, or refuses us.
    pub(super) async fn link(&self, response_timeout: Duration) -> Result<Link, StoreError> {
        match &self.0.kind {
            Kind::One(client) => {
                let config = ConnectionManagerConfig::new()
                    .set_response_timeout(Some(response_timeout))
                    .set_connection_timeout(Some(CONNECTION_TIMEOUT))
                    .set_max_delay(Duration::from_secs(1));
                Link::to_one(client.clone(), config).await
            }
            Kind::Cluster(client, _) => Box::pin(Link::to_cluster(client, response_timeout)).await,
            Kind::Watched(_) => Box::pin(Link::to_master(self.clone(), response_timeout)).await,
        }
    }

    /// The one server that there is, if there is one.
    pub(super) fn only(&self) -> Option<&Client> {
        match &self.0.kind {
            Kind::One(client) => Some(client),
            Kind::Cluster(..) | Kind::Watched(_) => None,
        }
    }

    /// A connection that hears what is published.
    ///
    /// # Errors
    /// When no server is there.
    pub(super) async fn subscription(&self) -> Result<PubSub, StoreError> {
        match &self.0.kind {
            Kind::One(client) => subscribed(client).await,
            Kind::Watched(watched) => subscribed(&Box::pin(watched.master()).await?.0).await,
            // What is published on one node is heard on all.
            Kind::Cluster(_, named) => {
                let mut heard = Err(StoreError::Corrupt("a cluster has no server"));
                for client in named {
                    heard = subscribed(client).await;
                    if heard.is_ok() {
                        break;
                    }
                }
                heard
            }
        }
    }

    /// A connection for a look, which is not made again.
    ///
    /// # Errors
    /// When no server is there.
    pub(super) async fn visit(&self, within: Duration) -> Result<Link, StoreError> {
        match &self.0.kind {
            Kind::One(client) => Ok(Link::to_visit(connection(client, within).await?)),
            Kind::Watched(watched) => Ok(Link::to_visit(
                connection(&Box::pin(watched.master()).await?.0, within).await?,
            )),
            Kind::Cluster(client, _) => Box::pin(Link::to_cluster(client, within)).await,
        }
    }

    /// A connection to one server: of a cluster, to the first node that is there.
    ///
    /// # Errors
    /// When no server is there.
    pub(super) async fn one_of_them(&self, within: Duration) -> Result<MultiplexedConnection, StoreError> {
        match &self.0.kind {
            Kind::One(client) => connection(client, within).await,
            Kind::Watched(watched) => connection(&Box::pin(watched.master()).await?.0, within).await,
            Kind::Cluster(_, named) => {
                let mut found = Err(StoreError::Corrupt("a cluster has no server"));
                for client in named {
                    found = connection(client, within).await;
                    if found.is_ok() {
                        break;
                    }
                }
                found
            }
        }
    }

    /// Asks the sentinels who the master is, where there are any: one that is another than before is followed by every link.
    ///
    /// # Errors
    /// When none of them knows one that is there.
    pub(super) async fn follow(&self) -> Result<(), StoreError> {
        match &self.0.kind {
            Kind::Watched(watched) => Box::pin(watched.look()).await,
            Kind::One(_) | Kind::Cluster(..) => Ok(()),
        }
    }

    /// How often the master was found to be another one.
    fn changes(&self) -> u64 {
        match &self.0.kind {
            Kind::Watched(watched) => *watched.changes.borrow(),
            Kind::One(_) | Kind::Cluster(..) => 0,
        }
    }

    /// Waits until the master is another one than after so many changes.
    async fn changed_since(&self, changes: u64) {
        if let Kind::Watched(watched) = &self.0.kind {
            let mut heard = watched.changes.subscribe();
            // The sender is there as long as these servers.
            let _found = heard.wait_for(|now| *now != changes).await;
        } else {
            std::future::pending().await
        }
    }

    /// A new connection to the master, and after how many changes.
    async fn connect(&self, response_timeout: Duration) -> Result<(MultiplexedConnection, u64), StoreError> {
        let (client, changes) = match &self.0.kind {
            Kind::One(client) => (client.clone(), 0),
            // Never where it was before: that one may be back, and think that it is the master still.
            Kind::Watched(watched) => {
                watched.look().await?;
                watched.master().await?
            }
            Kind::Cluster(..) => return Err(StoreError::Corrupt("a cluster has no one master")),
        };
        Ok((connection(&client, response_timeout).await?, changes))
    }
}

impl Watched {
    async fn master(&self) -> Result<(Client, u64), StoreError> {
        let known = || {
            let master = self.master.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            master.clone().map(|client| (client, *self.changes.borrow()))
        };
        if known().is_none() {
            self.look().await?;
        }
        known().ok_or(StoreError::Corrupt("sentinels know no master"))
    }

    /// Whoever comes while it is looked for has what is found.
    async fn look(&self) -> Result<(), StoreError> {
        let before = self.found.load(Ordering::Acquire);
        let mut sentinels = self.sentinels.lock().await;
        if self.found.load(Ordering::Acquire) != before {
            return Ok(());
        }
        let found = tokio::time::timeout(CONNECTION_TIMEOUT, sentinels.async_get_client());
        let found = found.await.map_err(late)??;
        self.found.fetch_add(1, Ordering::AcqRel);
        let address = |client: &Client| client.get_connection_info().addr().to_string();
        let mut master = self.master.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match &*master {
            Some(before) if address(before) == address(&found) => return Ok(()),
            Some(before) => {
                tracing::warn!(
                    before = address(before),
                    now = address(&found),
                    "the sentinels have another master"
                );
            }
            None => {}
        }
        let is_another = master.replace(found).is_some();
        drop(master);
        if is_another {
            self.changes.send_modify(|changes| *changes += 1);
        }
        Ok(())
    }
}

fn late(late: tokio::time::error::Elapsed) -> StoreError {
    StoreError::Unavailable(std::io::Error::from(late).into())
}

/// What whoever reads a log is told.
fn shown(arrangement: &Arrangement) -> String {
    let address = |url: &str| {
        url.into_connection_info()
            .map_or_else(|_| "redis.url".to_owned(), |info| info.addr().to_string())
    };
    let listed = |urls: &[crate::config::Secret]| {
        urls.iter()
            .map(|url| address(url.reveal()))
            .collect::<Vec<_>>()
            .join(", ")
    };
    match arrangement {
        Arrangement::One(url) => address(url.reveal()),
        Arrangement::Cluster(urls) => format!("the cluster of {}", listed(urls)),
        Arrangement::Sentinel { sentinels, master, .. } => {
            format!("{master} by the sentinels {}", listed(sentinels))
        }
    }
}

fn watched((sentinels, name): (&[&str], &str), server: &str, tls: Option<&RedisTls>) -> RedisResult<Watched> {
    let infos: Vec<_> = sentinels
        .iter()
        .map(|url| url.into_connection_info())
        .collect::<RedisResult<_>>()?;
    let addresses: Vec<ConnectionAddr> = infos.iter().map(|info| info.addr().clone()).collect();
    let server = server.into_connection_info()?;
    let settings = server.redis_settings();
    let mut builder = SentinelClientBuilder::new(addresses, name, SentinelServerType::Master)?
        .set_client_to_redis_db(settings.db())
        .set_client_to_redis_tcp_settings(tcp())
        .set_client_to_sentinel_tcp_settings(tcp());
    if let Some(user) = settings.username() {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = settings.password() {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(password) = infos.first().and_then(|info| info.redis_settings().password()) {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if matches!(server.addr(), ConnectionAddr::TcpTls { .. }) {
        builder = builder
            .set_client_to_redis_tls_mode(TlsMode::Secure)
            .set_client_to_sentinel_tls_mode(TlsMode::Secure);
    }
    if let Some(tls) = tls {
        builder = builder
            .set_client_to_redis_certificates(certificates(tls))
            .set_client_to_sentinel_certificates(certificates(tls));
    }
    Ok(Watched {
        sentinels: Mutex::new(builder.build()?),
        master: std::sync::Mutex::default(),
        changes: watch::Sender::new(0),
        found: AtomicU64::new(0),
    })
}

async fn connection(client: &Client, response_timeout: Duration) -> Result<MultiplexedConnection, StoreError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECTION_TIMEOUT))
        .set_response_timeout(Some(response_timeout));
    Ok(client.get_multiplexed_async_connection_with_config(&config).await?)
}

async fn cluster(client: &ClusterClient, response_timeout: Duration) -> Result<ClusterConnection, StoreError> {
    let config = redis::cluster::ClusterConfig::new()
        .set_connection_timeout(CONNECTION_TIMEOUT)
        .set_response_timeout(response_timeout);
    renewed::within(async { Ok(client.get_async_connection_with_config(config).await?) }).await
}

async fn subscribed(client: &Client) -> Result<PubSub, StoreError> {
    let connecting = tokio::time::timeout(CONNECTION_TIMEOUT, client.get_async_pubsub());
    Ok(connecting.await.map_err(late)??)
}

fn client(url: &str, tls: Option<&RedisTls>) -> RedisResult<Client> {
    Client::open(info(url, tls)?)
}

/// A pool takes no more than this: what is special about TLS is in it.
fn info(url: &str, tls: Option<&RedisTls>) -> RedisResult<ConnectionInfo> {
    let info = url.into_connection_info()?.set_tcp_settings(tcp());
    match tls {
        Some(tls) => Ok(Client::build_with_tls(info, certificates(tls))?
            .get_connection_info()
            .clone()),
        None => Ok(info),
    }
}

/// A server whose machine is gone without a word is given up after a while, and not when the kernel does by itself, in a quarter of an
/// hour.
fn tcp() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(SILENT_FOR);
    settings
}

fn certificates(tls: &RedisTls) -> TlsCertificates {
    let identity = tls.identity.as_ref();
    TlsCertificates {
        client_tls: identity.map(|(client_cert, client_key)| ClientTlsConfig {
            client_cert: client_cert.clone(),
            client_key: client_key.clone(),
        }),
        root_cert: tls.authorities.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        let address = |url: &str| {
            let servers = Servers::new(&RedisAddress::one(url));
            servers.map(|servers| servers.address().to_owned())
        };
        assert_eq!(address("redis://user:secret@10.0.0.1:6380/2").unwrap(), "10.0.0.1:6380");
        assert_eq!(address("redis+unix:///run/redis.sock").unwrap(), "/run/redis.sock");
        assert!(address("nothing of the kind").is_err());
    }
}
