//! Connections to Redis, and how scripts are called: in pipelines, and loaded again when a restarted server forgot them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, RwLock};
use std::time::Duration;

use deadpool_redis::{Manager, Pool, PoolConfig, Runtime};
use redis::{AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisResult, ServerErrorKind, Value};

use super::scripts::{Name, Scripts};
use super::servers::{AddressFault, Link, Servers};
use super::{Refusal, Shared, Store, StoreError, keys, rights};
use crate::domain::{PARTITIONS_MAX, Partition};

/// Redis may stall for seconds while it forks or its disk is slow. The crate's own half second would turn each of these
/// stalls into a lost reply.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to be made.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(5);

/// How often somebody at a desk asks for what moves, each time for as long as a call of a cluster is tried again: some ten seconds in all.
const MOVING_TIMES: usize = 5;

/// How everything is laid out in Redis. Another layout gets another number.
const SHAPE: u32 = 2;

/// Connections of the API: as many calls as may wait for Redis at once.
const POOL_SIZE: usize = 16;

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFault {
    /// The address cannot be used.
    #[error(transparent)]
    Address(#[from] AddressFault),
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

/// Where single calls go: a pool, or whichever server has the key.
#[derive(Clone)]
pub(super) enum Desk {
    Pool(Pool),
    Link(Link),
}

impl Store {
    /// Connects, and fixes the number of partitions at the first use.
    ///
    /// # Errors
    /// See [`ConnectFault`]; `Store` of kind unavailable may be tried again.
    pub(crate) async fn connect(
        servers: &Servers,
        (partitions, wait_replicas): (u16, u32),
    ) -> Result<Self, ConnectFault> {
        let moves = servers.link(RESPONSE_TIMEOUT).await?;
        rights::check(servers).await?;
        fix_shape(&moves).await?;
        let partitions = fix_partitions(&moves, partitions).await?;
        let shared = Shared {
            partitions,
            wait_replicas,
            tells_ids: AtomicBool::new(false),
            bases: (0..partitions).map(|number| keys::base(Partition(number))).collect(),
            scripts: Scripts::new(),
            forgotten: AtomicU64::new(0),
            ledgers: Mutex::default(),
            balances: Mutex::default(),
            gives_back: RwLock::default(),
            text_keys: OnceLock::new(),
        };
        let store = Self {
            moves,
            leases: servers.link(RESPONSE_TIMEOUT).await?,
            books: servers.link(RESPONSE_TIMEOUT).await?,
            bulk: servers.link(RESPONSE_TIMEOUT).await?,
            desk: match servers.only() {
                Some(client) => Desk::Pool(pool(client)?),
                None => Desk::Link(servers.link(RESPONSE_TIMEOUT).await?),
            },
            shared: Arc::new(shared),
        };
        store.load_scripts(&store.moves).await?;
        Ok(store)
    }

    /// A call of a script on a partition; arguments are added by the caller.
    ///
    /// It names two keys that are never there. Of a partition that a cluster is moving, key by key, each node has a part: two keys
    /// that it does not find are a reason for both of them to have the script wait.
    pub(super) fn partition_script(&self, name: Name, partition: Partition) -> Cmd {
        let base = self.base(partition);
        let mut command = redis::cmd("EVALSHA");
        command
            .arg(self.shared.scripts.digest(name))
            .arg(2)
            .arg(base)
            .arg(format!("{base}-"));
        command
    }

    /// A call of a script on `keys`, which are all that it touches; arguments are added by the caller.
    pub(super) fn script(&self, name: Name, keys: &[&str]) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(self.shared.scripts.digest(name)).arg(keys.len()).arg(keys);
        command
    }

    /// Runs calls in one round trip. A server that was restarted has forgotten the scripts: they are loaded again, and
    /// only the calls that found none are repeated.
    pub(super) async fn run(&self, connection: &Link, calls: Vec<Cmd>) -> Result<Vec<Value>, StoreError> {
        self.run_each(connection, calls).await?.into_iter().collect()
    }

    /// The same, with a reply to each: of several nodes, some may be away.
    pub(super) async fn run_each(
        &self,
        connection: &Link,
        calls: Vec<Cmd>,
    ) -> Result<Vec<Result<Value, StoreError>>, StoreError> {
        if calls.is_empty() {
            return Ok(Vec::new());
        }
        let pipeline = pipeline(calls);
        let mut replies = connection.send(&pipeline).await?;
        let missing: Vec<usize> = (0..replies.len()).filter(|&at| is_no_script(&replies[at])).collect();
        if !missing.is_empty() {
            self.shared.forgotten.fetch_add(missing.len() as u64, Ordering::Relaxed);
            self.load_scripts(connection).await?;
            let calls = pipeline.cmd_iter().enumerate();
            let again = calls
                .filter(|(at, _)| missing.contains(at))
                .map(|(_, call)| call.clone());
            let again = connection.send(&self::pipeline(again.collect())).await?;
            for (at, reply) in missing.into_iter().zip(again) {
                replies[at] = reply;
            }
        }
        Ok(replies.into_iter().map(|reply| Ok(reply?)).collect())
    }

    /// One call outside the hot path.
    pub(super) async fn ask<T: redis::FromRedisValue>(&self, command: &Cmd) -> Result<T, StoreError> {
        let reply = match self.desk.call(command).await {
            Err(StoreError::Refused(error)) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) => {
                self.shared.forgotten.fetch_add(1, Ordering::Relaxed);
                self.load_scripts(self.desk.link().unwrap_or(&self.bulk)).await?;
                self.desk.call(command).await?
            }
            reply => reply?,
        };
        read(reply)
    }

    /// Scripts that Redis had forgotten, since the start.
    pub(crate) fn forgotten_scripts(&self) -> u64 {
        self.shared.forgotten.load(Ordering::Relaxed)
    }

    /// Whether partitions may lie on several servers, of which some may be away.
    pub(crate) fn is_on_several(&self) -> bool {
        self.moves.is_to_cluster()
    }

    /// Whether Redis answers.
    pub(crate) async fn ping(&self) -> Result<(), StoreError> {
        self.ask::<String>(&redis::cmd("PING")).await.map(drop)
    }

    /// A warning for a server that is not ours, if its settings make it slow: see `hash-max-listpack-entries`.
    pub(crate) async fn slow_settings(&self) -> Option<String> {
        let mut ask = redis::cmd("CONFIG");
        ask.arg("GET").arg("hash-max-listpack-entries");
        let replies = self.bulk.each(&ask).await.ok()?;
        let values = replies
            .into_iter()
            .filter_map(|reply| read::<(String, u32)>(reply).ok());
        let value = values.map(|(_, value)| value).max()?;
        (value > 64).then(|| {
            format!("Redis has hash-max-listpack-entries {value}: small hashes of live messages are then scanned; set it to 64")
        })
    }

    /// Onto every master that there is.
    async fn load_scripts(&self, connection: &Link) -> Result<(), StoreError> {
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
        connection
            .send(&pipeline(loads))
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

fn is_no_script(reply: &RedisResult<Value>) -> bool {
    reply
        .as_ref()
        .is_err_and(|error| error.kind() == ErrorKind::Server(ServerErrorKind::NoScript))
}

impl Desk {
    /// The link that calls go over, which knows of nodes that others may not know of.
    fn link(&self) -> Option<&Link> {
        match self {
            Self::Pool(_) => None,
            Self::Link(link) => Some(link),
        }
    }

    /// `None`: there is no pool.
    pub(super) fn status(&self) -> Option<deadpool_redis::Status> {
        match self {
            Self::Pool(pool) => Some(pool.status()),
            Self::Link(_) => None,
        }
    }

    async fn call(&self, command: &Cmd) -> Result<Value, StoreError> {
        let pool = match self {
            Self::Pool(pool) => pool,
            Self::Link(link) => return patiently(link, command).await,
        };
        let mut connection = pool.get().await.map_err(|error| {
            if let deadpool_redis::PoolError::Backend(error) = error {
                return StoreError::from(error);
            }
            StoreError::Unavailable(redis::RedisError::from(std::io::Error::other(error.to_string())))
        })?;
        Ok(command.query_async(&mut connection).await?)
    }
}

/// Asks again while what is asked for is on its way from one node of a cluster to another: it was not done then.
async fn patiently(link: &Link, command: &Cmd) -> Result<Value, StoreError> {
    for _ in 1..MOVING_TIMES {
        let reply = link.call(command).await;
        if !matches!(&reply, Err(error) if error.refusal() == Some(Refusal::Moving)) {
            return reply;
        }
    }
    link.call(command).await
}

fn pool(client: &Client) -> Result<Pool, ConnectFault> {
    // By itself it would wait half a second: a server that is busy for one would be as good as away to whoever reads.
    let config = AsyncConnectionConfig::new()
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
        .set_connection_timeout(Some(CONNECTION_TIMEOUT));
    let manager = Manager::new_with_config(client.get_connection_info().clone(), config);
    Pool::builder(manager.map_err(AddressFault)?)
        .config(PoolConfig::new(POOL_SIZE))
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| ConnectFault::Pool(error.to_string()))
}

/// A database of another shape is not touched: what is in it would be lost between the two.
async fn fix_shape(link: &Link) -> Result<(), ConnectFault> {
    let mut get = redis::cmd("HMGET");
    let reply = link.call(get.arg(keys::META).arg("shape").arg("partitions")).await?;
    let found: (Option<u32>, Option<u16>) = read(reply)?;
    match found {
        (Some(SHAPE), _) => Ok(()),
        (None, None) => {
            let mut set = redis::cmd("HSETNX");
            link.call(set.arg(keys::META).arg("shape").arg(SHAPE)).await?;
            Ok(())
        }
        _ => Err(ConnectFault::OtherShape),
    }
}

/// The first engine that uses the database decides, for good.
async fn fix_partitions(link: &Link, wanted: u16) -> Result<u16, StoreError> {
    let mut set = redis::cmd("HSETNX");
    link.call(set.arg(keys::META).arg("partitions").arg(wanted)).await?;
    let mut get = redis::cmd("HGET");
    let partitions: u16 = read(link.call(get.arg(keys::META).arg("partitions")).await?)?;
    Ok(partitions.clamp(1, PARTITIONS_MAX))
}

pub(super) fn read<T: redis::FromRedisValue>(reply: Value) -> Result<T, StoreError> {
    Ok(redis::from_redis_value(reply).map_err(redis::RedisError::from)?)
}
