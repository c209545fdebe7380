//! Many calls at once, few at a time.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};

/// Connections that work at the same time: enough to keep an engine on a few cores busy, and few enough that this
/// program stays a small part of the machine.
pub(crate) const WORKERS: usize = 8;

/// Does `task(0)` to `task(count - 1)`, [`WORKERS`] at a time, and gives their results in that order.
///
/// # Errors
/// The first error stops the rest from being started.
pub(crate) fn in_parallel<T: Send>(count: usize, task: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let work = || -> Result<Vec<(usize, T)>> {
        let mut done = Vec::new();
        while !failed.load(Ordering::Relaxed) {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                break;
            }
            let result = task(index).inspect_err(|_| failed.store(true, Ordering::Relaxed))?;
            done.push((index, result));
        }
        Ok(done)
    };
    let mut all = Vec::with_capacity(count);
    thread::scope(|scope| -> Result<()> {
        let workers: Vec<_> = (0..WORKERS.min(count)).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let done = worker.join().ok().context("a worker panicked")?;
            all.extend(done?);
        }
        Ok(())
    })?;
    all.sort_unstable_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, result)| result).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order() {
        let squares = in_parallel(1_000, |n| Ok(n * n)).unwrap();
        assert!(squares.iter().enumerate().all(|(n, square)| *square == n * n));
        assert_eq!(squares.len(), 1_000);
        assert!(in_parallel(0, |_| Ok(())).unwrap().is_empty());
    }

    #[test]
    fn the_first_error_ends_it() {
        let called = AtomicUsize::new(0);
        let result = in_parallel(1_000_000, |n| {
            called.fetch_add(1, Ordering::Relaxed);
            anyhow::ensure!(n < 10, "no more");
            Ok(())
        });
        assert_eq!(result.unwrap_err().to_string(), "no more");
        assert!(called.load(Ordering::Relaxed) < 1_000_000);
    }
}
