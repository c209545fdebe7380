//! Connections to Redis, and how scripts are called: in pipelines, and loaded again when a restarted server forgot them.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use deadpool_redis::{Manager, Pool, PoolConfig, Runtime};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, IntoConnectionInfo, Pipeline, RedisResult, ServerErrorKind, Value,
};

use super::scripts::{Name, Scripts};
use super::{Shared, Store, StoreError, keys};
use crate::domain::{PARTITIONS_MAX, Partition};

/// Redis may stall for seconds while it forks or its disk is slow. The crate's own half second would turn each of these
/// stalls into a lost reply.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to be made.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// Connections for answers and receipts, leases, the books, and all that is long.
const CONNECTIONS: usize = 4;

/// How everything is laid out in Redis. Another layout gets another number.
const SHAPE: u32 = 2;

/// Connections of the API: as many calls as may wait for Redis at once.
const POOL_SIZE: usize = 16;

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFault {
    /// The URL is invalid.
    #[error("redis.url: {0}")]
    Url(#[source] redis::RedisError),
    /// The server is not there or refuses us.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// It was written by a version that keeps everything otherwise.
    #[error(
        "this Redis database was written by an older version of Campanile, whose shape this one does not read: \
         choose an empty database (redis.url, redis.data_dir)"
    )]
    OtherShape,
    /// The pool could not be made.
    #[error("cannot make the pool of connections: {0}")]
    Pool(String),
}

impl Store {
    /// Where a URL leads, without its password; `redis.url` when it is invalid.
    pub(crate) fn address(url: &str) -> String {
        url.into_connection_info()
            .map_or_else(|_| "redis.url".to_owned(), |info| info.addr().to_string())
    }

    /// Connects, and fixes the number of partitions at the first use.
    ///
    /// # Errors
    /// See [`ConnectFault`]; `Store` of kind unavailable may be tried again.
    pub(crate) async fn connect(url: &str, partitions: u16) -> Result<Self, ConnectFault> {
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = url
            .into_connection_info()
            .map_err(ConnectFault::Url)?
            .set_tcp_settings(tcp);
        let client = Client::open(info).map_err(ConnectFault::Url)?;
        let mut connections = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            let config = ConnectionManagerConfig::new()
                .set_response_timeout(Some(RESPONSE_TIMEOUT))
                .set_connection_timeout(Some(CONNECTION_TIMEOUT))
                .set_max_delay(Duration::from_secs(1));
            connections.push(
                ConnectionManager::new_with_config(client.clone(), config)
                    .await
                    .map_err(StoreError::from)?,
            );
        }
        let mut first = connections[0].clone();
        fix_shape(&mut first).await?;
        let partitions = fix_partitions(&mut first, partitions).await.map_err(StoreError::from)?;
        let [moves, leases, books, bulk]: [ConnectionManager; CONNECTIONS] = connections
            .try_into()
            .map_err(|_| ConnectFault::Pool("one connection for each kind of work".into()))?;
        let shared = Shared {
            partitions,
            bases: (0..partitions).map(|number| keys::base(Partition(number))).collect(),
            scripts: Scripts::new(),
            ledgers: Mutex::default(),
            balances: Mutex::default(),
            text_keys: OnceLock::new(),
        };
        let store = Self {
            moves,
            leases,
            books,
            bulk,
            pool: pool(url)?,
            shared: Arc::new(shared),
        };
        store.load_scripts(&store.moves).await?;
        Ok(store)
    }

    /// A call of a script on `keys`; arguments are added by the caller.
    pub(super) fn script(&self, name: Name, keys: &[&str]) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.shared.scripts.digest(name)).arg(keys.len()).arg(keys);
        command
    }

    /// Runs calls in one round trip. A server that was restarted has forgotten the scripts: they are loaded again, and
    /// only the calls that found none are repeated.
    pub(super) async fn run(&self, connection: &ConnectionManager, calls: Vec<Cmd>) -> Result<Vec<Value>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let pipeline = pipeline(calls);
        let mut replies = send(connection, &pipeline).await?;
        let missing: Vec<usize> = (0..replies.len()).filter(|&at| is_no_script(&replies[at])).collect();
        if !missing.is_empty() {
            self.load_scripts(connection).await?;
            let calls = pipeline.cmd_iter().enumerate();
            let again = calls
                .filter(|(at, _)| missing.contains(at))
                .map(|(_, call)| call.clone());
            let again = send(connection, &self::pipeline(again.collect())).await?;
            for (at, reply) in missing.into_iter().zip(again) {
                replies[at] = reply;
            }
        }
        Ok(replies.into_iter().collect::<RedisResult<Vec<Value>>>()?)
    }

    /// One call outside the hot path, through the pool.
    pub(super) async fn ask<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let mut connection = self.pool.get().await.map_err(|error| {
            if let deadpool_redis::PoolError::Backend(error) = error {
                return StoreError::from(error);
            }
            StoreError::Unavailable(redis::RedisError::from(std::io::Error::other(error.to_string())))
        })?;
        match command.query_async(&mut connection).await {
            Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.load_scripts(&self.bulk).await?;
                Ok(command.query_async(&mut connection).await?)
            }
            reply => Ok(reply?),
        }
    }

    /// Whether Redis answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.ask::<String>(&redis::cmd("PING")).await.map(drop)
    }

    /// A warning for a server that is not ours, if its settings make it slow: see `hash-max-listpack-entries`.
    pub(crate) async fn slow_settings(&self) -> Option<String> {
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg("hash-max-listpack-entries");
        let (_, value): (String, u32) = self.ask(&ask).await.ok()?;
        (value > 64).then(|| {
            format!("Redis has hash-max-listpack-entries {value}: small hashes of live messages are then scanned; set it to 64")
        })
    }

    async fn load_scripts(&self, connection: &ConnectionManager) -> Result<(), StoreError> {
        let loads: Vec<Cmd> = self
            .shared
            .scripts
            .sources()
            .iter()
            .map(|source| {
                let mut load = redis::cmd("SCRIPT");
                load.arg("LOAD").arg(source);
                load
            })
            .collect();
        send(connection, &pipeline(loads))
            .await?
            .into_iter()
            .collect::<RedisResult<Vec<Value>>>()?;
        Ok(())
    }
}

fn pipeline(calls: Vec<Cmd>) -> Pipeline {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for call in calls {
        pipeline.add_command(call);
    }
    pipeline
}

async fn send(connection: &ConnectionManager, pipeline: &Pipeline) -> Result<Vec<RedisResult<Value>>, StoreError> {
    Ok(pipeline.query_async(&mut connection.clone()).await?)
}

fn is_no_script(reply: &RedisResult<Value>) -> bool {
    reply
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

fn pool(url: &str) -> Result<Pool, ConnectFault> {
    // By itself it would wait half a second: a server that is busy for one would be as good as away to whoever reads.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT));
    let manager = Manager::new_with_config(url, config).map_err(ConnectFault::Url)?;
    Pool::builder(manager)
        .config(PoolConfig::new(POOL_SIZE))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| ConnectFault::Pool(error.to_string()))
}

/// A database of another shape is not touched: what is in it would be lost between the two.
async fn fix_shape(connection: &mut ConnectionManager) -> Result<(), ConnectFault> {
    let mut get = redis::cmd("HMGET");
    get.arg(keys::META).arg("shape").arg("partitions");
    let (shape, partitions): (Option<u32>, Option<u16>) =
        get.query_async(connection).await.map_err(StoreError::from)?;
    match (shape, partitions) {
        (Some(SHAPE), _) => Ok(()),
        (None, None) => {
            let mut set = redis::cmd("HSETNX");
            set.arg(keys::META).arg("shape").arg(SHAPE);
            set.query_async::<i64>(connection).await.map_err(StoreError::from)?;
            Ok(())
        }
        _ => Err(ConnectFault::OtherShape),
    }
}

/// The first engine that uses the database decides, for good.
async fn fix_partitions(connection: &mut ConnectionManager, wanted: u16) -> RedisResult<u16> {
    let mut set = redis::cmd("HSETNX");
    let _created: i64 = set
        .arg(keys::META)
        .arg("partitions")
        .arg(wanted)
        .query_async(connection)
        .await?;
    let mut get = redis::cmd("HGET");
    let partitions: u16 = get.arg(keys::META).arg("partitions").query_async(connection).await?;
    Ok(partitions.clamp(1, PARTITIONS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_shows_no_password() {
        assert_eq!(Store::address("redis://user:secret@10.0.0.1:6380/2"), "10.0.0.1:6380");
        assert_eq!(Store::address("redis+unix:///run/redis.sock"), "/run/redis.sock");
        assert_eq!(Store::address("nothing of the kind"), "redis.url");
    }
}
