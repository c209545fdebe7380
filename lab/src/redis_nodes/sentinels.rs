//! A master with replicas, and sentinels that choose another when it is gone.

use std::process::Command;

use super::{RedisNode, SILENT_MS, agreed};
use crate::fault::Result;
use crate::process::{Process, Site, free_port};
use crate::redis_server::RedisSettings;

/// As many as are asked for one that is gone.
const SENTINELS: usize = 3;

/// How the sentinels call the master.
const NAME: &str = "campanile";

/// A master, its replicas, and three sentinels.
#[derive(Debug)]
pub struct WatchedRedis {
    nodes: Vec<RedisNode>,
    sentinels: Vec<(Process, u16)>,
}

impl WatchedRedis {
    /// Starts a master with so many replicas, in the folder `watched` of that site, and waits until all agree.
    pub fn start(site: &Site, settings: &RedisSettings, replicas: usize) -> Result<Self> {
        let site = site.below("watched")?;
        let mut nodes = vec![RedisNode::start(&site, "node-0", settings, &[])?];
        let port = nodes[0].port.to_string();
        for at in 1..=replicas {
            let extra = ["--replicaof".to_owned(), "127.0.0.1".to_owned(), port.clone()];
            nodes.push(RedisNode::start(&site, &format!("node-{at}"), settings, &extra)?);
        }
        let mut watched = Self {
            nodes,
            sentinels: Vec::new(),
        };
        agreed("replicas follow", || watched.nodes[1..].iter().all(RedisNode::follows))?;
        for at in 0..SENTINELS {
            watched
                .sentinels
                .push(sentinel(&site, &format!("sentinel-{at}"), settings, &port)?);
        }
        let all_seen = || watched.sentinels.iter().all(|(_, port)| sees(*port, replicas));
        agreed("sentinels know each other and the replicas", all_seen)?;
        Ok(watched)
    }

    /// For `redis.url`.
    pub fn url(&self) -> String {
        let named: Vec<String> = self
            .sentinels
            .iter()
            .map(|(_, port)| format!("127.0.0.1:{port}"))
            .collect();
        format!("redis-sentinel://{}/{NAME}", named.join(","))
    }

    /// The servers; the first began as the master.
    pub fn nodes(&self) -> &[RedisNode] {
        &self.nodes
    }

    /// The same.
    pub fn nodes_mut(&mut self) -> &mut [RedisNode] {
        &mut self.nodes
    }

    /// Waits until another than that one is the master, by the sentinels.
    pub fn wait_for_another_master(&self, than: usize) -> Result<usize> {
        let mut master = than;
        agreed("another one is the master", || {
            let of = |(_, port): &(Process, u16)| master_port(*port);
            let said: Vec<Option<u16>> = self.sentinels.iter().map(of).collect();
            let found = self
                .nodes
                .iter()
                .position(|node| said.iter().all(|port| *port == Some(node.port)) && node.is_master());
            master = found.unwrap_or(than);
            master != than
        })?;
        Ok(master)
    }

    /// Waits until that one follows another.
    pub fn wait_for_replica(&self, node: usize) -> Result<()> {
        agreed("it follows the master", || self.nodes[node].follows())
    }
}

fn sentinel(site: &Site, name: &str, settings: &RedisSettings, master: &str) -> Result<(Process, u16)> {
    let (site, port) = (site.below(name)?, free_port()?);
    let most = SENTINELS / 2 + 1;
    // It writes down in its file what it learns.
    let file = site.write(
        "sentinel.conf",
        &format!(
            "port {port}\nbind 127.0.0.1\nsentinel monitor {NAME} 127.0.0.1 {master} {most}\n\
             sentinel down-after-milliseconds {NAME} {SILENT_MS}\nsentinel failover-timeout {NAME} 10000\n"
        ),
    )?;
    let mut command = Command::new(&settings.program);
    command.arg(file).arg("--sentinel");
    Ok((site.start(name, command)?, port))
}

fn sees(port: u16, replicas: usize) -> bool {
    let figure = |field: &str| -> Option<usize> { of_master(port, field)?.parse().ok() };
    figure("num-other-sentinels") == Some(SENTINELS - 1) && figure("num-slaves") == Some(replicas)
}

fn master_port(port: u16) -> Option<u16> {
    of_master(port, "port")?.parse().ok()
}

fn of_master(port: u16, field: &str) -> Option<String> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).ok()?;
    let mut ask = redis::cmd("SENTINEL");
    let fields: Vec<String> = ask
        .arg("MASTER")
        .arg(NAME)
        .query(&mut client.get_connection().ok()?)
        .ok()?;
    let mut pairs = fields.chunks_exact(2);
    pairs.find(|pair| pair[0] == field).map(|pair| pair[1].clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Processes;
    use crate::scratch::Scratch;

    #[test]
    fn a_replica_is_chosen_when_the_master_is_gone_and_the_master_comes_back_as_a_replica() {
        let scratch = Scratch::temporary("lab-watched-", false).unwrap();
        let site = Site::new(&Processes::default(), scratch.path());
        let mut watched = WatchedRedis::start(&site, &RedisSettings::default(), 1).unwrap();
        watched.nodes()[0].kill();
        assert_eq!(watched.wait_for_another_master(0).unwrap(), 1);
        watched.nodes_mut()[0].restart().unwrap();
        watched.wait_for_replica(0).unwrap();
    }
}
