//! Segments of messages that were taken in part: submitted again by themselves.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Dispatcher, envelope, unsent};
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
        let mut failed = Events::none(self.smsc);
        for single in whole
            .singles()
            .filter(|single| single.index.iter().any(|entry| item.parts.contains(&entry.1)))
        {
            let mut slots = self.pool.slots(1).await;
            let (mut permits, _) = self.meter.take(1).await;
            permits.spend(1);
            if let Err(back) = slots.submit(single) {
                unsent(&mut failed, &back);
            }
        }
        self.report(failed).await;
    }
}
