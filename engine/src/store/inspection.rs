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
    /// Its name and version: `Redis 7.0.15`, `Valkey 9.1.2`.
    pub(crate) server: String,
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
    let (seconds, micros): (u64, u64) = redis::cmd("TIME").query_async(&mut connection).await?;
    Ok(Inspection {
        server: server(&info),
        settings: settings(&mut connection).await.ok(),
        time_us: seconds * 1_000_000 + micros,
    })
}

/// Valkey says the last version of Redis that it is like as `redis_version`, and its own beside it.
fn server(info: &str) -> String {
    let of = |field: &str| info.lines().find_map(|line| line.strip_prefix(field));
    match (of("valkey_version:"), of("redis_version:")) {
        (Some(version), _) => format!("Valkey {}", version.trim()),
        (None, Some(version)) => format!("Redis {}", version.trim()),
        (None, None) => "of no version".to_owned(),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_called_what_it_is() {
        assert_eq!(server("# Server\r\nredis_version:7.0.15\r\n"), "Redis 7.0.15");
        let both = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n";
        assert_eq!(server(both), "Valkey 9.1.2");
        assert_eq!(server("# Server\r\n"), "of no version");
    }
}
