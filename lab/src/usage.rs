//! CPU and memory of processes and of the machine, as Linux accounts them (proc(5)).

use procfs::process::{Process, Schedstat, Status};
use procfs::{CpuInfo, Current, CurrentSI, FromRead, KernelStats, Meminfo, ProcError};

use crate::fault::{Fault, Result};

/// CPU seconds, user and system, of process `pid` with all its threads, ended ones included.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = process(pid)?.stat().map_err(unreadable(pid))?;
    Ok((stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64)
}

/// The most memory that process `pid` ever had resident, in bytes.
pub fn peak_rss_bytes(pid: u32) -> Result<u64> {
    kibibytes(pid, |status| status.vmhwm)
}

/// The memory that process `pid` has resident now, in bytes.
pub fn rss_bytes(pid: u32) -> Result<u64> {
    kibibytes(pid, |status| status.vmrss)
}

/// The processes with that name whose working directory is `directory`.
pub fn working_in(directory: &std::path::Path, name: &str) -> Result<Vec<u32>> {
    let all = procfs::process::all_processes().map_err(unreadable("every process"))?;
    // Processes end while this looks, and others belong to somebody else.
    let wanted = |process: &Process| {
        let named = process.stat().is_ok_and(|stat| stat.comm == name);
        named && process.cwd().is_ok_and(|cwd| cwd == directory)
    };
    Ok(all.flatten().filter(wanted).map(|process| process.pid as u32).collect())
}

/// The whole machine's CPU time over all cores, in ticks since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MachineTimes {
    idle: u64,
    total: u64,
}

impl MachineTimes {
    /// Up to now. The times of guests are part of user and nice already.
    pub fn now() -> Result<Self> {
        let cpu = KernelStats::current().map_err(unreadable("the machine"))?.total;
        let idle = cpu.idle + cpu.iowait.unwrap_or(0);
        let interrupts = cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0) + cpu.steal.unwrap_or(0);
        Ok(Self {
            idle,
            total: cpu.user + cpu.nice + cpu.system + idle + interrupts,
        })
    }

    /// The share of the time since `earlier` in which cores had nothing to do, waiting for disks included; `None` when no
    /// tick lies between.
    pub fn idle_share_since(&self, earlier: &Self) -> Option<f64> {
        let total = self.total.saturating_sub(earlier.total);
        let idle = self.idle.saturating_sub(earlier.idle);
        (total > 0).then(|| idle as f64 / total as f64)
    }
}

/// What the scheduler has counted of one thread, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ThreadTimes {
    /// On a core.
    pub running: f64,
    /// Ready to run, and waiting for a core.
    pub waiting: f64,
}

impl ThreadTimes {
    /// The calling thread's, to the nanosecond; `None` where the kernel does not count them.
    pub fn of_this_thread() -> Option<Self> {
        let times = Schedstat::from_file("/proc/thread-self/schedstat").ok()?;
        Some(Self {
            running: times.sum_exec_runtime as f64 / 1e9,
            waiting: times.run_delay as f64 / 1e9,
        })
    }
}

/// The name of the first processor; empty when Linux does not tell.
pub fn cpu_model() -> String {
    let model = CpuInfo::current()
        .ok()
        .and_then(|info| info.model_name(0).map(str::to_owned));
    model.unwrap_or_default()
}

/// The machine's memory in bytes; 0 when Linux does not tell.
pub fn memory_bytes() -> u64 {
    Meminfo::current().map_or(0, |memory| memory.mem_total)
}

fn process(pid: u32) -> Result<Process> {
    let id = i32::try_from(pid).unwrap_or(i32::MAX);
    Process::new(id).map_err(unreadable(pid))
}

fn kibibytes(pid: u32, field: impl FnOnce(&Status) -> Option<u64>) -> Result<u64> {
    let status = process(pid)?.status().map_err(unreadable(pid))?;
    // A process that has ended and is not yet waited for has no memory.
    Ok(field(&status).unwrap_or(0) * 1024)
}

fn unreadable(of: impl std::fmt::Display) -> impl FnOnce(ProcError) -> Fault {
    move |error| Fault::Unexpected {
        what: format!("/proc on {of}"),
        why: error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_figures() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        let resident = rss_bytes(pid).unwrap();
        assert!(resident > 100_000 && peak_rss_bytes(pid).unwrap() >= resident);
        assert!(rss_bytes(u32::MAX).is_err());
    }

    #[test]
    fn this_machine_has_figures() {
        let times = MachineTimes::now().unwrap();
        assert!(times.idle > 0 && times.total > times.idle);
        assert_eq!(times.idle_share_since(&times), None);
        assert!(memory_bytes() > 0);
    }

    #[test]
    fn this_process_is_found_by_its_directory() {
        let name = Process::myself().unwrap().stat().unwrap().comm;
        let own = working_in(&std::env::current_dir().unwrap(), &name).unwrap();
        assert!(own.contains(&std::process::id()), "{own:?}");
    }
}
