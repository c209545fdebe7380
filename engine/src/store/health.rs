//! How the server itself is: whose data it has, whether it keeps what it is given, how full it is, what time it has.

use std::fmt;
use std::time::{Duration, Instant};

use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, FromRedisValue, Pipeline, RedisResult, Value};

use super::{StoreError, keys};
use crate::clock::Clock;

/// A server that takes longer is away: everything else waits for it too.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The field of `c:meta` that tells one database from another.
pub(super) const ID: &str = "id";

/// A setting of the server with which it loses what it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hazard {
    /// `appendonly` is not `yes`: what is in memory ends with the process.
    NoAppendOnly(String),
    /// `appendfsync no`: the system writes when it likes, half a minute late or later.
    NoFsync,
    /// `maxmemory-policy` is not `noeviction`: keys go when memory is short.
    Evicts(String),
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAppendOnly(value) => write!(f, "appendonly {value} (allowed: yes)"),
            Self::NoFsync => f.write_str("appendfsync no (allowed: everysec, always)"),
            Self::Evicts(policy) => write!(f, "maxmemory-policy {policy} (allowed: noeviction)"),
        }
    }
}

/// Memory in octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// `used_memory`.
    pub(crate) used: u64,
    /// `maxmemory`; 0: as much as the machine has.
    pub(crate) max: u64,
}

/// What one look at the server shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sight {
    /// When the reply was there.
    pub(crate) at: Instant,
    /// How long it took.
    pub(crate) round_trip: Duration,
    /// The server's TIME, µs since 1970; it was read somewhere within the round trip.
    pub(crate) time_us: u64,
    /// The database's id; `None` when it has none.
    pub(crate) id: Option<String>,
    /// How full it is.
    pub(crate) memory: Memory,
    /// Settings that lose data; `None` when the server does not let us ask, as many hosted ones do not.
    pub(crate) hazards: Option<Vec<Hazard>>,
}

/// A connection that is only used to look: no bulk of others is in front of it.
#[derive(Clone)]
pub(crate) struct Probe {
    connection: ConnectionManager,
    clock: Clock,
}

impl Probe {
    /// Connects.
    ///
    /// # Errors
    /// When the URL is invalid or the server is not there.
    pub(crate) async fn connect(url: &str, clock: Clock) -> Result<Self, StoreError> {
        let config = ConnectionManagerConfig::new()
            .set_response_timeout(Some(RESPONSE_TIMEOUT))
            .set_connection_timeout(Some(RESPONSE_TIMEOUT))
            .set_max_delay(Duration::from_secs(1));
        let connection = ConnectionManager::new_with_config(Client::open(url)?, config).await?;
        Ok(Self { connection, clock })
    }

    /// Gives the database that id unless it has one. Returns the one that it has.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub(crate) async fn claim(&self, id: &str) -> Result<String, StoreError> {
        let mut calls = redis::pipe();
        calls.cmd("HSETNX").arg(keys::META).arg(ID).arg(id).ignore();
        calls.cmd("HGET").arg(keys::META).arg(ID);
        let (id,): (String,) = calls.query_async(&mut self.connection.clone()).await?;
        Ok(id)
    }

    /// Looks.
    ///
    /// # Errors
    /// When the server does not answer, or refuses more than CONFIG.
    pub(crate) async fn look(&self) -> Result<Sight, StoreError> {
        let since = self.clock.now();
        let replies: Vec<RedisResult<Value>> = questions().query_async(&mut self.connection.clone()).await?;
        let at = self.clock.now();
        let mut replies = replies.into_iter();
        let (seconds, micros): (u64, u64) = next(&mut replies)?;
        let id = next(&mut replies)?;
        let info: String = next(&mut replies)?;
        let settings: RedisResult<Vec<(String, String)>> = (0..3).map(|_| next(&mut replies)).collect();
        Ok(Sight {
            at,
            round_trip: at - since,
            time_us: seconds * 1_000_000 + micros,
            id,
            memory: memory(&info),
            hazards: settings.ok().map(|settings| hazards(&settings)),
        })
    }
}

fn questions() -> Pipeline {
    let mut calls = redis::pipe();
    calls.ignore_errors();
    calls.cmd("TIME");
    calls.cmd("HGET").arg(keys::META).arg(ID);
    calls.cmd("INFO").arg("memory");
    for setting in ["appendonly", "appendfsync", "maxmemory-policy"] {
        calls.cmd("CONFIG").arg("GET").arg(setting);
    }
    calls
}

fn next<T: FromRedisValue>(replies: &mut impl Iterator<Item = RedisResult<Value>>) -> RedisResult<T> {
    let missing = || redis::RedisError::from(std::io::Error::other("a reply is missing"));
    let value = replies.next().ok_or_else(missing)??;
    Ok(redis::from_redis_value(value)?)
}

fn memory(info: &str) -> Memory {
    let figure = |name: &str| {
        let mut values = info.lines().filter_map(|line| line.split_once(':'));
        let value = values.find(|(known, _)| *known == name);
        value.and_then(|(_, value)| value.trim().parse().ok()).unwrap_or(0)
    };
    Memory {
        used: figure("used_memory"),
        max: figure("maxmemory"),
    }
}

fn hazards(settings: &[(String, String)]) -> Vec<Hazard> {
    let value = |name: &str| {
        settings
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    };
    let mut found = Vec::new();
    match (value("appendonly"), value("appendfsync")) {
        (Some(appendonly), _) if appendonly != "yes" => found.push(Hazard::NoAppendOnly(appendonly.to_owned())),
        (_, Some("no")) => found.push(Hazard::NoFsync),
        _ => {}
    }
    if let Some(policy) = value("maxmemory-policy").filter(|policy| *policy != "noeviction") {
        found.push(Hazard::Evicts(policy.to_owned()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(appendonly: &str, appendfsync: &str, policy: &str) -> Vec<Hazard> {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        hazards(&[
            pair("appendonly", appendonly),
            pair("appendfsync", appendfsync),
            pair("maxmemory-policy", policy),
        ])
    }

    #[test]
    fn settings_that_lose_data_are_named_with_their_value() {
        assert_eq!(found("yes", "everysec", "noeviction"), []);
        assert_eq!(found("yes", "always", "noeviction"), []);
        assert_eq!(found("no", "no", "noeviction"), [Hazard::NoAppendOnly("no".into())]);
        let both = found("yes", "no", "allkeys-lru");
        assert_eq!(both, [Hazard::NoFsync, Hazard::Evicts("allkeys-lru".into())]);
        assert_eq!(
            both[1].to_string(),
            "maxmemory-policy allkeys-lru (allowed: noeviction)"
        );
    }

    #[test]
    fn memory_is_read_from_the_lines_of_their_exact_name() {
        let info = "# Memory\r\nused_memory_rss:9\r\nused_memory:850\r\nmaxmemory_human:1K\r\nmaxmemory:1000\r\n";
        assert_eq!(memory(info), Memory { used: 850, max: 1000 });
        assert_eq!(memory("").max, 0);
    }
}
