//! Whether the machine itself stood still while something was measured against the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long the watch sleeps at a time.
const NAP: Duration = Duration::from_millis(2);

/// Waking up so late is no stall: schedulers of busy machines do that all the time.
const USUAL: Duration = Duration::from_millis(20);

/// A thread that does nothing but sleep, and adds up by how much it overslept.
#[derive(Debug)]
pub struct StallWatch {
    stop: Arc<AtomicBool>,
    overslept_us: Arc<AtomicU64>,
    longest_us: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl StallWatch {
    /// Begins to watch.
    pub fn start() -> Self {
        let (stop, overslept_us, longest_us) = (Arc::default(), Arc::default(), Arc::default());
        let (stopped, sum, longest): (Arc<AtomicBool>, Arc<AtomicU64>, Arc<AtomicU64>) =
            (Arc::clone(&stop), Arc::clone(&overslept_us), Arc::clone(&longest_us));
        let thread = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let before = Instant::now();
                std::thread::sleep(NAP);
                let late = before.elapsed().saturating_sub(NAP);
                longest.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
                if late > USUAL {
                    sum.fetch_add(late.as_micros() as u64, Ordering::Relaxed);
                }
            }
        });
        Self {
            stop,
            overslept_us,
            longest_us,
            thread: Some(thread),
        }
    }

    /// For how long nothing on this machine could be on time, since the start.
    pub fn stalled(&self) -> Duration {
        Duration::from_micros(self.overslept_us.load(Ordering::Relaxed))
    }

    /// The latest that it woke up, however little that was.
    pub fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_us.load(Ordering::Relaxed))
    }
}

impl Drop for StallWatch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
