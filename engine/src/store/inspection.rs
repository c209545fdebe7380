//! A look at a server before an engine uses it: is it there, how is it set up, what time has it.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisResult};

use super::StoreError;

/// A server that takes longer is of no use to an engine.
const WITHIN: Duration = Duration::from_secs(5);

/// Settings that are looked at.
const SETTINGS: [&str; 5] = [
    "appendonly",
    "appendfsync",
    "maxmemory",
    "maxmemory-policy",
    "hash-max-listpack-entries",
];

/// What one look shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inspection {
    /// Its version.
    pub(crate) version: String,
    /// Settings by name; `None`: it does not let us ask.
    pub(crate) settings: Option<BTreeMap<String, String>>,
    /// Its TIME, µs since 1970.
    pub(crate) time_us: u64,
}

/// Looks, without writing anything.
///
/// # Errors
/// When the server is not there, or refuses us.
pub(crate) async fn inspect(url: &str) -> Result<Inspection, StoreError> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(WITHIN))
        .set_response_timeout(Some(WITHIN));
    let client = Client::open(url)?;
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connection).await?;
    let version = info.lines().find_map(|line| line.strip_prefix("redis_version:"));
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut connection).await?;
    Ok(Inspection {
        version: version.unwrap_or("unknown").trim().to_owned(),
        settings: settings(&mut connection).await.ok(),
        time_us: seconds * 1_000_000 + micros,
    })
}

async fn settings(connection: &mut MultiplexedConnection) -> RedisResult<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for setting in SETTINGS {
        let mut get = redis::cmd("CONFIG");
        get.arg("GET").arg(setting);
        let found: Vec<(String, String)> = get.query_async(connection).await?;
        all.extend(found);
    }
    Ok(all)
}
