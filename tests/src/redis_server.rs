//! A Redis of a test's own.

use std::ops::Deref;
use std::time::Duration;

use lab::{RedisSettings, Site};

use crate::fail::OrFail;
use crate::wait::stand_still;

/// `redis-server`; killed when dropped.
#[derive(Debug)]
pub struct RedisServer(lab::RedisServer);

impl Deref for RedisServer {
    type Target = lab::RedisServer;

    fn deref(&self) -> &lab::RedisServer {
        &self.0
    }
}

impl RedisServer {
    /// Says which one it is, so that a test's output tells which store it ran on.
    pub(crate) fn start(site: &Site) -> Self {
        let server = lab::RedisServer::start(site, &RedisSettings::default()).or_fail();
        println!("store: {}", server.info().or_fail().server);
        Self(server)
    }

    /// Has it stand still for that long.
    pub fn stand_still(&self, length: Duration) {
        stand_still(|signal| self.signal(signal), length);
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        self.0.restart().or_fail();
    }

    /// From now on it forgets nothing that it has answered when it is killed. Synced once a second, it may: while a slow disk syncs, it
    /// answers first and writes afterwards, up to two seconds later.
    pub fn sync_always(&mut self) {
        self.0.sync_always().or_fail();
    }

    /// `CONFIG SET`.
    pub fn set(&self, key: &str, value: &str) {
        self.0.set(key, value).or_fail();
    }

    /// How much memory its data take, in octets.
    pub fn used_memory(&self) -> u64 {
        self.info().or_fail().used_memory_bytes
    }

    /// How long the append-only file is, in octets: the part that grows.
    pub fn log_length(&self) -> u64 {
        let log = self.log_file().or_fail();
        log.metadata().expect("look at the append-only file").len()
    }

    /// Cuts that many octets off the append-only file, as a power cut does with what was not synced. Redis must be down.
    pub fn lose_tail(&self, octets: u64) {
        let file = std::fs::OpenOptions::new().write(true).open(self.log_file().or_fail());
        let length = self.log_length().saturating_sub(octets);
        let file = file.expect("open the append-only file");
        file.set_len(length).expect("cut the append-only file");
    }
}
