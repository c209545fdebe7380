//! A look at a server before an engine uses it: is it there, how is it set up, what time has it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::connection::read;
use super::servers::{Link, Servers};
use super::{StoreError, rights};

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

/// Looks, without writing anything. Of a cluster, at one of its nodes; its settings are those of all of them, where they agree.
///
/// # Errors
/// When the server is not there, or refuses us, or its user lacks rights, or a part of a cluster has no master.
pub(crate) async fn inspect(servers: &Servers) -> Result<Inspection, StoreError> {
    rights::check(servers).await?;
    let link = servers.visit(WITHIN).await?;
    if link.is_to_cluster() {
        let of_each = link.each(redis::cmd("CLUSTER").arg("INFO")).await?;
        let of_each: Vec<String> = of_each.into_iter().map(read).collect::<Result<_, _>>()?;
        of_each.iter().try_for_each(|info| whole(info))?;
    }
    let infos = link.each(redis::cmd("INFO").arg("server")).await?;
    let infos: Vec<String> = infos.into_iter().map(read).collect::<Result<_, _>>()?;
    let (seconds, micros): (u64, u64) = read(link.call(&redis::cmd("TIME")).await?)?;
    Ok(Inspection {
        server: described(&infos),
        settings: settings(&link).await.ok(),
        time_us: seconds * 1_000_000 + micros,
    })
}

/// Whether a node of a cluster knows a master that works for every slot.
fn whole(info: &str) -> Result<(), StoreError> {
    let of = |field: &str| info.lines().find_map(|line| line.strip_prefix(field)).map(str::trim);
    let (state, working) = (of("cluster_state:"), of("cluster_slots_ok:").unwrap_or("some"));
    if state.is_none_or(|state| state == "ok") {
        return Ok(());
    }
    let down = redis::ErrorKind::Server(redis::ServerErrorKind::ClusterDown);
    let what = format!("{working} of the 16384 slots have a master that works");
    Err(redis::RedisError::from((down, "the cluster is down", what)).into())
}

/// `Redis 7.0.15`, `3 × Redis 7.0.15`, or each with its number.
fn described(infos: &[String]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for info in infos {
        *counts.entry(server(info)).or_default() += 1;
    }
    let described = counts.iter().map(|(server, count)| match (infos.len(), count) {
        (1, _) => server.clone(),
        (_, count) => format!("{count} × {server}"),
    });
    described.collect::<Vec<_>>().join(", ")
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

/// A value in which servers differ is none: all of them, as they say it.
async fn settings(link: &Link) -> Result<BTreeMap<String, String>, StoreError> {
    let mut all = BTreeMap::new();
    for setting in SETTINGS {
        let mut get = redis::cmd("CONFIG");
        let mut values = Vec::new();
        for reply in link.each(get.arg("GET").arg(setting)).await? {
            let found: Vec<(String, String)> = read(reply)?;
            values.extend(found.into_iter().map(|(_, value)| value));
        }
        values.sort_unstable();
        values.dedup();
        if !values.is_empty() {
            all.insert(setting.to_owned(), values.join(", "));
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_whole_when_every_slot_has_a_master_that_works() {
        let info = |state: &str, working: u32| {
            format!(
                "cluster_enabled:1\r\ncluster_state:{state}\r\ncluster_slots_assigned:16384\r\ncluster_slots_ok:{working}\r\n"
            )
        };
        assert!(whole(&info("ok", 16_384)).is_ok());
        let said = whole(&info("fail", 10_923)).unwrap_err().to_string();
        assert!(
            said.contains("the cluster is down") && said.contains("10923 of the 16384 slots"),
            "{said}"
        );
    }

    #[test]
    fn servers_of_a_cluster_are_counted() {
        let info = |version: &str| format!("redis_version:{version}\r\n");
        assert_eq!(described(&[info("7.0.15")]), "Redis 7.0.15");
        let three = ["7.0.15", "7.2.4", "7.0.15"].map(info);
        assert_eq!(described(&three), "2 × Redis 7.0.15, 1 × Redis 7.2.4");
    }

    #[test]
    fn a_server_is_called_what_it_is() {
        assert_eq!(server("# Server\r\nredis_version:7.0.15\r\n"), "Redis 7.0.15");
        let both = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:9.1.2\r\n";
        assert_eq!(server(both), "Valkey 9.1.2");
        assert_eq!(server("# Server\r\n"), "of no version");
    }
}
