//! One SMSC as the engine feeds it.

use std::sync::Arc;

use super::{Doorbell, Meter};
use crate::bind::{Binds, Pool};
use crate::clock::Clock;
use crate::config;
use crate::domain::SmscId;
use crate::metrics::{Metrics, SmscMetrics};
use crate::outcome::{BrokenTable, Meanings};
use crate::traffic::{Service, Traffic};

/// An account at an aggregator, with all that is made for it.
pub(crate) struct Outlet {
    pub(crate) id: SmscId,
    pub(crate) config: Arc<config::Smsc>,
    /// What may be given to it now.
    pub(crate) service: Service,
    /// Places in the windows of its sessions.
    pub(crate) pool: Pool,
    /// What its codes mean.
    pub(crate) meanings: Arc<Meanings>,
    /// How fast it is fed.
    pub(crate) meter: Meter,
    /// Which partitions have something due for it.
    pub(crate) doorbell: Doorbell,
    pub(crate) metrics: SmscMetrics,
}

impl Outlet {
    /// Starts its sessions.
    ///
    /// # Errors
    /// [`BrokenTable`], which the tests rule out.
    pub(crate) fn open(
        (id, config): (SmscId, &Arc<config::Smsc>),
        (binds, traffic): (&Binds, &Traffic),
        (metrics, clock): (&Metrics, Clock),
    ) -> Result<Self, BrokenTable> {
        let meanings = Arc::new(Meanings::of(config)?);
        let pool = binds.keep_up(id, config);
        let own = metrics.smsc(&config.name);
        if let Some((rate, _)) = config.bound() {
            let limit = &metrics.throttle_limit_messages_per_second;
            limit.with_label_values(&[&config.name]).set(rate);
        }
        let heard = (pool.wire().clone(), meanings.clone());
        Ok(Self {
            id,
            config: config.clone(),
            service: traffic.add(id, config, &pool),
            meter: Meter::new(config, heard, own.clone(), clock),
            meanings,
            pool,
            doorbell: Doorbell::default(),
            metrics: own,
        })
    }
}
