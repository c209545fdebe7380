//! The engine's tasks, in the order in which they end.

use std::time::Duration;

use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::bind::Stop;
use crate::clock::Clock;
use crate::dispatch::Leases;
use crate::shutdown::Shutdown;

/// What the last steps of an orderly end may take beyond the time for it.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// Tasks that end together, and how they are told.
#[derive(Clone, Default)]
pub(super) struct Stage {
    pub(super) stop: CancellationToken,
    pub(super) tasks: TaskTracker,
}

/// From the first that ends to the last.
pub(super) struct Stages {
    /// They lease and hand over.
    pub(super) dispatchers: Stage,
    pub(super) binds: TaskTracker,
    pub(super) binds_stop: Stop,
    /// They settle until every session and dispatcher is gone; their token makes them give up.
    pub(super) settlers: Stage,
    /// Everything beside the messages: books, sweeps, signs of life, gauges.
    pub(super) helpers: Stage,
}

impl Stages {
    /// `at_once` ends sessions and settlers wherever they are.
    pub(super) fn new(shutdown: &Shutdown) -> Self {
        Self {
            dispatchers: Stage::default(),
            binds: TaskTracker::new(),
            binds_stop: Stop {
                now: shutdown.at_once.child_token(),
                ..Stop::default()
            },
            settlers: Stage {
                stop: shutdown.at_once.child_token(),
                tasks: TaskTracker::new(),
            },
            helpers: Stage::default(),
        }
    }

    /// Stop leasing → let the windows empty → unbind → settle → close the books; all within the time for it.
    pub(super) async fn end(self, clock: Clock, within: Duration, leases: &Leases) {
        self.all().for_each(|tasks| {
            tasks.close();
        });
        let deadline = clock.deadline(within);
        self.dispatchers.stop.cancel();
        let mut orderly = timeout_at(deadline, self.dispatchers.tasks.wait()).await.is_ok();
        self.binds_stop.drain.cancel();
        if timeout_at(deadline, self.binds.wait()).await.is_err() {
            tracing::warn!("windows did not empty in time: what was not answered is in doubt");
            self.binds_stop.now.cancel();
        }
        let grace = deadline.max(clock.deadline(STOP_GRACE));
        orderly &= timeout_at(grace, self.binds.wait()).await.is_ok();
        if timeout_at(grace, self.settlers.tasks.wait()).await.is_err() {
            self.settlers.stop.cancel();
            orderly = false;
        }
        self.helpers.stop.cancel();
        let last = async {
            self.helpers.tasks.wait().await;
            if orderly {
                leases.close().await;
            }
        };
        let grace = grace.max(clock.deadline(STOP_GRACE));
        if timeout_at(grace, last).await.is_err() {
            tracing::warn!("the store is away and time is up");
        }
    }

    fn all(&self) -> impl Iterator<Item = &TaskTracker> {
        [
            &self.dispatchers.tasks,
            &self.binds,
            &self.settlers.tasks,
            &self.helpers.tasks,
        ]
        .into_iter()
    }
}
