//! What is shown and not counted: asked for now and then.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::domain::{Purpose, Way};
use crate::metrics::Metrics;
use crate::pressure::Pressure;
use crate::store::{Store, StoreError};
use crate::traffic::Traffic;

/// How often gauges that have to be asked for are refreshed.
const GAUGES: Duration = Duration::from_secs(2);

/// Gauges that only the store knows.
pub(super) struct Gauges {
    pub(super) store: Store,
    pub(super) metrics: Metrics,
    pub(super) traffic: Traffic,
    pub(super) pressure: Pressure,
    pub(super) clock: Clock,
}

impl Gauges {
    pub(super) async fn refresh(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(GAUGES)).await.is_some() {
            if let Err(error) = self.once().await {
                tracing::debug!(%error, "gauges are not refreshed");
            }
        }
    }

    async fn once(&self) -> Result<(), StoreError> {
        let metrics = &self.metrics;
        metrics
            .settle_lag_seconds
            .set(self.pressure.behind(self.clock.now()).as_secs_f64());
        let (queued, deferred) = (&metrics.queue_messages, &metrics.queue_deferred_messages);
        // A line that is empty now is not among the depths: it is set to 0.
        queued.reset();
        deferred.reset();
        for depth in self.store.depths().await? {
            let way = self.name(depth.line.way);
            let lane = Purpose::ALL
                .iter()
                .copied()
                .find(|purpose| purpose.lane() == depth.line.lane);
            let lane = lane.map_or("other", Purpose::code);
            queued.with_label_values(&[way.as_str(), lane]).add(depth.queued as i64);
            deferred.with_label_values(&[&way]).add(depth.deferred as i64);
        }
        for (state, count) in self.store.pool_use() {
            let connections = &metrics.redis_pool_connections;
            connections.with_label_values(&[state]).set(count as i64);
        }
        metrics.receipts_parked.set(self.store.parked_count().await? as i64);
        metrics
            .redis_used_memory_bytes
            .set(self.store.used_memory().await? as i64);
        Ok(())
    }

    /// A way as operators know it: the name of the route, `@` and a name for what one of them has a part of.
    fn name(&self, way: Way) -> String {
        match way {
            Way::Pinned(smsc) => {
                let name = self.traffic.name(smsc);
                format!("@{}", name.as_deref().unwrap_or("removed"))
            }
            Way::Route(route) => self.traffic.route_name(route).unwrap_or_else(|| "stranded".to_owned()),
        }
    }
}
