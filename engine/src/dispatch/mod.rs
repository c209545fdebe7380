//! Lead → slots → fair lease → permits → hand over: the whole flow control of the engine.
//!
//! Nothing leaves Redis before a place in a window is held for it, so what is in flight is bounded by the windows. With a
//! rate, leases run ahead of it by a fifth of a second at most (the lead), so that what Redis takes for them does not show
//! in the pace at which segments go to the socket.

mod brake;
mod check_in;
mod doorbell;
mod envelope;
mod epochs;
mod leases;
mod meter;
mod outlet;
mod pending;
mod settings;
mod shares;
mod spacing;
mod sweep;
mod tally;
mod throttle;
mod vain;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smpp::command_status::CommandStatus;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use doorbell::{Bells, Doorbell};
use envelope::Unsealed;
pub(crate) use envelope::submissions;
pub(crate) use leases::{DEAD_AFTER, Leases};
use leases::{Got, Wanted};
pub(crate) use meter::Meter;
use meter::{Hurry, Lead};
pub(crate) use outlet::Outlet;
pub(crate) use settings::Settings;
pub(crate) use sweep::Sweeper;

use crate::bind::{Answer, Events, Lease, Reply, Seats, Segments, Slots};
use crate::campaign::{Campaigns, Gates, Order, Orders, RouteTable};
use crate::clock::Clock;
use crate::domain::{GateId, Line, Message, Partition, Purpose, RouteId, UnixMicros};
use crate::encryption::EncryptionFault;
use crate::guard::Verdict;
use crate::inbound::Struck;
use crate::pressure::Pressure;
use crate::store::{LeasedMessage, Store};

/// Segments in one lease: beyond some hundred a call costs Redis no less a message, and others wait longer.
const BATCH_MAX: usize = 192;

/// Leases of one SMSC that are under way at once: while one waits for Redis, another is being composed.
const WORKERS: usize = 4;

/// Segments in a lease of the express: it has transactional messages in mind, and takes little besides.
const EXPRESS_MAX: usize = 16;

/// Where others are first by their weights, it is asked again after so long.
const OTHERS_FIRST: Duration = Duration::from_millis(5);

/// How often the partitions are looked around for what was queued by other processes.
const LOOK_AROUND: Duration = Duration::from_millis(500);

/// From when a lease is asked for to the hand-over at most: what waits longer is given back, and leased under the rules of then.
const STALE_AFTER: Duration = Duration::from_secs(1);

/// What is leased, until it is handed over.
#[derive(Clone, Copy)]
struct Held {
    since: Instant,
    hurry: Hurry,
    /// It shows whether a stopped SMSC takes it.
    is_try: bool,
    /// From then on, one of them is not worth sending any more.
    expires: Option<UnixMicros>,
}

/// What a dispatcher works with. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Dispatcher {
    /// The SMSC that is fed.
    pub(crate) outlet: Arc<Outlet>,
    /// Whose version what is queued has to have.
    pub(crate) routes: RouteTable,
    /// Which hours are open.
    pub(crate) gates: Gates,
    /// Where it is looked for what is due.
    pub(crate) store: Store,
    /// How messages are claimed.
    pub(crate) leases: Arc<Leases>,
    /// What the messages say.
    pub(crate) orders: Orders,
    /// Who cuts anew what is queued under older routes.
    pub(crate) campaigns: Campaigns,
    /// How far settling is behind.
    pub(crate) pressure: Pressure,
    /// Whether messages may be leased.
    pub(crate) verdict: Verdict,
    /// Who has just opted out.
    pub(crate) struck: Struck,
    /// Answers for messages that no session ever had.
    pub(crate) feed: mpsc::Sender<Events>,
    /// Who else submits to it.
    pub(crate) seats: Seats,
    pub(crate) clock: Clock,
}

impl Dispatcher {
    /// Starts dispatching; every task ends soon after `stop`, and what was leased by then is handed over.
    pub(crate) fn start(self, stop: &CancellationToken, tasks: &TaskTracker) {
        let submitters = TaskTracker::new();
        for _ in 0..WORKERS {
            tasks.spawn(submitters.track_future(self.clone().work(stop.clone())));
        }
        tasks.spawn(submitters.track_future(self.clone().express(stop.clone())));
        submitters.close();
        tasks.spawn(self.clone().heed_rates(stop.clone()));
        if !self.seats.are_all_ours() {
            tasks.spawn(self.clone().keep_share(submitters));
        }
        tasks.spawn(self.look_around(stop.clone()));
    }

    async fn work(self, stop: CancellationToken) {
        let reserve = async || {
            self.outlet.doorbell.rung(|| self.clock.now()).await;
            let lead = self.lead(BATCH_MAX, Hurry::None).await;
            let since = self.clock.now();
            let slots = self.outlet.pool.slots(lead.count()).await;
            let reserved = self.reserved((slots, lead), since);
            self.pressure.relieved(|| self.clock.now()).await;
            self.verdict.leases_allowed().await;
            self.outlet.service.open().await;
            reserved
        };
        while let Some(reserved) = stop.run_until_cancelled(reserve()).await {
            // Chosen last: what is urgent and came meanwhile goes first.
            if let Some(partition) = self.outlet.doorbell.next(self.clock.now()) {
                self.lease_and_submit(partition, reserved, &stop).await;
            }
        }
    }

    /// Leases what is urgent as soon as it comes: it waits neither for a worker, nor for company, nor for settling.
    async fn express(self, stop: CancellationToken) {
        let reserve = async || {
            self.outlet.doorbell.rung_urgently().await;
            let lead = self.lead(EXPRESS_MAX, Hurry::Urgent).await;
            let since = self.clock.now();
            let slots = self.outlet.pool.slots_now(lead.count()).await;
            let reserved = self.reserved((slots, lead), since);
            self.verdict.leases_allowed().await;
            self.outlet.service.open().await;
            reserved
        };
        while let Some(reserved) = stop.run_until_cancelled(reserve()).await {
            // A worker may have been there meanwhile.
            if let Some(partition) = self.outlet.doorbell.next_urgent() {
                self.lease_and_submit(partition, reserved, &stop).await;
            }
        }
    }

    /// What operators say of its rate holds at once.
    async fn heed_rates(self, stop: CancellationToken) {
        let mut told = self.outlet.service.speed().told_later();
        while let Some(true) = stop.run_until_cancelled(told.next()).await {
            self.outlet.meter.set_bound();
        }
    }

    /// Waits for a lead on the rate. Nobody holds places meanwhile: who has the lead may need more of them for a long message.
    async fn lead(&self, most: usize, hurry: Hurry) -> Lead {
        let (lead, waited) = self.outlet.meter.lead(most, hurry).await;
        if waited {
            self.outlet.metrics.throttled_locally.inc();
        }
        lead
    }

    /// What may be leased: as much as there are places for, which were waited for since then.
    fn reserved(&self, (slots, mut lead): (Slots, Lead), since: Instant) -> (Slots, Lead) {
        let waited_for_places = self.clock.now() - since;
        self.outlet.metrics.window_wait.observe(waited_for_places.as_secs_f64());
        lead.keep(slots.count());
        (slots, lead)
    }

    async fn lease_and_submit(&self, partition: Partition, (slots, lead): (Slots, Lead), stop: &CancellationToken) {
        let (gates, now) = (self.gates.open(), self.clock.now());
        let leasing = self.outlet.pool.leasing();
        let Some(allowance) = self.outlet.service.allowance(slots.count(), now) else {
            return self.outlet.doorbell.ring_at(partition, now + OTHERS_FIRST);
        };
        if allowance.waits {
            self.outlet.doorbell.ring_at(partition, now + OTHERS_FIRST);
        }
        let wanted = Wanted {
            smsc: self.outlet.id,
            partition,
            segments: allowance.most,
            routes: &allowance.routes,
            gates: &gates,
            version: self.routes.version(),
        };
        let Some(Got {
            lease,
            since,
            is_kept,
            messages,
            more,
            next_due,
            stale,
        }) = self.leases.lease(&wanted, stop).await
        else {
            self.outlet.service.got(&allowance, 0, |_| 0);
            return self.outlet.doorbell.ring_at(partition, self.clock.now() + OTHERS_FIRST);
        };
        self.outlet
            .service
            .got(&allowance, messages.len(), |route| from_route(&messages, route));
        if more {
            self.outlet.doorbell.ring(partition, false);
        }
        if let Some(due) = next_due {
            let wait = due.since(self.clock.unix());
            self.outlet.doorbell.ring_at(partition, self.clock.now() + wait);
        }
        if stale && let Err(error) = self.campaigns.recut_stale(partition).await {
            tracing::warn!(%error, "what is queued under older routes cannot be queued anew; it is tried again");
        }
        self.outlet.metrics.leased.inc_by(messages.len() as u64);
        let held = Held {
            since,
            hurry: lead.hurry(),
            is_try: allowance.is_try,
            expires: None,
        };
        if is_kept {
            self.hand_over((&messages, held), &lease, slots).await;
        } else {
            self.give_back(&messages, &lease).await;
        }
        drop((lead, leasing));
    }

    /// Gives back what was leased, as nothing of it was handed over.
    async fn give_back(&self, messages: &[LeasedMessage], lease: &Arc<Lease>) {
        let mut unsent = Events::none(self.outlet.id);
        for leased in messages {
            refuse(&mut unsent, (leased, lease), Unsealed::Unkept);
        }
        self.report(unsent).await;
    }

    /// Composes what was leased and hands it to the session whose places are held.
    async fn hand_over(&self, (messages, mut held): (&[LeasedMessage], Held), lease: &Arc<Lease>, mut slots: Slots) {
        let now = self.clock.unix();
        let mut batch = Segments::default();
        let mut failed = Events::none(self.outlet.id);
        let settings = self.outlet.settings();
        for leased in messages {
            let Some(order) = self.order(leased).await else {
                refuse(&mut failed, (leased, lease), Unsealed::Uncomposable);
                continue;
            };
            let Ok(leased) = &opened(leased, &order) else {
                refuse(&mut failed, (leased, lease), Unsealed::Uncomposable);
                continue;
            };
            let due = self.due(leased, &order);
            if order.begins() {
                self.campaigns.begun(&order, (due, now));
            }
            let waited = now.since(due);
            self.outlet
                .metrics
                .time_in_queue(order.purpose.lane(), waited.as_secs_f64());
            let sealed = self.outlet.spaced(&order, leased, self.clock.now());
            let sealed = sealed.and_then(|()| {
                envelope::seal(
                    &settings.config,
                    (&order, now, &self.gates),
                    (leased, lease),
                    &mut batch,
                )
            });
            match sealed {
                Ok(composed) => {
                    self.outlet
                        .metrics
                        .composed(composed.encoding, usize::from(composed.segments));
                    let expires = order.expires_at(&leased.variables);
                    held.expires = held.expires.into_iter().chain(expires).min();
                }
                Err(why) => refuse(&mut failed, (leased, lease), why),
            }
        }
        self.submit((batch, held), &mut slots, &mut failed).await;
        self.report(failed).await;
    }

    /// Since when a message might have been leased.
    fn due(&self, leased: &LeasedMessage, order: &Order) -> UnixMicros {
        let asked_at = order.asked_at(&leased.variables);
        if order.purpose == Purpose::Transactional || self.gates.home() == GateId::OPEN {
            return asked_at;
        }
        let message = Message::unpack(leased.recipient, &leased.message);
        let gate = message.map_or(GateId::OPEN, |(message, _)| message.gate);
        self.gates.due(gate, asked_at).unwrap_or(asked_at)
    }

    /// Whether what is leased should go back: the rate fell, it waited for too long, some of it is not worth sending any more,
    /// or its SMSC was suspended meanwhile, or has stopped.
    fn goes_back(&self, held: Held) -> bool {
        self.outlet.meter.is_behind()
            || self.clock.now() - held.since > STALE_AFTER
            || self.is_over(held)
            || self.outlet.service.is_suspended() && !held.is_try
    }

    /// Whether one of what is leased is not worth sending any more.
    fn is_over(&self, held: Held) -> bool {
        held.expires.is_some_and(|at| self.clock.unix() >= at)
    }

    /// Whether somebody who is to get one of these has opted out since it was leased.
    fn has_struck(&self, segments: &Segments) -> bool {
        let now = self.clock.now();
        !self.struck.is_empty(now)
            && segments.iter().any(|(flight, ..)| {
                let message = Message::unpack(flight.recipient, &flight.message);
                message.is_ok_and(|(message, _)| self.struck.has(message.recipient, message.tenant, message.lane, now))
            })
    }

    /// Hands segments over as the rate permits, all at once without one. A long message may have more segments than
    /// there are places: the rest of it waits for more in the same session.
    async fn submit(&self, (mut batch, held): (Segments, Held), slots: &mut Slots, failed: &mut Events) {
        while batch.count() > 0 {
            if slots.count() == 0 && !slots.one_more().await {
                return unsent(failed, &batch);
            }
            if self.goes_back(held) {
                return unsent(failed, &batch);
            }
            let most = slots
                .permits(batch.count().min(slots.count()), || self.clock.now())
                .await;
            let permits = self.outlet.meter.take(most, held.hurry).await;
            slots.unsent(most - permits);
            let ready = batch.split_to(permits);
            // Their time may have ended while they waited for permits.
            if self.is_over(held) || self.has_struck(&ready) {
                // Leased again, they are left out or end; the others of these go then.
                slots.unsent(ready.count());
                self.outlet.pool.wire().unsent(ready.count());
                unsent(failed, &ready);
            } else if let Err(back) = slots.submit(ready) {
                unsent(failed, &back);
            }
        }
    }

    async fn report(&self, failed: Events) {
        if !failed.answers.is_empty() && self.feed.send(failed).await.is_err() {
            tracing::error!(
                smsc = self.outlet.metrics.name,
                "answers could not be handed over: their messages will be in doubt"
            );
        }
    }

    /// What the message's campaign says; asked from the store the first time, again and again while that is away.
    async fn order(&self, leased: &LeasedMessage) -> Option<Arc<Order>> {
        let (message, _) = Message::unpack(leased.recipient, &leased.message).ok()?;
        if let Some(order) = self.orders.cached(message.id.campaign()) {
            return Some(order);
        }
        loop {
            match self.orders.get(message.tenant, message.id.campaign()).await {
                Ok(order) => return order,
                Err(error) => {
                    tracing::warn!(%error, "a campaign cannot be read; it is tried again");
                    tokio::time::sleep(LOOK_AROUND).await;
                }
            }
        }
    }

    /// Rings for partitions in which something is queued that nobody here has queued.
    async fn look_around(self, stop: CancellationToken) {
        loop {
            match self.store.lines_within_reach().await {
                Ok(partitions) => {
                    let mine = |line: &Line| self.outlet.service.serves(line.way);
                    let there = partitions
                        .into_iter()
                        .filter_map(|(partition, lines)| Some((partition, lines.ok()?)));
                    let waiting = there.filter(|(_, lines)| lines.iter().any(mine));
                    waiting.for_each(|(partition, _)| self.outlet.doorbell.ring(partition, false));
                }
                Err(error) => tracing::debug!(%error, "cannot look for due messages"),
            }
            let pause = tokio::time::sleep(LOOK_AROUND);
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }
}

/// How many of these were queued for that route.
fn from_route(messages: &[LeasedMessage], route: RouteId) -> usize {
    let is_of = |leased: &&LeasedMessage| {
        let message = Message::unpack(leased.recipient, &leased.message);
        message.is_ok_and(|(message, _)| message.route == route)
    };
    messages.iter().filter(is_of).count()
}

/// The message with its variables as they were before they were encrypted.
fn opened<'a>(leased: &'a LeasedMessage, order: &Order) -> Result<Cow<'a, LeasedMessage>, EncryptionFault> {
    Ok(match order.open(&leased.variables)? {
        Cow::Borrowed(_) => Cow::Borrowed(leased),
        Cow::Owned(variables) => Cow::Owned(LeasedMessage {
            variables: variables.into(),
            ..leased.clone()
        }),
    })
}

/// A message that cannot be composed is refused as the SMSC would refuse it: its length is not possible. One whose time is
/// over ends as such.
fn refuse(failed: &mut Events, (leased, lease): (&LeasedMessage, &Arc<Lease>), why: Unsealed) {
    let Some(flight) = envelope::unsealed(leased, lease) else {
        tracing::error!(recipient = leased.recipient.masked(), "a leased message cannot be read");
        return;
    };
    let flight = Arc::new(flight);
    for part in 0..flight.submitted {
        let reply = match why {
            Unsealed::Uncomposable => Reply::Refused(CommandStatus::ESME_RINVMSGLEN),
            Unsealed::Expired => Reply::Expired,
            Unsealed::Early(wait) => Reply::Early(wait),
            Unsealed::Unkept => Reply::Unsent,
        };
        failed.answers.push(Answer::unheard(flight.clone(), part, reply));
    }
}

fn unsent(failed: &mut Events, batch: &Segments) {
    for (flight, part, _) in batch.iter() {
        failed
            .answers
            .push(Answer::unheard(flight.clone(), part, Reply::Unsent));
    }
}
