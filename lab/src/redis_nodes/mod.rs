//! Several Redis servers on ports of loopback that know of each other: a cluster, or a master with replicas that sentinels watch.

mod cluster;
mod sentinels;

use std::process::Command;
use std::time::Duration;

use crate::fault::{Fault, Result};
use crate::process::{Process, Signal, Site, free_port};
use crate::redis_server::RedisSettings;
use crate::wait::poll;

pub use cluster::RedisCluster;
pub use sentinels::WatchedRedis;

/// A server that takes longer hangs.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// How long servers may take to agree with each other.
const AGREED_WITHIN: Duration = Duration::from_secs(30);

/// For so long a master may be silent, in milliseconds. Short, so that tests are; far above what a busy machine needs.
const SILENT_MS: u64 = 1_500;

/// One server with its data, killed when dropped.
#[derive(Debug)]
pub struct RedisNode {
    site: Site,
    settings: RedisSettings,
    port: u16,
    /// What it is told beside what every server is told.
    extra: Vec<String>,
    process: Process,
    starts: usize,
}

impl RedisNode {
    fn start(site: &Site, name: &str, settings: &RedisSettings, extra: &[String]) -> Result<Self> {
        let site = site.below(name)?;
        let port = free_port()?;
        let process = spawn(&site, settings, (port, 1), extra)?;
        let node = Self {
            site,
            settings: settings.clone(),
            port,
            extra: extra.to_vec(),
            process,
            starts: 1,
        };
        node.wait_until_loaded()?;
        Ok(node)
    }

    /// One by itself that speaks TLS on a second port, with that authority, certificate and key, in the folder `secured` of that site;
    /// and that port. Whoever connects shows a certificate.
    pub fn secured(
        site: &Site,
        settings: &RedisSettings,
        [authority, certificate, key]: [&str; 3],
    ) -> Result<(Self, u16)> {
        let port = free_port()?;
        let settled = [
            ("--tls-port", port.to_string().as_str()),
            ("--tls-ca-cert-file", authority),
            ("--tls-cert-file", certificate),
            ("--tls-key-file", key),
        ]
        .map(|(key, value)| [key.to_owned(), value.to_owned()]);
        Ok((Self::start(site, "secured", settings, settled.as_flattened())?, port))
    }

    /// Where it is, without a scheme.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// A connection, for whoever looks at it.
    pub fn connect(&self) -> Result<redis::Connection> {
        let client = redis::Client::open(format!("redis://{}", self.address()))?;
        let connection = client.get_connection_with_timeout(ANSWERS_WITHIN)?;
        connection.set_read_timeout(Some(ANSWERS_WITHIN))?;
        Ok(connection)
    }

    /// Asks it something.
    pub fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let mut call = redis::cmd(words.first().copied().unwrap_or("PING"));
        call.arg(words.get(1..).unwrap_or_default());
        Ok(call.query(&mut self.connect()?)?)
    }

    /// SIGKILL.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// With STOP it stands still, with CONT it goes on.
    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Starts it again on the same data and the same port.
    pub fn restart(&mut self) -> Result<()> {
        self.kill();
        self.starts += 1;
        self.process = spawn(&self.site, &self.settings, (self.port, self.starts), &self.extra)?;
        self.wait_until_loaded()
    }

    /// CPU seconds that it has taken.
    pub fn cpu_seconds(&self) -> Result<f64> {
        let info: redis::InfoDict = self.ask(&["INFO", "cpu"])?;
        let of = |field: &str| info.get::<f64>(field).unwrap_or(0.0);
        Ok(of("used_cpu_user") + of("used_cpu_sys"))
    }

    /// How many octets of writes it has: a master's own, or a replica's of its master's.
    pub fn written(&self) -> Result<u64> {
        let info: redis::InfoDict = self.ask(&["INFO", "replication"])?;
        let of = |field: &str| info.get::<u64>(field);
        Ok(of("slave_repl_offset")
            .or_else(|| of("master_repl_offset"))
            .unwrap_or(0))
    }

    fn is_master(&self) -> bool {
        let role: Result<Vec<redis::Value>> = self.ask(&["ROLE"]);
        let first = role.ok().and_then(|role| role.into_iter().next());
        first
            .and_then(|role| redis::from_redis_value::<String>(role).ok())
            .as_deref()
            == Some("master")
    }

    fn follows(&self) -> bool {
        let info = self.ask::<redis::InfoDict>(&["INFO", "replication"]);
        info.is_ok_and(|info| info.get::<String>("master_link_status").as_deref() == Some("up"))
    }

    fn wait_until_loaded(&self) -> Result<()> {
        self.process.wait_at_start("answer", || {
            let loaded = self.ask::<redis::InfoDict>(&["INFO", "persistence"]);
            Ok(loaded
                .ok()
                .filter(|info| info.get::<u8>("loading") == Some(0))
                .map(drop))
        })
    }
}

fn spawn(site: &Site, settings: &RedisSettings, (port, start): (u16, usize), extra: &[String]) -> Result<Process> {
    let mut command = Command::new(&settings.program);
    command.arg("--dir").arg(site.directory());
    command
        .args(["--bind", "127.0.0.1", "--daemonize", "no", "--port"])
        .arg(port.to_string());
    command.args([
        "--save",
        "",
        "--appendonly",
        "yes",
        "--appendfsync",
        settings.appendfsync,
    ]);
    command.args([
        "--hash-max-listpack-entries",
        "64",
        "--auto-aof-rewrite-min-size",
        "1gb",
    ]);
    // A replica that was away for a moment needs no copy of everything.
    command.args(["--repl-backlog-size", "64mb", "--repl-diskless-sync-delay", "0"]);
    command.args(extra);
    site.start(&format!("redis-{start}"), command)
}

/// Servers come to agree after a while.
fn agreed(what: &str, mut condition: impl FnMut() -> bool) -> Result<()> {
    poll(AGREED_WITHIN, || condition().then_some(())).ok_or_else(|| Fault::Unexpected {
        what: what.to_owned(),
        why: format!("not within {} s", AGREED_WITHIN.as_secs()),
    })
}
