//! How memory grows in a long run: this program's, and the target's if its process is on this machine.

use anyhow::{Context, Result};
use lab::usage;

use crate::results::{Results, Verdict};

/// One process.
struct Followed {
    name: &'static str,
    pid: u32,
    first: Option<u64>,
    last: u64,
    most: u64,
}

/// Resident memory from the end of the warm-up to the end of the run.
pub(super) struct Memory {
    followed: Vec<Followed>,
    growth_max_percent: Option<f64>,
}

impl Memory {
    /// Follows this program only, and demands nothing.
    pub(super) fn unlimited() -> Self {
        Self {
            followed: vec![Followed::new("loadtest", std::process::id())],
            growth_max_percent: None,
        }
    }

    /// Follows the target's process, too, and demands that neither grows by more than this many percent.
    pub(super) fn new(target_pid: Option<u32>, growth_max_percent: f64) -> Result<Self> {
        let mut memory = Self::unlimited();
        memory.growth_max_percent = Some(growth_max_percent);
        if let Some(pid) = target_pid {
            usage::rss_bytes(pid).with_context(|| format!("--target-pid {pid}: there is no such process here"))?;
            memory.followed.push(Followed::new("target", pid));
        }
        Ok(memory)
    }

    /// Looks once.
    pub(super) fn look(&mut self) {
        for followed in &mut self.followed {
            // A process that has ended keeps its last figure: its end shows in the run itself.
            if let Ok(bytes) = usage::rss_bytes(followed.pid) {
                followed.first.get_or_insert(bytes);
                followed.last = bytes;
                followed.most = followed.most.max(bytes);
            }
        }
    }

    /// Writes what was seen into the results: the most of each, and a verdict on the growth if one is demanded.
    pub(super) fn say(&self, results: &mut Results) {
        for followed in &self.followed {
            let Some(first) = followed.first else { continue };
            results.peak_rss_bytes.insert(followed.name.to_owned(), followed.most);
            let Some(limit) = self.growth_max_percent else { continue };
            let growth = (followed.last as f64 / first.max(1) as f64 - 1.0) * 100.0;
            results.thresholds.push(Verdict {
                threshold: format!("rss_growth of {}<={limit}%", followed.name),
                measured: growth,
                held: growth <= limit,
                aborted: false,
            });
        }
    }
}

impl Followed {
    fn new(name: &'static str, pid: u32) -> Self {
        Self {
            name,
            pid,
            first: None,
            last: 0,
            most: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_judged_and_the_most_is_said() {
        let mut memory = Memory::new(Some(std::process::id()), 20.0).unwrap();
        memory.look();
        memory.followed[1].last = memory.followed[1].first.unwrap() * 2;
        let mut results = Results::default();
        memory.say(&mut results);
        assert!(results.peak_rss_bytes["loadtest"] > 100_000);
        let held: Vec<bool> = results.thresholds.iter().map(|verdict| verdict.held).collect();
        assert_eq!(held, [true, false]);
        assert!(Memory::new(Some(u32::MAX), 1.0).is_err());
    }
}
