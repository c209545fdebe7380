//! Partitions that do not answer, of a cluster in which others do: what is about them waits here, and is asked for again until it is
//! done, while the rest goes on. What comes meanwhile for one of them waits behind that, so that its order is kept.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::group::Group;
use crate::domain::PartitionSet;

/// Answers and deliveries that may wait; then everything waits. A window's worth of each session is much less.
const ROOM: usize = 16_000;

/// What of a settler's work has not reached its partition yet.
#[derive(Default)]
pub(super) struct Unreached {
    waiting: Mutex<Waiting>,
    /// Something came to wait, or has left, or nothing comes any more.
    changed: Notify,
    left: Notify,
}

#[derive(Default)]
struct Waiting {
    /// Those for which something waits, or is being asked.
    partitions: PartitionSet,
    groups: VecDeque<Group>,
    /// Answers and deliveries in them, and in what is being asked.
    count: usize,
    is_closed: bool,
}

impl Unreached {
    /// Keeps what is about partitions for which something waits already; returns the rest.
    pub(super) fn part(&self, mut group: Group, partitions: u16) -> Group {
        let mut waiting = self.lock();
        if !waiting.partitions.is_empty() {
            let behind = group.split_off(waiting.partitions, partitions);
            if !behind.is_empty() {
                waiting.push(behind);
                drop(waiting);
                self.changed.notify_one();
            }
        }
        group
    }

    /// Has what its partitions did not do wait.
    pub(super) fn put(&self, group: Group, partitions: u16) {
        let mut waiting = self.lock();
        waiting.partitions.extend(group.partitions(partitions));
        waiting.push(group);
        drop(waiting);
        self.changed.notify_one();
    }

    /// Until there is room.
    pub(super) async fn has_room(&self) {
        loop {
            let left = self.left.notified();
            if self.lock().count < ROOM {
                return;
            }
            left.await;
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_one();
    }

    /// All that waits, in order, when there is something. `None`: nothing does, and nothing comes.
    pub(super) async fn all(&self) -> Option<VecDeque<Group>> {
        loop {
            let changed = self.changed.notified();
            {
                let mut waiting = self.lock();
                if !waiting.groups.is_empty() {
                    return Some(std::mem::take(&mut waiting.groups));
                }
                if waiting.is_closed {
                    return None;
                }
            }
            changed.await;
        }
    }

    /// What is still to be done of all that waited: before what has come meanwhile. Partitions for which nothing waits are asked by others
    /// again.
    pub(super) fn put_back(&self, still: Vec<Group>, partitions: u16) {
        let mut waiting = self.lock();
        let fresh = std::mem::take(&mut waiting.groups);
        waiting.groups = still.into_iter().chain(fresh).collect();
        waiting.count = waiting.groups.iter().map(Group::count).sum();
        let mut open = PartitionSet::default();
        for group in &waiting.groups {
            open.extend(group.partitions(partitions));
        }
        if waiting.groups.is_empty() {
            tracing::info!("all partitions of the store answer again");
        }
        waiting.partitions = open;
        drop(waiting);
        self.left.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn push(&mut self, group: Group) {
        self.count += group.count();
        self.groups.push_back(group);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;
    use crate::domain::Recipient;

    const PARTITIONS: u16 = 16;

    fn group(keys: &[Recipient]) -> Group {
        let mut group = Group::new(Clock::new().now());
        group.named.extend(keys);
        group
    }

    /// Two recipients of different partitions.
    fn two() -> (Recipient, Recipient) {
        let one = Recipient(33_600_000_000);
        let others = (1..).map(|more| Recipient(one.0 + more));
        let is_elsewhere = |other: &Recipient| other.partition(PARTITIONS) != one.partition(PARTITIONS);
        (one, others.into_iter().find(is_elsewhere).unwrap())
    }

    #[tokio::test]
    async fn what_comes_for_a_partition_waits_behind_what_waits_for_it_already() {
        let (unreached, (away, there)) = (Unreached::default(), two());
        assert_eq!(unreached.part(group(&[away, there]), PARTITIONS).named, [away, there]);
        unreached.put(group(&[away]), PARTITIONS);
        unreached.put(group(&[there]), PARTITIONS);
        assert_eq!(unreached.part(group(&[away, there]), PARTITIONS).named, []);
        let all = unreached.all().await.unwrap();
        assert_eq!(all.len(), 3);
        // What comes while they are being asked waits, too.
        assert_eq!(unreached.part(group(&[away]), PARTITIONS).named, []);
        unreached.put_back(vec![group(&[away, away])], PARTITIONS);
        assert_eq!(
            unreached.part(group(&[there, away]), PARTITIONS).named,
            [there],
            "one answers again"
        );
        let all = unreached.all().await.unwrap();
        assert_eq!(all.iter().map(|group| group.named.len()).collect::<Vec<_>>(), [2, 1, 1]);
        unreached.put_back(Vec::new(), PARTITIONS);
        unreached.close();
        assert!(unreached.all().await.is_none());
        assert_eq!(unreached.part(group(&[away]), PARTITIONS).named, [away], "all is done");
    }
}
