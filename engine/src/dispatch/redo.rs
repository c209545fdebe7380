//! Segments of messages that were taken in part: submitted again by themselves.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Dispatcher, envelope};
use crate::bind::{Events, Flight, Segments};

/// Messages that may wait to be completed: more than all windows hold.
pub const REDO_MAX: usize = 10_000;

/// Some segments of a message, to be submitted again.
#[derive(Debug)]
pub struct Redo {
    /// The message, still leased.
    pub flight: Arc<Flight>,
    /// Which segments.
    pub parts: Vec<u8>,
    /// Not before.
    pub due: Instant,
}

impl Dispatcher {
    /// Takes them one by one: they come in the order in which they are due.
    pub(super) async fn resubmit(self, mut redo: mpsc::Receiver<Redo>, stop: CancellationToken) {
        while let Some(Some(item)) = stop.run_until_cancelled(redo.recv()).await {
            if stop
                .run_until_cancelled(tokio::time::sleep_until(item.due.into()))
                .await
                .is_none()
            {
                return;
            }
            self.resubmit_one(&item).await;
        }
    }

    async fn resubmit_one(&self, item: &Redo) {
        let Some(order) = self.order(&item.flight).await else {
            return;
        };
        let mut whole = Segments::default();
        if envelope::seal(&self.config, &order, &item.flight, &mut whole).is_err() {
            return;
        }
        let segments = whole.keep(|part| item.parts.contains(&part));
        let mut slots = self.pool.slots(segments.count()).await;
        let mut failed = Events::none(self.smsc);
        self.submit(segments, &mut slots, &mut failed).await;
        self.report(failed).await;
    }
}
