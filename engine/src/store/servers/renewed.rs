//! The connection to a cluster, which is made anew when it stands still.
//!
//! The client looks for the slots anew under a lock that calls of its own may wait for; while it does, it looks at none of these, and a call that
//! was just given the lock keeps it from going on, for ever. So whoever waits for long asks any node for a sign of life over the same connection:
//! nodes may be slow, but they are not all of them, and one that answers shows that the connection does.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use redis::RedisResult;
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::cluster_routing::{RoutingInfo, SingleNodeRoutingInfo};

use super::super::StoreError;
use super::cluster;

/// A call that has no reply for so long has the connection looked at.
const LONG: Duration = Duration::from_secs(2);

/// So long a sign of life may take.
const SIGN_WITHIN: Duration = Duration::from_secs(1);

/// Nodes that are asked for one: some may be gone.
const SIGNS: usize = 3;

/// A new connection may take so long.
const MADE_WITHIN: Duration = Duration::from_secs(10);

/// Beyond what a node may take, a call may be tried again for so long.
const TRIED_FOR: Duration = Duration::from_secs(5);

pub(super) struct Renewed {
    client: ClusterClient,
    response_timeout: Duration,
    /// With how many there were before it.
    held: Mutex<(ClusterConnection, u64)>,
    /// One looks at a time; the others have what it finds.
    looking: tokio::sync::Mutex<()>,
}

impl Renewed {
    pub(super) async fn connect(client: &ClusterClient, response_timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self {
            client: client.clone(),
            response_timeout,
            held: Mutex::new((cluster(client, response_timeout).await?, 0)),
            looking: tokio::sync::Mutex::default(),
        })
    }

    /// What is asked over the connection. Without a reply it is not known whether it was done.
    pub(super) async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(ClusterConnection) -> RedisResult<T>,
    ) -> Result<T, StoreError> {
        let (connection, number) = self.held();
        let reply = ask(connection.clone());
        tokio::pin!(reply);
        let mut waited = Duration::ZERO;
        while waited < self.response_timeout + TRIED_FOR {
            if let Ok(reply) = tokio::time::timeout(LONG, &mut reply).await {
                return Ok(reply?);
            }
            waited += LONG;
            if self.is_another((&connection, number)).await {
                break;
            }
        }
        let late = std::io::Error::new(std::io::ErrorKind::TimedOut, "the cluster gives no reply");
        Err(StoreError::Unavailable(late.into()))
    }

    fn held(&self) -> (ClusterConnection, u64) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether there is another connection than that, since it stands still.
    async fn is_another(&self, (connection, number): (&ClusterConnection, u64)) -> bool {
        let _one = self.looking.lock().await;
        if self.held().1 != number {
            return true;
        }
        if lives(connection).await {
            return false;
        }
        let Ok(made) = cluster(&self.client, self.response_timeout).await else {
            return false;
        };
        tracing::warn!("a connection to the Redis Cluster stood still, and is made anew");
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = (made, number + 1);
        true
    }
}

/// Whether any node answers over the connection, be it with a refusal.
async fn lives(connection: &ClusterConnection) -> bool {
    let sign = || async {
        let mut connection = connection.clone();
        let anywhere = RoutingInfo::SingleNode(SingleNodeRoutingInfo::Random);
        connection.route_command(redis::cmd("PING"), anywhere).await
    };
    let signs = futures::future::select_all((0..SIGNS).map(|_| Box::pin(sign())));
    tokio::time::timeout(SIGN_WITHIN, signs).await.is_ok()
}

/// A connection to a cluster that may be down.
pub(super) async fn within<T>(making: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(MADE_WITHIN, making).await.map_err(super::late)?
}
