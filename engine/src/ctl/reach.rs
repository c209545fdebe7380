//! `campanile check --connect`: whether what the configuration names can be reached.

use serde_json::{Value, json};

use super::failure::Failure;
use super::output::{Table, cell, print_json, rows};
use crate::bind::{Lone, NoSession};
use crate::clock::Clock;
use crate::config::{Config, Smsc};
use crate::database::Database;
use crate::store::{Servers, inspect, installed_server, running};

/// Connects to both databases and to every SMSC, binds to none, and prints what came of it.
///
/// # Errors
/// [`Failure::Away`] when one of them cannot be reached.
pub(crate) async fn reach(config: &Config, json: bool) -> Result<(), Failure> {
    let mut found = vec![redis(config).await, database(config).await];
    for smsc in &config.smsc {
        found.push(one(smsc).await);
    }
    let away = found.iter().filter(|one| one["reached"] != true).count();
    let report = json!({ "data": found });
    if json {
        print_json(&report)?;
    } else {
        let mut table = Table::new(&["what", "reached", "address", "detail"]);
        for one in rows(&report) {
            table.row(["what", "reached", "address", "detail"].map(|key| cell(&one[key])));
        }
        table.print()?;
    }
    match away {
        0 => Ok(()),
        1 => Err(Failure::Away("one of them cannot be reached".to_owned())),
        many => Err(Failure::Away(format!("{many} of them cannot be reached"))),
    }
}

async fn redis(config: &Config) -> Value {
    let Some(address) = &config.redis.url else {
        // An engine may run on that folder: then its server is there, and answers or not.
        if let Some(servers) = running(&config.redis.data_dir).await {
            return match inspect(&servers).await {
                Ok(found) => said("redis", true, "redis.data_dir", &found.server),
                Err(error) => said("redis", false, "redis.data_dir", &error.to_string()),
            };
        }
        return match installed_server().await {
            Ok(version) => said("redis", true, "redis.data_dir", &version),
            Err(fault) => said("redis", false, "redis.data_dir", &fault.to_string()),
        };
    };
    let servers = match Servers::new(address) {
        Ok(servers) => servers,
        Err(error) => return said("redis", false, "redis.url", &error.to_string()),
    };
    match inspect(&servers).await {
        Ok(found) => said("redis", true, servers.address(), &found.server),
        Err(error) => said("redis", false, servers.address(), &error.to_string()),
    }
}

async fn database(config: &Config) -> Value {
    let (place, reached) = Database::reach(&config.database).await;
    match reached {
        Ok(version) => said("database", true, &place, &version),
        Err(fault) => said("database", false, &place, &fault.to_string()),
    }
}

async fn one(smsc: &Smsc) -> Value {
    let what = format!("smsc {}", smsc.name);
    let kind = smsc.bind.kinds()[0];
    match Lone::connect(smsc, kind, Clock::new()).await {
        // Dropped unbound: the SMSC has seen a connection, and nothing more.
        Ok((_unbound, reached)) => {
            let how = reached.tls.map_or("TCP".to_owned(), |version| format!("TLS {version}"));
            said(
                &what,
                true,
                &reached.address,
                &format!("{how} in {} ms", reached.after.as_millis()),
            )
        }
        Err(NoSession::Unreachable(fault) | NoSession::NoTls(fault) | NoSession::Unencodable(fault)) => {
            said(&what, false, &smsc.link.addresses.join(","), &fault)
        }
    }
}

fn said(what: &str, reached: bool, address: &str, detail: &str) -> Value {
    json!({ "what": what, "reached": reached, "address": address, "detail": detail })
}
