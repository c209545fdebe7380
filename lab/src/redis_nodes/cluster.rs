//! A Redis Cluster: masters that share the slots, and a replica for each.

use std::ops::RangeInclusive;

use super::{RedisNode, SILENT_MS, agreed};
use crate::fault::Result;
use crate::process::{Site, free_port};
use crate::redis_server::RedisSettings;

const SLOTS: usize = 16_384;

/// Keys of a slot that are moved at a time.
const MOVED_AT_ONCE: &str = "1";

/// How long one key may take to be moved, in milliseconds.
const MOVED_WITHIN_MS: &str = "5000";

/// Masters first, then their replicas in the same order.
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisNode>,
    /// On which they speak to each other.
    bus_ports: Vec<u16>,
    masters: usize,
}

impl RedisCluster {
    /// Starts so many masters with so many replicas each, in the folder `cluster` of that site, and waits until all agree.
    pub fn start(site: &Site, settings: &RedisSettings, masters: usize, replicas: usize) -> Result<Self> {
        let site = site.below("cluster")?;
        let (mut nodes, mut bus_ports) = (Vec::new(), Vec::new());
        for at in 0..masters * (1 + replicas) {
            let bus_port = free_port()?;
            bus_ports.push(bus_port);
            let settled = [
                ("--cluster-enabled", "yes".to_owned()),
                ("--cluster-port", bus_port.to_string()),
                ("--cluster-node-timeout", SILENT_MS.to_string()),
                // It is elected however long it has not heard of its master.
                ("--cluster-replica-validity-factor", "0".to_owned()),
                // A master that nobody follows keeps its data.
                ("--cluster-allow-replica-migration", "no".to_owned()),
            ];
            let extra: Vec<String> = settled
                .into_iter()
                .flat_map(|(key, value)| [key.to_owned(), value])
                .collect();
            nodes.push(RedisNode::start(&site, &format!("node-{at}"), settings, &extra)?);
        }
        let cluster = Self {
            nodes,
            bus_ports,
            masters,
        };
        cluster.introduce()?;
        Ok(cluster)
    }

    /// For `redis.url`.
    pub fn url(&self) -> String {
        let named: Vec<String> = self.nodes.iter().map(RedisNode::address).collect();
        format!("redis-cluster://{}", named.join(","))
    }

    /// All of them.
    pub fn nodes(&self) -> &[RedisNode] {
        &self.nodes
    }

    /// All of them.
    pub fn nodes_mut(&mut self) -> &mut [RedisNode] {
        &mut self.nodes
    }

    /// The master that has the slot of that key now.
    pub fn holder(&self, key: &str) -> Result<usize> {
        let slot = self.slot(key)?;
        let mut holder = 0;
        agreed("one of them has the slot", || {
            let found = self.nodes.iter().position(|node| node.is_master() && has(node, slot));
            holder = found.unwrap_or(holder);
            found.is_some()
        })?;
        Ok(holder)
    }

    /// Waits until that node is a master that has slots.
    pub fn wait_for_master(&self, node: usize) -> Result<()> {
        let node = &self.nodes[node];
        agreed("it is elected", || node.is_master() && !slots(node).is_empty())
    }

    /// Waits until that node follows a master, and has what that one has.
    pub fn wait_for_replica(&self, node: usize) -> Result<()> {
        let node = &self.nodes[node];
        agreed("it follows its master", || node.follows())
    }

    /// The replica of that master, by the order in which they were started.
    pub fn replica_of(&self, master: usize) -> usize {
        self.masters + master
    }

    /// Moves the slot of that key to that master while others work, a key at a time: `between` is told how many are moved.
    pub fn move_slot(&self, key: &str, to: usize, mut between: impl FnMut(usize)) -> Result<()> {
        let slot = self.slot(key)?.to_string();
        let (source, target) = (&self.nodes[self.holder(key)?], &self.nodes[to]);
        let (left, taken): (String, String) = (source.ask(&["CLUSTER", "MYID"])?, target.ask(&["CLUSTER", "MYID"])?);
        target.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &left])?;
        source.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &taken])?;
        let port = target.port.to_string();
        for moved in 1.. {
            let keys: Vec<Vec<u8>> = source.ask(&["CLUSTER", "GETKEYSINSLOT", &slot, MOVED_AT_ONCE])?;
            let Some(key) = keys.first() else {
                break;
            };
            let mut migrate = redis::cmd("MIGRATE");
            migrate.arg("127.0.0.1").arg(&port).arg(key).arg(0).arg(MOVED_WITHIN_MS);
            migrate.exec(&mut source.connect()?)?;
            between(moved);
        }
        for node in [target, source] {
            node.ask::<()>(&["CLUSTER", "SETSLOT", &slot, "NODE", &taken])?;
        }
        let number = self.slot(key)?;
        agreed("it has the slot", || has(target, number) && !has(source, number))
    }

    fn introduce(&self) -> Result<()> {
        let first = &self.nodes[0];
        for (node, bus_port) in self.nodes.iter().zip(&self.bus_ports).skip(1) {
            let (port, bus_port) = (node.port.to_string(), bus_port.to_string());
            first.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus_port])?;
        }
        for (node, slots) in self.nodes.iter().zip(self.shares()) {
            let (from, to) = (slots.start().to_string(), slots.end().to_string());
            node.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", &from, &to])?;
        }
        agreed("all know each other", || {
            let known = |node: &RedisNode| nodes(node).lines().count();
            self.nodes.iter().all(|node| known(node) == self.nodes.len())
        })?;
        for at in self.masters..self.nodes.len() {
            let master: String = self.nodes[at % self.masters].ask(&["CLUSTER", "MYID"])?;
            let told = || self.nodes[at].ask::<()>(&["CLUSTER", "REPLICATE", &master]).is_ok();
            agreed("a replica is told its master", told)?;
            self.wait_for_replica(at)?;
        }
        agreed("the cluster is ready", || {
            let ready = |node: &RedisNode| {
                let info = node.ask::<String>(&["CLUSTER", "INFO"]);
                info.is_ok_and(|info| info.contains("cluster_state:ok"))
            };
            self.nodes.iter().all(ready)
        })
    }

    /// As evenly as it goes.
    fn shares(&self) -> impl Iterator<Item = RangeInclusive<usize>> + use<> {
        let masters = self.masters;
        (0..masters).map(move |at| at * SLOTS / masters..=(at + 1) * SLOTS / masters - 1)
    }

    /// Any node knows.
    fn slot(&self, key: &str) -> Result<usize> {
        let mut slot = self.nodes[0].ask(&["CLUSTER", "KEYSLOT", key]);
        for node in &self.nodes[1..] {
            if slot.is_ok() {
                break;
            }
            slot = node.ask(&["CLUSTER", "KEYSLOT", key]);
        }
        slot
    }
}

/// What a node says of all; nothing when it does not answer.
fn nodes(node: &RedisNode) -> String {
    node.ask(&["CLUSTER", "NODES"]).unwrap_or_default()
}

/// The slots that it says are its own.
fn slots(node: &RedisNode) -> Vec<RangeInclusive<usize>> {
    let nodes = nodes(node);
    let own = nodes.lines().find(|line| line.contains("myself")).unwrap_or_default();
    // Eight words of who it is stand before them; those in brackets are on the move.
    let words = own.split_whitespace().skip(8).filter(|word| !word.starts_with('['));
    let range = |word: &str| {
        let (from, to) = word.split_once('-').unwrap_or((word, word));
        Some(from.parse().ok()?..=to.parse().ok()?)
    };
    words.filter_map(range).collect()
}

fn has(node: &RedisNode, slot: usize) -> bool {
    slots(node).iter().any(|range| range.contains(&slot))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::Processes;
    use crate::scratch::Scratch;

    #[test]
    fn three_masters_share_the_slots_and_a_replica_takes_the_place_of_one() {
        let scratch = Scratch::temporary("lab-cluster-", false).unwrap();
        let site = Site::new(&Processes::default(), scratch.path());
        let cluster = RedisCluster::start(&site, &RedisSettings::default(), 3, 1).unwrap();
        let holder = cluster.holder("c:{p0}:").unwrap();
        cluster.move_slot("c:{p0}:", (holder + 1) % 3, |_| ()).unwrap();
        assert_eq!(cluster.holder("c:{p0}:").unwrap(), (holder + 1) % 3);
        cluster.nodes()[0].kill();
        let heir = cluster.replica_of(0);
        cluster.wait_for_master(heir).unwrap();
    }
}
