//! CPU and memory of a process, as Linux accounts them (proc(5)).

use anyhow::{Context, Result};

/// USER_HZ: the unit of utime and stime. It is 100 on every Linux platform that Rust's standard library supports.
const TICKS_PER_SECOND: f64 = 100.0;

/// CPU seconds, user and system, of process `pid` with all its threads, ended ones included.
///
/// # Errors
/// There is no such process, or no /proc.
pub(crate) fn cpu_seconds(pid: u32) -> Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let stat = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path} (Linux only)"))?;
    let ticks = parse_cpu_ticks(&stat).with_context(|| format!("{path} is not as proc(5) says"))?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// The most memory that process `pid` ever had resident, in bytes.
///
/// # Errors
/// There is no such process, or no /proc.
pub(crate) fn peak_rss_bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path} (Linux only)"))?;
    parse_kibibytes(&status, "VmHWM:").with_context(|| format!("{path} has no VmHWM"))
}

/// The memory that process `pid` has resident now, in bytes.
///
/// # Errors
/// There is no such process, or no /proc.
pub(crate) fn rss_bytes(pid: u32) -> Result<u64> {
    let path = format!("/proc/{pid}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path} (Linux only)"))?;
    parse_kibibytes(&status, "VmRSS:").with_context(|| format!("{path} has no VmRSS"))
}

/// The whole machine's CPU time over all cores, in ticks since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct MachineTimes {
    idle: u64,
    total: u64,
}

impl MachineTimes {
    /// The share of the time since `earlier` in which cores had nothing to do, waiting for disks included.
    pub(crate) fn idle_share_since(&self, earlier: &Self) -> Option<f64> {
        let total = self.total.saturating_sub(earlier.total);
        let idle = self.idle.saturating_sub(earlier.idle);
        (total > 0).then(|| idle as f64 / total as f64)
    }
}

/// The machine's times up to now.
///
/// # Errors
/// No /proc.
pub(crate) fn machine_times() -> Result<MachineTimes> {
    let stat = std::fs::read_to_string("/proc/stat").context("cannot read /proc/stat (Linux only)")?;
    parse_machine_times(&stat).context("/proc/stat is not as proc(5) says")
}

/// The line `cpu`: user, nice, system, idle, iowait, irq, softirq, steal; what follows is part of user already.
fn parse_machine_times(stat: &str) -> Option<MachineTimes> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<u64> = line
        .split_ascii_whitespace()
        .take(8)
        .map_while(|n| n.parse().ok())
        .collect();
    Some(MachineTimes {
        idle: ticks.get(3)? + ticks.get(4)?,
        total: ticks.iter().sum(),
    })
}

/// What the scheduler has counted of one thread, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ThreadTimes {
    /// On a core.
    pub(crate) running: f64,
    /// Ready to run, and waiting for a core.
    pub(crate) waiting: f64,
}

/// The calling thread's times, to the nanosecond; `None` where the kernel does not count them.
pub(crate) fn thread_times() -> Option<ThreadTimes> {
    parse_schedstat(&std::fs::read_to_string("/proc/thread-self/schedstat").ok()?)
}

fn parse_schedstat(text: &str) -> Option<ThreadTimes> {
    let mut fields = text.split_ascii_whitespace().map(str::parse::<u64>);
    let running = fields.next()?.ok()? as f64 / 1e9;
    let waiting = fields.next()?.ok()? as f64 / 1e9;
    Some(ThreadTimes { running, waiting })
}

/// utime + stime. The name, field 2, may hold spaces and brackets: count from its last bracket.
fn parse_cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_ascii_whitespace();
    // What follows the name is field 3; utime and stime are fields 14 and 15.
    let utime: u64 = fields.nth(14 - 3)?.parse().ok()?;
    let stime: u64 = fields.next()?.parse().ok()?;
    Some(utime + stime)
}

fn parse_kibibytes(status: &str, name: &str) -> Option<u64> {
    let value = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = value.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_ticks_are_found_behind_an_awkward_name() {
        let stat = "4242 (cam) pa (nile) S 1 4242 4242 0 -1 4194560 900 0 3 0 1234 66 5 6 20 0 9 0 100 1 2";
        assert_eq!(parse_cpu_ticks(stat), Some(1300));
    }

    #[test]
    fn broken_stat_is_none() {
        assert_eq!(parse_cpu_ticks(""), None);
        assert_eq!(parse_cpu_ticks("1 (x) S 1 2 3"), None);
    }

    #[test]
    fn peak_rss_is_in_bytes() {
        assert_eq!(
            parse_kibibytes("Name:\tx\nVmPeak:\t  9 kB\nVmHWM:\t   2048 kB\n", "VmHWM:"),
            Some(2_097_152)
        );
        assert_eq!(parse_kibibytes("Name:\tx\n", "VmHWM:"), None);
    }

    #[test]
    fn the_machines_idle_share_counts_waiting_for_disks() {
        let earlier = parse_machine_times("cpu  10 0 10 10 10 0 0 0 99 99\ncpu0 1 1\n").unwrap();
        let later = parse_machine_times("cpu  60 0 10 50 20 0 0 0 99 99\n").unwrap();
        assert_eq!(later.idle_share_since(&earlier), Some(0.5));
        assert_eq!(later.idle_share_since(&later), None);
    }

    #[test]
    fn a_threads_times_are_in_seconds() {
        let times = parse_schedstat("2500000000 1000000000 77\n").unwrap();
        assert_eq!((times.running, times.waiting), (2.5, 1.0));
        assert_eq!(parse_schedstat("x"), None);
    }

    #[test]
    fn this_process_has_figures() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        assert!(peak_rss_bytes(pid).unwrap() > 100_000);
    }
}
