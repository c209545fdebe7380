//! How the server itself is: whose data it has, whether it keeps what it is given, how full it is, what time it has.

use std::fmt;
use std::time::{Duration, Instant};

use redis::{RedisResult, Value};

use super::connection::read;
use super::servers::{Link, Servers};
use super::{StoreError, keys};
use crate::clock::Clock;

/// A server that takes longer is away: everything else waits for it too.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(3);

/// The field of `c:meta` that tells one database from another.
pub(super) const ID: &str = "id";

/// Beside it: 1 while the journal is full.
pub(super) const JOURNAL_FULL: &str = "journal_full";

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

impl Memory {
    /// One without a limit is never full.
    fn is_fuller_than(self, other: Self) -> bool {
        let share = |memory: Self| match memory.max {
            0 => 0,
            max => u128::from(memory.used) * 1_000_000 / u128::from(max),
        };
        (share(self), self.used) > (share(other), other.used)
    }
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
    /// The engine with the duty says that the journal is full.
    pub(crate) journal_full: bool,
    /// How full it is; `None`: a node of a cluster does not say so now.
    pub(crate) memory: Option<Memory>,
    /// Settings that lose data; `None` when the server does not let us ask, as many hosted ones do not.
    pub(crate) hazards: Option<Vec<Hazard>>,
}

/// A connection that is only used to look: no bulk of others is in front of it.
#[derive(Clone)]
pub(crate) struct Probe {
    servers: Servers,
    link: Link,
    clock: Clock,
}

impl Probe {
    /// Connects.
    ///
    /// # Errors
    /// When the server is not there.
    pub(crate) async fn connect(servers: &Servers, clock: Clock) -> Result<Self, StoreError> {
        Ok(Self {
            servers: servers.clone(),
            link: servers.link(RESPONSE_TIMEOUT).await?,
            clock,
        })
    }

    /// Gives the database that id unless it has one. Returns the one that it has.
    ///
    /// # Errors
    /// When the server does not answer, or refuses.
    pub(crate) async fn claim(&self, id: &str) -> Result<String, StoreError> {
        let mut set = redis::cmd("HSETNX");
        self.link.call(set.arg(keys::META).arg(ID).arg(id)).await?;
        read(self.link.call(redis::cmd("HGET").arg(keys::META).arg(ID)).await?)
    }

    /// Looks at the master that the sentinels know now, or at every node of a cluster: what one of them lacks, the database lacks.
    ///
    /// # Errors
    /// When a server does not answer, or refuses more than CONFIG.
    pub(crate) async fn look(&self) -> Result<Sight, StoreError> {
        if let Err(error) = self.servers.follow().await {
            tracing::debug!(%error, "no sentinel says who the master is: it is taken for the one that it was");
        }
        let memory = match self.memory().await {
            Ok(memory) => Some(memory),
            // What is on the others goes on.
            Err(error) if self.link.is_to_cluster() => {
                tracing::debug!(%error, "a node of the cluster cannot be looked at");
                None
            }
            Err(error) => return Err(error),
        };
        let hazards = match memory {
            Some(_) => self.hazards().await,
            None => None,
        };
        // The last: whoever compares it with a clock does so at once.
        let since = self.clock.now();
        let [time, id] = self.time_and_id().await?;
        let at = self.clock.now();
        let ((seconds, micros), (id, full)): ((u64, u64), (_, Option<u8>)) = (read(time)?, read(id)?);
        Ok(Sight {
            at,
            round_trip: at - since,
            time_us: seconds * 1_000_000 + micros,
            id,
            journal_full: full == Some(1),
            memory,
            hazards,
        })
    }

    /// Of the node that has the id: another one's clock may be another.
    async fn time_and_id(&self) -> Result<[Value; 2], StoreError> {
        let mut calls = redis::pipe();
        calls.ignore_errors();
        calls.cmd("TIME");
        calls.cmd("HMGET").arg(keys::META).arg(ID).arg(JOURNAL_FULL);
        let replies: RedisResult<Vec<Value>> = self.link.send(&calls).await?.into_iter().collect();
        let both = <[Value; 2]>::try_from(replies?);
        both.map_err(|_| StoreError::Corrupt("a reply is missing"))
    }

    /// Of the fullest.
    async fn memory(&self) -> Result<Memory, StoreError> {
        let mut fullest = Memory::default();
        for reply in self.link.each(redis::cmd("INFO").arg("memory")).await? {
            let found = memory(&read::<String>(reply)?);
            if found.is_fuller_than(fullest) {
                fullest = found;
            }
        }
        Ok(fullest)
    }

    async fn hazards(&self) -> Option<Vec<Hazard>> {
        let mut settings = Vec::new();
        for setting in ["appendonly", "appendfsync", "maxmemory-policy"] {
            let mut get = redis::cmd("CONFIG");
            let replies = self.link.each(get.arg("GET").arg(setting)).await.ok()?;
            for (server, reply) in replies.into_iter().enumerate() {
                let found: Vec<(String, String)> = read(reply).ok()?;
                settings.extend(found.into_iter().map(|pair| (server, pair)));
            }
        }
        let servers = settings.iter().map(|(server, _)| server + 1).max()?;
        let of = |server| {
            let own = settings.iter().filter(move |(of, _)| *of == server);
            hazards(&own.map(|(_, pair)| pair.clone()).collect::<Vec<_>>())
        };
        let mut found: Vec<Hazard> = (0..servers).flat_map(of).collect();
        found.dedup();
        Some(found)
    }
}

/// Of what INFO says.
pub(super) fn memory(info: &str) -> Memory {
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

    #[test]
    fn the_fullest_has_the_least_room_for_what_it_may_use() {
        let [small, large, endless] = [(80, 100), (500, 1_000), (9_000, 0)].map(|(used, max)| Memory { used, max });
        assert!(
            small.is_fuller_than(large) && large.is_fuller_than(endless) && endless.is_fuller_than(Memory::default())
        );
        assert!(!large.is_fuller_than(small) && !small.is_fuller_than(small));
    }
}
