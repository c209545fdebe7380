//! How fast one SMSC account is fed, in segments, over all its binds: at the configured rate, or slower while the SMSC says
//! that this is too fast.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use smpp::command_status::CommandStatus;
use tokio::sync::Notify;

use super::brake::Brake;
use super::settings::Settings;
use super::throttle::Throttle;
use crate::bind::{Bound, Heard, Hold, Pace, Wait, Wire};
use crate::clock::Clock;
use crate::config::{self, AnswerMeaning, Rate};
use crate::metrics::SmscMetrics;
use crate::traffic::Speed;

/// How far leases may run ahead of permits: longer than Redis makes anyone wait on an ordinary day, and short enough that a
/// campaign that is paused stops at once for people.
const LEAD: Duration = Duration::from_millis(200);

/// The parts of the lead that one lease may take: the next one is under way while this one is being handed over.
const LEASES_AHEAD: usize = 4;

/// What a lease in a hurry may take: besides what is urgent it brings what is not, and the next urgent message waits for all of it.
const HURRIED_LEAD: Duration = Duration::from_millis(2);

/// Permits that those in a hurry may have before others who wait, and so many more for each that these have then: a quarter is theirs.
const OVERTAKEN_MAX: usize = 48;
const OVERTAKEN_FOR_EACH: usize = 3;

/// What is leased and would wait longer than this for its permits goes back into its queue: the rate fell since.
const LEASED_MAX: Duration = Duration::from_secs(1);

/// Where nothing of the rate is this engine's, it is looked again so soon.
const CLOSED: Duration = Duration::from_millis(20);

/// Millionths of a rate.
const WHOLE: f64 = 1e6;

/// An engine that needs more of the rate than it had asks for so much more.
const HEADROOM: f64 = 1.25;

/// What of the account's rate is this engine's, until then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Share {
    part: f64,
    /// What the SMSC takes of another engine's share: it takes no more of ours.
    slowest: f64,
    /// `None`: for good.
    until: Option<Instant>,
}

impl Share {
    /// Everything, for good.
    const ALL: Self = Self {
        part: 1.0,
        slowest: 1.0,
        until: None,
    };
    pub(super) const NONE: Self = Self { part: 0.0, ..Self::ALL };

    pub(super) fn whole(until: Instant) -> Self {
        Self {
            until: Some(until),
            ..Self::ALL
        }
    }

    /// In millionths.
    pub(super) fn of(part: u32, slowest: u32, until: Instant) -> Self {
        Self {
            part: f64::from(part) / WHOLE,
            slowest: f64::from(slowest) / WHOLE,
            until: Some(until),
        }
    }

    fn is_there(&self, now: Instant) -> bool {
        self.part > 0.0 && self.until.is_none_or(|until| now < until)
    }
}

/// What of the rate is needed, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Need {
    pub(super) need: u32,
    /// Less is of no use: no segment could go within a second.
    pub(super) least: u32,
    /// What the SMSC takes of our share.
    pub(super) takes: u32,
    pub(super) is_idle: bool,
}

/// The permits of one SMSC account. Cheap to clone; without a rate, and while the SMSC does not throttle, there are always
/// enough.
#[derive(Clone)]
pub(crate) struct Meter(Arc<Inner>);

struct Inner {
    state: Mutex<Permits>,
    /// Leads were given back.
    freed: Notify,
    /// Somebody has had permits, or wants none any more: the next may be another's.
    next: Notify,
    /// Somebody has to wait for the rate.
    hungry: Notify,
    wire: Wire,
    /// The rate, and which refusals say "too fast".
    settings: Arc<ArcSwap<Settings>>,
    /// What operators say of the rate, and where it is shown.
    speed: Speed,
    metrics: SmscMetrics,
    clock: Clock,
    /// Told, before anything more is leased, that an answer says that nothing is taken from the account; and for how long.
    stop: Box<dyn Fn(CommandStatus, Duration) + Send + Sync>,
}

struct Permits {
    /// The configured rate, or the lower one that an operator wants; of that, this engine's share.
    ceiling: Option<f64>,
    share: Share,
    /// Since a share was asked for last: somebody had to wait for the rate, and so many segments went.
    waited: bool,
    used: usize,
    asked_at: Instant,
    /// A slower one, since the SMSC wants that.
    slowed: Option<f64>,
    pace: Pace,
    throttle: Throttle,
    /// What it says of how busy it is.
    brake: Brake,
    /// Segments that may be leased and are not handed over yet.
    ahead: usize,
    /// Those who wait for a lead in a hurry: the next one is theirs.
    hurried: usize,
    /// Those who wait for permits in a hurry, and without; and permits by which the former are ahead.
    pressing: usize,
    patient: usize,
    overtaken: usize,
}

/// Who wants a lead, and permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hurry {
    /// For what is urgent: before others, who keep a quarter of the permits.
    Urgent,
    /// In turns with others.
    None,
}

/// The right to lease some segments; it ends when they are handed over.
pub(crate) struct Lead {
    count: usize,
    hurry: Hurry,
    meter: Arc<Inner>,
}

impl Meter {
    /// The meter of that account. `wire`: where its sessions say when segments left and what was answered.
    pub(super) fn new(
        (settings, speed): (&Arc<ArcSwap<Settings>>, Speed),
        wire: Wire,
        metrics: SmscMetrics,
        clock: Clock,
        stop: impl Fn(CommandStatus, Duration) + Send + Sync + 'static,
    ) -> Self {
        let now = clock.now();
        let bound = bound(&settings.load().config, &speed, Share::ALL);
        let state = Permits {
            ceiling: bound.map(|bound| bound.rate),
            share: Share::ALL,
            waited: false,
            used: 0,
            asked_at: now,
            slowed: None,
            pace: Pace::new(bound, now),
            throttle: Throttle::new(now),
            brake: Brake::default(),
            ahead: 0,
            hurried: 0,
            pressing: 0,
            patient: 0,
            overtaken: 0,
        };
        state.show(&metrics, (&speed, &wire));
        Self(Arc::new(Inner {
            state: Mutex::new(state),
            freed: Notify::new(),
            next: Notify::new(),
            hungry: Notify::new(),
            wire,
            settings: settings.clone(),
            speed,
            metrics,
            clock,
            stop: Box::new(stop),
        }))
    }

    /// The configured rate may be another, or what operators say of it.
    pub(super) fn set_bound(&self) {
        let mut state = self.0.hear();
        let bound = bound(&self.0.settings.load().config, &self.0.speed, state.share);
        state.ceiling = bound.map(|bound| bound.rate);
        let slowed = state.slowed;
        state.pace.set_bound(bound, slowed, self.0.clock.now());
        state.show(&self.0.metrics, (&self.0.speed, &self.0.wire));
        drop(state);
        self.0.freed.notify_waiters();
    }

    /// So much of the rate is this engine's from now on.
    pub(super) fn set_share(&self, share: Share) {
        let before = std::mem::replace(&mut self.0.lock().share, share);
        if (before.part, before.slowest) != (share.part, share.slowest) {
            return self.set_bound();
        }
        if before.until != share.until {
            self.0.freed.notify_waiters();
        }
    }

    /// Waits until somebody has to wait for the rate.
    pub(super) async fn hungry(&self) {
        self.0.hungry.notified().await;
    }

    /// What of the rate is needed, as it was since this was asked last; `None`: there is no rate.
    pub(super) fn need(&self) -> Option<Need> {
        let whole = bound(&self.0.settings.load().config, &self.0.speed, Share::ALL)?;
        let now = self.0.clock.now();
        let mut state = self.0.hear();
        let (used, waited) = (std::mem::take(&mut state.used), std::mem::take(&mut state.waited));
        let since = now.duration_since(std::mem::replace(&mut state.asked_at, now));
        let part = used as f64 / since.as_secs_f64().max(0.001) / whole.rate * HEADROOM;
        // What others take is not ours to say.
        let own = [state.throttle.rate(), state.brake.rate(now)]
            .into_iter()
            .flatten()
            .reduce(f64::min);
        let slowed = own.zip(state.ceiling);
        let takes = slowed.map_or(1.0, |(slowed, ceiling)| (slowed / ceiling).min(1.0));
        let millionths = |part: f64| (part.min(1.0) * WHOLE) as u32;
        Some(Need {
            need: if waited { millionths(1.0) } else { millionths(part) },
            least: millionths(1.0 / (whole.rate + f64::from(whole.burst))).max(1) + 1,
            takes: millionths(takes),
            is_idle: !waited && used == 0,
        })
    }

    /// Waits until something may be leased, and says how much: 1 to `max`. `true`: it had to wait.
    pub(crate) async fn lead(&self, max: usize, hurry: Hurry) -> (Lead, bool) {
        let _in_a_hurry = (hurry == Hurry::Urgent).then(|| Waiting::for_lead(&self.0));
        let mut waited = false;
        loop {
            let freed = self.0.freed.notified();
            let count = {
                let mut state = self.0.hear();
                let is_open = state.is_open(self.0.clock.now());
                let count = if is_open { state.lead(max, hurry) } else { 0 };
                state.waited |= count == 0;
                count
            };
            if count > 0 {
                let meter = self.0.clone();
                return (Lead { count, hurry, meter }, waited);
            }
            waited = true;
            self.0.hungry.notify_one();
            freed.await;
        }
    }

    /// Waits until a segment may be sent, and says how many may be sent now: 1 to `max`. Each has to be handed to a session,
    /// which says on the wire what became of it.
    pub(crate) async fn take(&self, max: usize, hurry: Hurry) -> usize {
        let _waiting = Waiting::for_permits(&self.0, hurry);
        let (mut waits_for_rate, mut is_counted) = (false, false);
        loop {
            let (changed, next) = (self.0.wire.changed(), self.0.next.notified());
            let taken = {
                let mut state = self.0.hear();
                for departure in self.0.wire.departures() {
                    state.pace.departed(departure.count, departure.at);
                }
                let now = self.0.clock.now();
                let taken = match state.brake.paused(now) {
                    _ if !state.is_open(now) => Err(Wait::Until(now + CLOSED)),
                    Some(until) => Err(Wait::Until(until)),
                    None if state.is_others_turn(hurry) => Ok(0),
                    None => state.pace.take(max.max(1), now).inspect_err(|_| {
                        waits_for_rate = true;
                    }),
                };
                state.waited |= !matches!(taken, Ok(1..));
                state.used += taken.unwrap_or(0);
                state.count_taken(taken.unwrap_or(0), hurry);
                taken
            };
            // Counted once, however often it is asked again.
            if waits_for_rate && !std::mem::replace(&mut is_counted, true) {
                self.0.metrics.throttled_locally.inc();
            }
            if taken.is_err() {
                self.0.hungry.notify_one();
            }
            match taken {
                Ok(0) => next.await,
                Ok(count) => return count,
                Err(Wait::Until(due)) => tokio::time::sleep_until(due.into()).await,
                Err(Wait::Departure) => changed.await,
            }
        }
    }

    /// Whether more is leased than can be handed over soon, since the rate fell: some of it should go back.
    pub(crate) fn is_behind(&self) -> bool {
        let state = self.0.hear();
        let soon = |rate: f64| (rate * LEASED_MAX.as_secs_f64()) as usize;
        state
            .rate()
            .is_some_and(|rate| state.ahead > soon(rate).max(state.lead_max(Hurry::Urgent)))
    }

    /// How long a message that the SMSC refused as too fast should wait before it is due again. The rate is kept by the
    /// permits, so this is short: others go first for a moment.
    pub(crate) fn pause(&self) -> Duration {
        self.0.hear().throttle.pause()
    }
}

/// The most that any second may have of that account from this engine.
fn bound(smsc: &config::Smsc, speed: &Speed, share: Share) -> Option<Bound> {
    speed.configured(smsc.bound().map(|(rate, _)| rate));
    let (rate, burst) = smsc.bound_below(speed.told().map(Rate::segments_per_second))?;
    // Nothing goes without a share, whatever the rate: it is that of the account, for when there is one again.
    let part = if share.part > 0.0 { share.part } else { 1.0 };
    Some(Bound {
        rate: rate * part,
        burst: (f64::from(burst) * part) as u32,
    })
}

impl Inner {
    /// The permits, after everything that was answered until now.
    fn hear(&self) -> MutexGuard<'_, Permits> {
        let mut state = self.lock();
        let cut = state.throttle.rate();
        for (heard, at) in self.wire.answers() {
            self.note(&mut state, &heard, at);
        }
        if lower(state.throttle.rate(), cut) {
            self.metrics.all.backed_off(&self.metrics.name, "throttled");
        }
        let braked = state
            .brake
            .is_on()
            .then(|| state.brake.rate(self.clock.now()))
            .flatten();
        let slowed = [state.throttle.rate(), braked, state.slowed_elsewhere()];
        let slowed = slowed.into_iter().flatten().reduce(f64::min);
        if slowed != state.slowed {
            state.slowed = slowed;
            state.pace.set_rate(slowed, self.clock.now());
            state.show(&self.metrics, (&self.speed, &self.wire));
        }
        state
    }

    /// What an SMSC said at once.
    fn note(&self, state: &mut Permits, heard: &Heard, at: Instant) {
        let settings = self.settings.load();
        let too_fast = |(status, _): &&(CommandStatus, bool)| settings.meanings.answer(*status).is_too_fast();
        if heard.accepted > 0 {
            let taken = (heard.accepted, heard.accepted_again);
            state.throttle.accepted(taken, state.ceiling, at);
        }
        let stops = |(status, _): &&(CommandStatus, bool)| settings.meanings.answer(*status) == AnswerMeaning::Stop;
        if let Some((status, _)) = heard.refused.iter().find(stops) {
            (self.stop)(*status, settings.config.stopped_for);
        }
        for (_, again) in heard.refused.iter().filter(too_fast) {
            state.throttle.throttled(*again, at);
        }
        let took = state.throttle.took() as f64;
        if heard.congestion.is_some_and(|busy| state.brake.heard(busy, took, at)) {
            self.metrics.all.backed_off(&self.metrics.name, "congested");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Permits> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn give_back(&self, count: usize) {
        let mut permits = self.lock();
        debug_assert!(permits.ahead >= count, "a lead was given back twice");
        permits.ahead -= count;
        drop(permits);
        self.freed.notify_waiters();
    }
}

/// Whether a rate is lower than the one before; `None`: nothing limits it.
fn lower(now: Option<f64>, before: Option<f64>) -> bool {
    now.is_some_and(|now| before.is_none_or(|before| now < before))
}

impl Permits {
    /// Whether anything of the rate is this engine's; without a rate there is nothing to share.
    fn is_open(&self, now: Instant) -> bool {
        self.ceiling.is_none() || self.share.is_there(now)
    }

    /// The SMSC has said to another engine that it takes less.
    fn slowed_elsewhere(&self) -> Option<f64> {
        let slowest = Some(self.share.slowest).filter(|slowest| *slowest < 1.0);
        slowest.zip(self.ceiling).map(|(slowest, ceiling)| slowest * ceiling)
    }

    /// What holds now, in segments a second.
    fn rate(&self) -> Option<f64> {
        let slowed = self.slowed.into_iter();
        slowed.chain(self.ceiling).reduce(f64::min)
    }

    /// What may be leased ahead. There is room for a lease in a hurry when others have had all.
    fn lead_max(&self, hurry: Hurry) -> usize {
        let usual = self.ahead_by(LEAD);
        match hurry {
            Hurry::Urgent => usual.saturating_add(one_lease(usual)),
            Hurry::None => usual,
        }
    }

    /// What goes within that time, at least one.
    fn ahead_by(&self, time: Duration) -> usize {
        let within = |rate: f64| ((rate * time.as_secs_f64()) as usize).max(1);
        self.rate().map_or(usize::MAX, within)
    }

    fn lead(&mut self, max: usize, hurry: Hurry) -> usize {
        if hurry == Hurry::None && self.hurried > 0 {
            return 0;
        }
        let one = match hurry {
            Hurry::Urgent => self.ahead_by(HURRIED_LEAD),
            Hurry::None => one_lease(self.lead_max(Hurry::None)),
        };
        let count = one.min(max).min(self.lead_max(hurry).saturating_sub(self.ahead));
        self.ahead += count;
        count
    }

    /// Whether the next permits are for those who are in a hurry, or for those who are not and have waited for long enough.
    fn is_others_turn(&self, hurry: Hurry) -> bool {
        let is_overtaken = self.overtaken >= OVERTAKEN_MAX;
        match hurry {
            Hurry::Urgent => self.patient > 0 && is_overtaken,
            Hurry::None => self.pressing > 0 && !is_overtaken,
        }
    }

    fn count_taken(&mut self, count: usize, hurry: Hurry) {
        self.overtaken = match hurry {
            Hurry::Urgent => (self.overtaken + count).min(OVERTAKEN_MAX),
            Hurry::None => self.overtaken.saturating_sub(count * OVERTAKEN_FOR_EACH),
        };
    }

    fn show(&self, metrics: &SmscMetrics, (speed, wire): (&Speed, &Wire)) {
        speed.effective(self.rate());
        let brakes = self.slowed.is_some_and(|slowed| lower(Some(slowed), self.ceiling));
        wire.set_hold(self.rate().map(|rate| Hold { rate, brakes }));
        let gauge = &metrics.all.throttle_effective_messages_per_second;
        let label = [metrics.name.as_str()];
        match self.rate() {
            Some(rate) => gauge.with_label_values(&label).set(rate),
            // An error says that it was not there.
            None => drop(gauge.remove_label_values(&label)),
        }
    }
}

/// What one lease may take of all that may be leased ahead.
fn one_lease(lead_max: usize) -> usize {
    (lead_max / LEASES_AHEAD).max(1)
}

/// Somebody waits, for as long as this is there.
struct Waiting<'a> {
    meter: &'a Inner,
    who: fn(&mut Permits) -> &mut usize,
    /// Told when it is over: others may have been sent away for it.
    others: &'a Notify,
}

impl<'a> Waiting<'a> {
    /// For a lead, in a hurry.
    fn for_lead(meter: &'a Inner) -> Self {
        Self::new(meter, |permits| &mut permits.hurried, &meter.freed)
    }

    fn for_permits(meter: &'a Inner, hurry: Hurry) -> Self {
        match hurry {
            Hurry::Urgent => Self::new(meter, |permits| &mut permits.pressing, &meter.next),
            Hurry::None => Self::new(meter, |permits| &mut permits.patient, &meter.next),
        }
    }

    fn new(meter: &'a Inner, who: fn(&mut Permits) -> &mut usize, others: &'a Notify) -> Self {
        *who(&mut meter.lock()) += 1;
        Self { meter, who, others }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *(self.who)(&mut self.meter.lock()) -= 1;
        self.others.notify_waiters();
    }
}

impl Lead {
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Who wanted it.
    pub(crate) fn hurry(&self) -> Hurry {
        self.hurry
    }

    /// Gives all but `count` back.
    pub(crate) fn keep(&mut self, count: usize) {
        let surplus = self.count.saturating_sub(count);
        if surplus > 0 {
            self.count -= surplus;
            self.meter.give_back(surplus);
        }
    }
}

impl Drop for Lead {
    fn drop(&mut self) {
        self.meter.give_back(self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Metrics;

    fn settings(rate: Option<u32>) -> Settings {
        let mut smsc = config::Smsc::new("north", "localhost:2775", "campanile");
        smsc.rate = rate.map(Rate::per_second);
        Settings::of(&Arc::new(smsc)).unwrap()
    }

    fn meter(rate: Option<u32>) -> (Meter, Wire) {
        let wire = Wire::default();
        let metrics = Metrics::new(9).unwrap().smsc("north");
        let settings = Arc::new(ArcSwap::from_pointee(settings(rate)));
        let meter = Meter::new(
            (&settings, Speed::default()),
            wire.clone(),
            metrics,
            Clock::new(),
            |_, _| {},
        );
        (meter, wire)
    }

    async fn is_pending(future: &mut (impl Future + Unpin)) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    #[tokio::test]
    async fn leases_run_ahead_of_the_rate_by_a_fifth_of_a_second() {
        let (meter, _) = meter(Some(100));
        let mut leads = Vec::new();
        for _ in 0..LEASES_AHEAD {
            let (lead, waited) = meter.lead(192, Hurry::None).await;
            assert_eq!((lead.count(), waited), (5, false));
            leads.push(lead);
        }
        let mut next = Box::pin(meter.lead(192, Hurry::None));
        assert!(is_pending(&mut next).await);
        leads.pop();
        let (lead, waited) = next.await;
        assert_eq!((lead.count(), waited), (5, true));
    }

    #[tokio::test]
    async fn who_is_in_a_hurry_has_the_next_lead_and_holds_nobody_up_afterwards() {
        let (meter, _) = meter(Some(1_000));
        let mut leads = Vec::new();
        for _ in 0..LEASES_AHEAD {
            leads.push(meter.lead(192, Hurry::None).await);
        }
        // There is always room for what is urgent, in small leases.
        let mut hurried = Vec::new();
        for _ in 0..25 {
            let (lead, waited) = meter.lead(16, Hurry::Urgent).await;
            assert_eq!((lead.count(), waited), (2, false));
            hurried.push(lead);
        }
        let mut usual = Box::pin(meter.lead(192, Hurry::None));
        let mut urgent = Box::pin(meter.lead(16, Hurry::Urgent));
        assert!(is_pending(&mut usual).await && is_pending(&mut urgent).await);
        leads.pop();
        assert!(is_pending(&mut usual).await, "it went before the one in a hurry");
        let (lead, waited) = urgent.await;
        assert_eq!((lead.count(), waited), (2, true));
        hurried.push(lead);
        assert!(is_pending(&mut usual).await);
        leads.pop();
        let (held, _) = usual.await;
        assert_eq!(held.count(), 48, "what is left of two leases");
        // Nobody who gave up is waited for.
        for _ in 0..25 {
            hurried.push(meter.lead(16, Hurry::Urgent).await.0);
        }
        let mut gave_up = Box::pin(meter.lead(16, Hurry::Urgent));
        assert!(is_pending(&mut gave_up).await);
        drop((gave_up, hurried));
        assert_eq!(meter.lead(192, Hurry::None).await.0.count(), 50);
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_handed_over_and_is_not_written_is_counted_until_it_is() {
        let (meter, wire) = meter(Some(100));
        let mut taken = 0;
        while taken < 101 {
            taken += meter.take(101 - taken, Hurry::None).await;
        }
        // A second's worth and the burst are with a session that has written none of them.
        let mut more = Box::pin(meter.take(10, Hurry::None));
        let patience = tokio::time::timeout(Duration::from_secs(3_600), &mut more).await;
        assert!(patience.is_err(), "more was permitted");
        wire.unsent(1);
        assert_eq!(more.await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_in_a_hurry_has_the_next_permits_and_leaves_others_a_quarter() {
        let (meter, wire) = meter(Some(100));
        let clock = Clock::new();
        let until = clock.now() + Duration::from_secs(10);
        let taking = async |hurry| {
            let mut taken = 0;
            while clock.now() < until {
                let count = meter.take(5, hurry).await;
                wire.wrote(count, clock.now());
                taken += count;
            }
            taken
        };
        let usual = async || {
            let all = tokio::join!(
                taking(Hurry::None),
                taking(Hurry::None),
                taking(Hurry::None),
                taking(Hurry::None)
            );
            all.0 + all.1 + all.2 + all.3
        };
        let (urgent, others) = tokio::join!(taking(Hurry::Urgent), usual());
        assert!((240..=270).contains(&others), "{others} of {}", urgent + others);
        // One alone, among four who wait, has the very next.
        let since = clock.now();
        let (took, _) = tokio::join!(
            async {
                wire.wrote(meter.take(1, Hurry::Urgent).await, clock.now());
                clock.now() - since
            },
            async {
                for _ in 0..20 {
                    wire.wrote(meter.take(1, Hurry::None).await, clock.now());
                }
            }
        );
        assert!(took <= Duration::from_millis(30), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn at_the_rate_a_second_brings_a_seconds_worth() {
        let (meter, wire) = meter(Some(100));
        let clock = Clock::new();
        let (since, mut taken) = (clock.now(), 0);
        while taken < 1_000 {
            let count = meter.take(1_000 - taken, Hurry::None).await;
            wire.wrote(count, clock.now());
            taken += count;
        }
        let seconds = (clock.now() - since).as_secs_f64();
        assert!((9.8..=10.1).contains(&seconds), "1,000 at 100/s took {seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn an_smsc_that_is_full_is_given_nothing_for_a_second_and_half_of_its_rate_then() {
        let (meter, wire) = meter(Some(100));
        let clock = Clock::new();
        let since = clock.now();
        let heard = |congestion| Heard {
            accepted: 100,
            accepted_again: 0,
            refused: Vec::new(),
            congestion: Some(congestion),
        };
        wire.heard(heard(100), since);
        let mut taken = meter.take(1, Hurry::None).await;
        assert!(clock.now() - since >= Duration::from_secs(1), "it was paused");
        // It says so all the time.
        while taken < 100 {
            wire.heard(heard(80), clock.now());
            let count = meter.take(100 - taken, Hurry::None).await;
            wire.wrote(count, clock.now());
            taken += count;
        }
        let seconds = (clock.now() - since).as_secs_f64();
        assert!((2.8..=3.1).contains(&seconds), "100 at half of 100/s took {seconds} s");
    }

    #[tokio::test(start_paused = true)]
    async fn another_rate_holds_for_those_who_wait_for_a_permit() {
        let (meter, wire) = meter(None);
        let clock = Clock::new();
        assert_eq!(meter.take(1_000, Hurry::None).await, 1_000);
        wire.wrote(1_000, clock.now());
        for (rate, expected) in [(Some(100), 10.0), (Some(1_000), 1.0), (Some(50), 20.0), (None, 0.0)] {
            meter.0.settings.store(Arc::new(settings(rate)));
            meter.set_bound();
            let (since, mut taken) = (clock.now(), 0);
            while taken < 1_000 {
                let count = meter.take(1_000 - taken, Hurry::None).await;
                wire.wrote(count, clock.now());
                taken += count;
            }
            let seconds = (clock.now() - since).as_secs_f64();
            // The second before counts too: it had more than the new rate allows.
            let longest = expected * 1.02 + 1.1;
            assert!(
                (expected * 0.95..=longest).contains(&seconds),
                "1,000 at {rate:?}/s took {seconds} s"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_rate_there_is_always_enough_until_the_smsc_throttles() {
        let (meter, wire) = meter(None);
        let gauge = |meter: &Meter| String::from_utf8(meter.0.metrics.all.exposition()).unwrap();
        let (all, _) = meter.lead(192, Hurry::None).await;
        assert_eq!((all.count(), meter.take(1_000, Hurry::None).await), (192, 1_000));
        assert!(!meter.is_behind() && !gauge(&meter).contains("throttle_effective"));
        let now = Clock::new().now();
        let heard = Heard {
            accepted: 100,
            accepted_again: 0,
            refused: vec![(CommandStatus::ESME_RTHROTTLED, false); 900],
            congestion: None,
        };
        wire.heard(heard, now);
        assert!(meter.is_behind(), "192 are leased at 96 a second");
        assert!(gauge(&meter).contains("throttle_effective_messages_per_second{smsc=\"north\"} 96"));
        assert_eq!(meter.take(1_000, Hurry::None).await, 1);
        drop(all);
        assert!(!meter.is_behind());
        assert_eq!(meter.lead(192, Hurry::None).await.0.count(), 4);
    }
}
