//! The connection of one kind of work, which follows its server.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::{ConnectionManager, ConnectionManagerConfig, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_routing::{MultipleNodeRoutingInfo, RoutingInfo};
use redis::{Client, Cmd, ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};
use tokio::sync::Mutex;

use super::super::StoreError;
use super::renewed::Renewed;
use super::{Servers, spread};

/// Cheap to clone; its callers share what is sent at a time.
#[derive(Clone)]
pub(in crate::store) struct Link(To);

#[derive(Clone)]
enum To {
    One(ConnectionManager),
    Visit(MultiplexedConnection),
    Cluster(Arc<Renewed>),
    Master(Arc<Followed>),
}

/// A connection to whoever is the master.
struct Followed {
    servers: Servers,
    response_timeout: Duration,
    /// With how often the master had changed by then. `None`: the last one is broken.
    held: Mutex<Option<(MultiplexedConnection, u64)>>,
}

impl Link {
    pub(super) async fn to_one(client: Client, config: ConnectionManagerConfig) -> Result<Self, StoreError> {
        let manager = ConnectionManager::new_with_config(client, config).await?;
        Ok(Self(To::One(manager)))
    }

    pub(super) fn to_visit(connection: MultiplexedConnection) -> Self {
        Self(To::Visit(connection))
    }

    pub(super) async fn to_cluster(client: &ClusterClient, response_timeout: Duration) -> Result<Self, StoreError> {
        Ok(Self(To::Cluster(Arc::new(
            Renewed::connect(client, response_timeout).await?,
        ))))
    }

    pub(super) async fn to_master(servers: Servers, response_timeout: Duration) -> Result<Self, StoreError> {
        let followed = Followed {
            servers,
            response_timeout,
            held: Mutex::default(),
        };
        followed.connection().await?;
        Ok(Self(To::Master(Arc::new(followed))))
    }

    /// One call.
    pub(in crate::store) async fn call(&self, call: &Cmd) -> Result<Value, StoreError> {
        match &self.0 {
            To::One(manager) => Ok(call.query_async(&mut manager.clone()).await?),
            To::Visit(connection) => Ok(call.query_async(&mut connection.clone()).await?),
            To::Cluster(cluster) => {
                Box::pin(cluster.ask(async |mut connection| call.query_async(&mut connection).await)).await
            }
            To::Master(followed) => Box::pin(followed.call(call)).await,
        }
    }

    /// One call to each master: their replies, in no order.
    pub(in crate::store) async fn each(&self, call: &Cmd) -> Result<Vec<Value>, StoreError> {
        let To::Cluster(cluster) = &self.0 else {
            return Ok(vec![self.call(call).await?]);
        };
        let masters = RoutingInfo::MultiNode((MultipleNodeRoutingInfo::AllMasters, None));
        let asked = cluster.ask(async |mut connection| connection.route_command(call.clone(), masters).await);
        let reply = Box::pin(asked).await?;
        if let Value::Map(replies) = reply {
            return Ok(replies.into_iter().map(|(_, reply)| reply).collect());
        }
        Ok(vec![reply])
    }

    /// Whether more than one server may have the data.
    pub(in crate::store) fn is_to_cluster(&self) -> bool {
        matches!(self.0, To::Cluster(_))
    }

    /// Calls in one round trip, with a reply for each.
    pub(in crate::store) async fn send(&self, calls: &Pipeline) -> Result<Vec<RedisResult<Value>>, StoreError> {
        match &self.0 {
            To::One(manager) => Ok(calls.query_async(&mut manager.clone()).await?),
            To::Visit(connection) => Ok(calls.query_async(&mut connection.clone()).await?),
            To::Cluster(cluster) => {
                Box::pin(cluster.ask(async |connection| spread::send(&connection, calls).await)).await
            }
            To::Master(followed) => Box::pin(followed.send(calls)).await,
        }
    }
}

impl Followed {
    async fn call(&self, call: &Cmd) -> Result<Value, StoreError> {
        let (mut connection, changes) = self.connection().await?;
        let reply: RedisResult<Value> = self.heard(changes, call.query_async(&mut connection)).await;
        self.heed(reply.as_ref().err(), changes).await;
        Ok(reply?)
    }

    async fn send(&self, calls: &Pipeline) -> Result<Vec<RedisResult<Value>>, StoreError> {
        let (mut connection, changes) = self.connection().await?;
        let replies: RedisResult<Vec<RedisResult<Value>>> =
            self.heard(changes, calls.query_async(&mut connection)).await;
        let refused = |reply: &'_ RedisResult<Value>| reply.as_ref().err().filter(|error| is_no_master(error)).cloned();
        let wrong = match &replies {
            Ok(replies) => replies.iter().find_map(refused),
            Err(error) => Some(error.clone()),
        };
        self.heed(wrong.as_ref(), changes).await;
        Ok(replies?)
    }

    /// A reply, unless the master turns out to be another one meanwhile: what stood still may never reply.
    async fn heard<T>(&self, changes: u64, reply: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
        tokio::select! {
            reply = reply => reply,
            () = self.servers.changed_since(changes) => {
                let moved = "the sentinels have another master";
                Err(std::io::Error::new(std::io::ErrorKind::ConnectionReset, moved).into())
            }
        }
    }

    async fn connection(&self) -> Result<(MultiplexedConnection, u64), StoreError> {
        let mut held = self.held.lock().await;
        if let Some((connection, changes)) = held.as_ref().filter(|(_, changes)| *changes == self.servers.changes()) {
            return Ok((connection.clone(), *changes));
        }
        let made = self.servers.connect(self.response_timeout).await?;
        *held = Some(made.clone());
        Ok(made)
    }

    /// A connection that is broken, or to a server that is the master no more, is not used again.
    async fn heed(&self, wrong: Option<&RedisError>, changes: u64) {
        let broken = |error: &&RedisError| error.is_unrecoverable_error() || error.is_timeout() || is_no_master(error);
        if wrong.filter(broken).is_none() {
            return;
        }
        let mut held = self.held.lock().await;
        // To a master that was found meanwhile there is another one.
        if held.as_ref().is_some_and(|(_, since)| *since == changes) {
            *held = None;
        }
    }
}

/// It was demoted, or never was one.
fn is_no_master(error: &RedisError) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Server(ServerErrorKind::ReadOnly | ServerErrorKind::MasterDown)
    )
}
