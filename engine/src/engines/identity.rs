//! Which process an engine is, so that another one on the same machine can see that it is dead.

use std::fs;

use serde::{Deserialize, Serialize};

/// One process of one machine, since its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    /// What the machine is called.
    pub(super) host: String,
    pub(super) pid: u32,
    /// Which start of which machine, and whose view of its processes; empty where the system does not say.
    space: String,
    /// When it was started, in ticks since the machine's start: another process with its number began at another time.
    started: u64,
}

impl Identity {
    /// This process.
    pub(super) fn own() -> Self {
        let pid = std::process::id();
        Self {
            host: read("/proc/sys/kernel/hostname").unwrap_or_default(),
            pid,
            space: space().unwrap_or_default(),
            started: started(pid).unwrap_or(0),
        }
    }

    /// Whether it has surely ended: it ran where this process looks, and is not there any more. A process that stands still is there.
    pub(super) fn is_surely_dead(&self) -> bool {
        let is_seen_from_here = !self.space.is_empty() && space().is_some_and(|space| space == self.space);
        is_seen_from_here && started(self.pid) != Some(self.started)
    }
}

/// A start of the machine, and a namespace of processes in it.
fn space() -> Option<String> {
    let boot = read("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{boot} {}", namespace.display()))
}

/// proc_pid_stat(5): the 22nd field, the 20th behind the name, which is in brackets and may have any character. A zombie has ended.
fn started(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let is_zombie = matches!(fields.first(), Some(&"Z" | &"X"));
    fields.get(19).filter(|_| !is_zombie)?.parse().ok()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_dead_when_it_has_ended_and_not_before() {
        assert!(!Identity::own().is_surely_dead());
        let mut child = Command::new("sleep").arg("60").spawn().expect("a process");
        let other = Identity {
            pid: child.id(),
            started: started(child.id()).expect("it is there"),
            ..Identity::own()
        };
        assert!(!other.is_surely_dead());
        child.kill().expect("it is killed");
        let ended = child.wait().expect("it has ended");
        assert!(!ended.success() && other.is_surely_dead());
        let elsewhere = Identity {
            space: "another machine".to_owned(),
            ..other
        };
        assert!(!elsewhere.is_surely_dead(), "nobody can tell from here");
    }
}
