use std::collections::{BTreeMap, VecDeque};

use super::job::Job;

/// Jobs that are due within the same few milliseconds are done together: one write for all of them.
const TICK_US: u64 = 4_000;

/// Emptied buckets that are kept for the next ticks, so that a steady stream allocates nothing.
const SPARE_MAX: usize = 16;

/// What a session has to do later, in buckets of some milliseconds: no timer, no task and no heap entry a message.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    buckets: BTreeMap<u64, Vec<Job>>,
    spare: Vec<Vec<Job>>,
}

impl Schedule {
    /// Does it at that time (µs) or up to one tick later.
    pub(super) fn push(&mut self, due_us: u64, job: Job) {
        let spare = &mut self.spare;
        let bucket = self
            .buckets
            .entry(due_us.div_ceil(TICK_US))
            .or_insert_with(|| spare.pop().unwrap_or_default());
        bucket.push(job);
    }

    /// When the next job is due, in µs.
    pub(super) fn next_us(&self) -> Option<u64> {
        self.buckets.first_key_value().map(|(&tick, _)| tick * TICK_US)
    }

    /// Moves everything that is due to `jobs`, in order of time.
    pub(super) fn take_due(&mut self, now_us: u64, jobs: &mut VecDeque<Job>) {
        while self.next_us().is_some_and(|due| due <= now_us) {
            let Some((_, mut bucket)) = self.buckets.pop_first() else {
                return;
            };
            jobs.extend(bucket.drain(..));
            if self.spare.len() < SPARE_MAX {
                self.spare.push(bucket);
            }
        }
    }

    /// Every job, in order of time.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &Job> {
        self.buckets.values().flatten()
    }

    /// Empties it: every job with its time, in order of time.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u64, Job)> + use<> {
        let buckets = std::mem::take(&mut self.buckets);
        buckets
            .into_iter()
            .flat_map(|(tick, jobs)| jobs.into_iter().map(move |job| (tick * TICK_US, job)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smsc::job::JobKind;

    #[test]
    fn jobs_come_in_order_of_time_and_never_early() {
        let job = |row| Job {
            kind: JobKind::Receipt,
            row,
            sequence: 0,
            tries: 0,
        };
        let mut schedule = Schedule::default();
        for (due, row) in [(50_000, 3), (10_000, 1), (10_001, 2)] {
            schedule.push(due, job(row));
        }
        let mut due = VecDeque::new();
        schedule.take_due(9_999, &mut due);
        assert!(due.is_empty());
        schedule.take_due(12_000, &mut due);
        assert_eq!(due.iter().map(|job| job.row).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(schedule.next_us(), Some(52_000));
        assert_eq!(schedule.drain().map(|(_, job)| job.row).collect::<Vec<_>>(), [3]);
        assert_eq!(schedule.next_us(), None);
    }
}
