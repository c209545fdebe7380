//! One SMSC as the engine feeds it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::{ArcSwap, Guard};

use super::envelope::Unsealed;
use super::spacing::{Leaving, Spacing};
use super::{Doorbell, Meter, Settings};
use crate::bind::{Flight, Pool, Seats};
use crate::campaign::{Gates, Order};
use crate::clock::Clock;
use crate::config;
use crate::domain::{Message, SmscId, UnixMicros};
use crate::metrics::{Metrics, SmscMetrics};
use crate::store::LeasedMessage;
use crate::traffic::{Service, Traffic};

/// An account at an aggregator, with all that is made for it. A new configuration changes what it is fed by, and how its words
/// are understood; who waits for a place or a permit goes on waiting.
pub(crate) struct Outlet {
    pub(crate) id: SmscId,
    settings: Arc<ArcSwap<Settings>>,
    /// What may be given to it now.
    pub(crate) service: Service,
    /// Places in the windows of its sessions.
    pub(crate) pool: Pool,
    /// How fast it is fed.
    pub(crate) meter: Meter,
    /// Which partitions have something due for it.
    pub(crate) doorbell: Doorbell,
    pub(crate) metrics: SmscMetrics,
    /// What one sender, and one number, has had.
    spacing: Mutex<Spacing>,
    /// When advertising may go.
    gates: Gates,
}

impl Outlet {
    /// As yet without sessions.
    pub(crate) fn new(
        (id, settings): (SmscId, Settings),
        (traffic, seats): (&Traffic, &Seats),
        (metrics, clock, gates): (&Metrics, Clock, &Gates),
    ) -> Self {
        let pool = Pool::default();
        let own = metrics.smsc(&settings.config.name);
        show_limit(metrics, &settings.config);
        let service = traffic.add(id, &settings.config.name, (&pool, seats));
        service.speed().set_fed(settings.config.bind.transmits());
        let settings = Arc::new(ArcSwap::from_pointee(settings));
        let (speed, stopping) = (service.speed().clone(), service.clone());
        let stop = move |status, pause| stopping.stop(status, pause);
        Self {
            id,
            service,
            meter: Meter::new((&settings, speed), pool.wire().clone(), own.clone(), clock, stop),
            settings,
            pool,
            doorbell: Doorbell::default(),
            metrics: own,
            spacing: Mutex::default(),
            gates: gates.clone(),
        }
    }

    /// What is configured now.
    pub(crate) fn settings(&self) -> Guard<Arc<Settings>> {
        self.settings.load()
    }

    /// Whether a message may go now that was leased at that time, as far as its sender and its number are concerned.
    pub(super) fn spaced(&self, order: &Order, leased: &LeasedMessage, at: Instant) -> Result<(), Unsealed> {
        let settings = self.settings();
        if !Spacing::is_wanted(&settings.config) {
            return Ok(());
        }
        let (message, _) = Message::unpack(leased.recipient, &leased.message).map_err(|_| Unsealed::Uncomposable)?;
        if message.traces().is_some() {
            // The rest of what has begun.
            return Ok(());
        }
        let sender = order.sender(&leased.variables).ok_or(Unsealed::Uncomposable)?;
        let leaving = Leaving {
            id: message.id,
            sender: &sender.address,
            recipient: message.recipient,
            segments: message.segments,
        };
        let mut spacing = self.spacing.lock().unwrap_or_else(PoisonError::into_inner);
        spacing.pass(&settings.config, leaving, at).map_err(Unsealed::Early)
    }

    /// It has accepted a segment of that message, which was submitted then.
    pub(crate) fn accepted(&self, flight: &Flight, at: UnixMicros) {
        self.metrics.submitted_ok.inc();
        let recipient = flight.recipient;
        if let Some(gate) = Message::advertising(&flight.message)
            && self.gates.is_outside((gate, recipient), at)
        {
            self.metrics.outside_hours.inc();
            tracing::error!(smsc = self.metrics.name, id = %flight.id, "advertising was sent outside the hours of its recipient");
        }
        let settings = self.settings();
        let prices = &settings.config.prices;
        if let Some(currency) = prices.currency() {
            self.metrics
                .cost(currency.code(), prices.price(recipient, at).map(|price| price.0));
        }
    }

    /// Something else is configured from now on.
    pub(crate) fn set(&self, settings: Settings) {
        show_limit(&self.metrics.all, &settings.config);
        self.service.speed().set_fed(settings.config.bind.transmits());
        self.settings.store(Arc::new(settings));
        self.meter.set_bound();
    }
}

fn show_limit(metrics: &Metrics, smsc: &config::Smsc) {
    let limit = &metrics.throttle_limit_messages_per_second;
    match smsc.bound() {
        Some((rate, _)) => limit.with_label_values(&[&smsc.name]).set(rate),
        None => {
            let _was_shown = limit.remove_label_values(&[&smsc.name]).is_ok();
        }
    }
}
