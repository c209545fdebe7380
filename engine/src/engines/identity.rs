//! Which process an engine is, so that another one on the same machine can see that it is dead.

use std::fs;

use rustix::io::Errno;
use rustix::process::{Pid, test_kill_process};
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
        is_seen_from_here && has_ended(self.pid, self.started)
    }
}

/// A start of the machine, and a namespace of processes in it.
fn space() -> Option<String> {
    let boot = read("/proc/sys/kernel/random/boot_id")?;
    let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
    Some(format!("{boot} {}", namespace.display()))
}

/// `/proc` may hide what other users run (`hidepid`, `ProtectProc=`): what is not seen there is asked for by a signal that does nothing.
fn has_ended(pid: u32, since: u64) -> bool {
    match started(pid) {
        Some(started) => started != since,
        None => is_zombie(pid) || is_nobody(pid),
    }
}

fn is_nobody(pid: u32) -> bool {
    let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| test_kill_process(pid) == Err(Errno::SRCH))
}

/// proc_pid_stat(5): the 22nd field, the 20th behind the name, which is in brackets and may have any character. A zombie has ended.
fn started(pid: u32) -> Option<u64> {
    let fields = fields(pid)?;
    fields.get(19).filter(|_| !has_left(&fields))?.parse().ok()
}

fn is_zombie(pid: u32) -> bool {
    fields(pid).is_some_and(|fields| has_left(&fields))
}

fn has_left(fields: &[String]) -> bool {
    matches!(fields.first().map(String::as_str), Some("Z" | "X"))
}

fn fields(pid: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    Some(fields.split_whitespace().map(str::to_owned).collect())
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// As one of another user is with `ProtectProc=invisible`: there, and not seen.
    #[test]
    fn who_is_there_is_not_dead_whatever_is_seen_of_it() {
        assert!(!is_nobody(std::process::id()));
        assert!(
            !is_nobody(1),
            "the first process is always there, and may be another user's"
        );
        let mut child = Command::new("true").spawn().expect("a process");
        let pid = child.id();
        assert!(child.wait().expect("it has ended").success());
        assert!(is_nobody(pid));
    }

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
