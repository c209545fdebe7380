//! How late campaigns begin: each counts once, whoever of all processes leased its first message.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::Order;
use crate::domain::{CampaignId, Purpose, TenantId, UnixMicros};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};

/// A campaign of which a message was leased, the first one as far as this process knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Start {
    tenant: TenantId,
    campaign: CampaignId,
    purpose: Purpose,
    /// When it was leased.
    at: UnixMicros,
    /// How long after the launch, or after its hours began.
    delay: Duration,
}

/// Those that are not counted yet: one a campaign under way, at most. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct Starts(Arc<Mutex<Vec<Start>>>);

impl Start {
    /// `due`: since when it might have been leased.
    pub(super) fn of(order: &Order, (due, at): (UnixMicros, UnixMicros)) -> Self {
        Self {
            tenant: order.tenant,
            campaign: order.id,
            purpose: order.purpose,
            at,
            delay: at.since(due),
        }
    }
}

impl Starts {
    pub(super) fn add(&self, start: Start) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(start);
    }

    /// Counts those that nobody has counted; what is stored says so.
    ///
    /// # Errors
    /// When the store does not answer: they are counted the next time.
    pub(super) async fn count(&self, store: &Store, metrics: &Metrics) -> Result<(), StoreError> {
        while let Some(start) = self.last() {
            if store.begin_campaign((start.tenant, start.campaign), start.at).await? {
                let delays = &metrics.campaign_start_delay_seconds;
                let of_lane = delays.with_label_values(&[start.purpose.code()]);
                of_lane.observe(start.delay.as_secs_f64());
            }
            self.forget(start);
        }
        Ok(())
    }

    fn last(&self) -> Option<Start> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).last().copied()
    }

    fn forget(&self, start: Start) {
        let mut starts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        starts.retain(|known| *known != start);
    }
}
