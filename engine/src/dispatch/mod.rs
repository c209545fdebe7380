//! Slots → lead → fair lease → permits → hand over: the whole flow control of the engine.
//!
//! Nothing leaves Redis before a place in a window is held for it, so what is in flight is bounded by the windows. With a
//! rate, leases run ahead of it by a fifth of a second at most (the lead), so that what Redis takes for them does not show
//! in the pace at which segments go to the socket.

mod doorbell;
mod envelope;
mod leases;
mod meter;
mod redo;
mod sweep;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use smpp::command_status::CommandStatus;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use doorbell::Doorbell;
pub use leases::Leases;
use meter::Lead;
pub use meter::Meter;
pub use redo::{REDO_MAX, Redo};
pub use sweep::Sweeper;

use crate::bind::{Answer, Events, Flight, Lease, Pool, Reply, Segments, Slots};
use crate::campaign::{Order, Orders};
use crate::clock::Clock;
use crate::config;
use crate::domain::{Entry, Message, Partition, SmscId};
use crate::metrics::SmscMetrics;
use crate::outcome::Brake;
use crate::store::Store;

/// Segments in one lease: beyond some hundred a call costs Redis no less a message, and others wait longer.
const BATCH_MAX: usize = 192;

/// Leases of one SMSC that are under way at once: while one waits for Redis, another is being composed.
const WORKERS: usize = 4;

/// How often the partitions are looked around for what was enqueued by other processes.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// What a dispatcher works with. Cheap to clone.
#[derive(Clone)]
pub struct Dispatcher {
    /// Which SMSC.
    pub smsc: SmscId,
    /// Its configuration.
    pub config: Arc<config::Smsc>,
    /// Where messages are leased.
    pub store: Store,
    /// Places in its windows.
    pub pool: Pool,
    /// Its rate.
    pub meter: Meter,
    /// Which partitions have something due.
    pub doorbell: Doorbell,
    /// Whether it wants to be left alone.
    pub brake: Arc<Mutex<Brake>>,
    /// Under which epoch to lease.
    pub leases: Arc<Leases>,
    /// What the messages say.
    pub orders: Orders,
    /// Answers for messages that no session ever had.
    pub feed: mpsc::Sender<Events>,
    /// Its metrics.
    pub metrics: SmscMetrics,
    /// The time.
    pub clock: Clock,
}

impl Dispatcher {
    /// Starts dispatching; every task ends soon after `stop`, and what was leased by then is handed over.
    pub fn start(self, redo: mpsc::Receiver<Redo>, stop: &CancellationToken, tasks: &TaskTracker) {
        for _ in 0..WORKERS {
            tasks.spawn(self.clone().work(stop.clone()));
        }
        tasks.spawn(self.clone().resubmit(redo, stop.clone()));
        tasks.spawn(self.look_around(stop.clone()));
    }

    async fn work(self, stop: CancellationToken) {
        while let Some(()) = stop.run_until_cancelled(self.left_alone()).await {
            let Some(partition) = stop.run_until_cancelled(self.doorbell.next(|| self.clock.now())).await else {
                break;
            };
            let since = self.clock.now();
            let Some(mut slots) = stop.run_until_cancelled(self.pool.slots(BATCH_MAX)).await else {
                break;
            };
            self.metrics
                .window_wait
                .observe((self.clock.now() - since).as_secs_f64());
            let Some((lead, waited)) = stop.run_until_cancelled(self.meter.lead(slots.count())).await else {
                break;
            };
            if waited {
                self.metrics.throttled_locally.inc();
            }
            slots.keep(lead.count());
            self.lease_and_submit(partition, slots, lead).await;
        }
    }

    /// Waits while the SMSC says that we are too fast.
    async fn left_alone(&self) {
        loop {
            let pause = self
                .brake
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .remaining(self.clock.now());
            if pause.is_zero() {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }

    async fn lease_and_submit(&self, partition: Partition, slots: Slots, lead: Lead) {
        let (lease, now_us, since) = (self.leases.current(), self.clock.unix_us(), self.clock.now());
        let leased = self
            .store
            .lease(self.smsc, partition, slots.count(), (lease.epoch, now_us))
            .await;
        let leased = match leased {
            Ok(leased) => leased,
            Err(error) => {
                // What the lost reply held is leased and in nobody's hands: under a new epoch it is told from ours.
                self.metrics.all.redis_errors_total.with_label_values(&["lease"]).inc();
                tracing::warn!(%error, smsc = self.metrics.name, "lease failed; it is tried again");
                drop((slots, lead));
                self.leases.renew(&lease).await;
                self.doorbell.ring(partition, false);
                return;
            }
        };
        self.metrics
            .all
            .redis_op("lease", self.clock.now() - since, leased.messages.len());
        if leased.more {
            self.doorbell.ring(partition, false);
        }
        if let Some(due) = leased.next_due {
            let wait = Duration::from_micros(due.saturating_sub(now_us));
            self.doorbell.ring_at(partition, self.clock.now() + wait);
        }
        self.metrics.leased.inc_by(leased.messages.len() as u64);
        self.hand_over(leased.messages, &lease, slots).await;
        drop(lead);
    }

    /// Composes what was leased and hands it to the session whose places are held.
    async fn hand_over(&self, messages: Vec<Vec<u8>>, lease: &Arc<Lease>, mut slots: Slots) {
        let mut batch = Segments::default();
        let mut failed = Events::none(self.smsc);
        for bytes in messages {
            let Some(flight) = self.flight(bytes, lease) else {
                continue;
            };
            let flight = Arc::new(flight);
            let Some(order) = self.order(&flight).await else {
                refuse(&mut failed, &flight);
                continue;
            };
            let waited = self
                .clock
                .unix_us()
                .saturating_sub(envelope::queued_at_us(&order, &flight));
            self.metrics.time_in_queue(order.purpose.lane(), waited as f64 / 1e6);
            if envelope::seal(&self.config, &order, &flight, &mut batch).is_err() {
                refuse(&mut failed, &flight);
            }
        }
        self.submit(batch, &mut slots, &mut failed).await;
        self.report(failed).await;
    }

    /// Hands segments over as the rate permits, all at once without one. A long message may have more segments than
    /// there are places: the rest of it waits for more in the same session.
    async fn submit(&self, mut batch: Segments, slots: &mut Slots, failed: &mut Events) {
        while batch.count() > 0 {
            if slots.count() == 0 && !slots.one_more().await {
                return unsent(failed, &batch);
            }
            self.left_alone().await;
            let permits = self.meter.take(batch.count().min(slots.count())).await;
            if let Err(back) = slots.submit(batch.split_to(permits)) {
                unsent(failed, &back);
            }
        }
    }

    async fn report(&self, failed: Events) {
        if !failed.answers.is_empty() && self.feed.send(failed).await.is_err() {
            tracing::error!(
                smsc = self.metrics.name,
                "answers could not be handed over: their messages will be in doubt"
            );
        }
    }

    fn flight(&self, bytes: Vec<u8>, lease: &Arc<Lease>) -> Option<Flight> {
        let message = Message::unpack(&bytes)?;
        let (entry, attempts): (Entry<'_>, u8) = (message.entry, message.attempts);
        Some(Flight {
            id: entry.id,
            recipient: entry.recipient,
            tenant: entry.tenant,
            segments: entry.segments.max(1),
            credits: entry.credits,
            attempts,
            leased_at: self.clock.unix_us(),
            lease: lease.clone(),
            message: bytes,
        })
    }

    /// What the message's campaign says; asked from the store the first time, again and again while that is away.
    async fn order(&self, flight: &Flight) -> Option<Arc<Order>> {
        if let Some(order) = self.orders.cached(flight.campaign()) {
            return Some(order);
        }
        loop {
            match self.orders.get(flight.tenant, flight.campaign()).await {
                Ok(order) => return order,
                Err(error) => {
                    tracing::warn!(%error, "a campaign cannot be read; it is tried again");
                    tokio::time::sleep(LOOK_AROUND).await;
                }
            }
        }
    }

    /// Rings for partitions in which something is due that nobody here has enqueued.
    async fn look_around(self, stop: CancellationToken) {
        loop {
            match self.store.due_partitions(self.smsc, self.clock.unix_us()).await {
                Ok(partitions) => partitions
                    .into_iter()
                    .for_each(|partition| self.doorbell.ring(partition, false)),
                Err(error) => tracing::debug!(%error, "cannot look for due messages"),
            }
            if stop
                .run_until_cancelled(tokio::time::sleep(LOOK_AROUND))
                .await
                .is_none()
            {
                return;
            }
        }
    }
}

/// A message that cannot be composed is refused as the SMSC would refuse it: its length is not possible.
fn refuse(failed: &mut Events, flight: &Arc<Flight>) {
    for part in 0..flight.segments {
        failed
            .answers
            .push(answer(flight, part, Reply::Refused(CommandStatus::ESME_RINVMSGLEN)));
    }
}

fn unsent(failed: &mut Events, batch: &Segments) {
    for (flight, part, _) in batch.iter() {
        failed.answers.push(answer(flight, part, Reply::Unsent));
    }
}

fn answer(flight: &Arc<Flight>, part: u8, reply: Reply) -> Answer {
    Answer {
        flight: flight.clone(),
        part,
        reply,
        late: false,
        after: Duration::ZERO,
    }
}
