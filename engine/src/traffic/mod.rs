//! Which SMSC may be given which messages now: what operators suspend, and who takes over for whom.
//!
//! Nothing moves when a turn changes: messages are queued for routes, and an SMSC leases for those whose turn it has.

mod balance;
mod facts;
mod passing;
mod prices;
mod quality;
mod speed;
mod status;
mod stopping;
mod stops;
mod turns;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bind::{Company, Pool, Seats};
use crate::campaign::Served;
use crate::clock::Clock;
use crate::config::{Prefer, PriceList};
use crate::domain::{RouteId, SmscId, UnixMicros, Way};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError};
use balance::{Balance, Grant};
pub(crate) use facts::Facts;
use facts::Marks;
pub(crate) use quality::Heard;
use quality::{Quality, Standing};
pub(crate) use speed::{Speed, SpeedFault};
pub(crate) use status::SmscStatus;
use status::StopStatus;
use stops::Stops;
use turns::{Party, Presence, turns};

/// How often it is looked whether SMSCs have sessions.
const LOOK: Duration = Duration::from_millis(100);

/// How often it is asked whom other processes have suspended, in looks.
const ASK_EVERY: u32 = 10;

/// What an SMSC may be given now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Turn {
    /// Nothing may: an operator has said so, or it has.
    suspended: bool,
    /// It has said that it takes nothing: one message may be tried, if any.
    stopped: bool,
    routes: Arc<[RouteId]>,
}

/// What one SMSC may be given, now and later. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Service {
    id: SmscId,
    turn: watch::Receiver<Turn>,
    traffic: Traffic,
    quality: Arc<Mutex<Quality>>,
    speed: Speed,
}

/// The shares of the routes whose SMSCs have weights.
type Balances = Arc<Mutex<Vec<(RouteId, Balance)>>>;

/// What an SMSC may lease now.
#[derive(Debug)]
pub(crate) struct Allowance {
    /// From these routes.
    pub(crate) routes: Vec<RouteId>,
    /// At most so many messages.
    pub(crate) most: usize,
    /// Others are first on one of its routes: it should ask again soon.
    pub(crate) waits: bool,
    /// It is one message, to see whether a stopped SMSC takes it.
    pub(crate) is_try: bool,
    /// What counts as given, by route.
    given: Vec<(RouteId, Grant)>,
}

impl Service {
    /// The routes that it may lease from: those whose turn it has, but for those where others are first by their weights.
    /// What comes of it is to be said with [`Service::got`]. `None`: nothing, since it is stopped.
    pub(crate) fn allowance(&self, most: usize, now: Instant) -> Option<Allowance> {
        let Turn {
            stopped, routes: turn, ..
        } = self.turn.borrow().clone();
        if stopped && !self.try_one(now) {
            return None;
        }
        let mut allowance = Allowance {
            routes: turn.to_vec(),
            most: if stopped { 1 } else { most },
            waits: false,
            is_try: stopped,
            given: Vec::new(),
        };
        let mut balances = self.balances();
        for (route, balance) in balances.iter_mut().filter(|(route, _)| turn.contains(route)) {
            match balance.ask(self.id, now) {
                None => {}
                Some(Grant { most: 0, .. }) => {
                    allowance.routes.retain(|known| known != route);
                    allowance.waits = true;
                }
                Some(grant) => {
                    allowance.most = allowance.most.min(grant.most as usize);
                    allowance.given.push((*route, grant));
                }
            }
        }
        Some(allowance)
    }

    /// So many messages were leased, in all and from each route.
    pub(crate) fn got(&self, allowance: &Allowance, count: usize, of: impl Fn(RouteId) -> usize) {
        if allowance.is_try && count == 0 {
            // The next partition may have something.
            self.try_again(Duration::ZERO);
        }
        if allowance.given.is_empty() {
            return;
        }
        let mut balances = self.balances();
        for (route, grant) in &allowance.given {
            if let Some((_, balance)) = balances.iter_mut().find(|(known, _)| known == route) {
                balance.done(self.id, *grant, of(*route) as u32);
            }
        }
    }

    /// What became of messages that it took.
    pub(crate) fn hear(&self, heard: &Heard, now: UnixMicros) {
        quality_of(&self.quality).hear(heard, now);
    }

    /// What operators say of its rate.
    pub(crate) fn speed(&self) -> &Speed {
        &self.speed
    }

    /// Whose it is.
    pub(crate) fn smsc(&self) -> SmscId {
        self.id
    }

    fn balances(&self) -> MutexGuard<'_, Vec<(RouteId, Balance)>> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        self.traffic.0.balances.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether what is queued there may be leased for it.
    pub(crate) fn serves(&self, way: Way) -> bool {
        let turn = self.turn.borrow();
        match way {
            Way::Route(route) => turn.routes.contains(&route),
            Way::Pinned(smsc) => smsc == self.id && !turn.suspended,
        }
    }

    /// Whether nothing may be given to it.
    pub(crate) fn is_suspended(&self) -> bool {
        self.turn.borrow().suspended
    }

    /// Waits until something may be.
    pub(crate) async fn open(&self) {
        let mut turn = self.turn.clone();
        // When the traffic is over, nobody suspends it any more.
        let _open_or_over = turn.wait_for(|turn| !turn.suspended).await;
    }
}

/// Whose turn it is, of all SMSCs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Traffic(Arc<Inner>);

struct Inner {
    store: Store,
    metrics: Metrics,
    clock: Clock,
    /// `engine.failover_after`.
    patience: Duration,
    routes: ArcSwap<Vec<Served>>,
    balances: Balances,
    smscs: Mutex<Vec<Known>>,
    /// Also of SMSCs that are gone: something may be known of them still.
    names: Mutex<BTreeMap<SmscId, String>>,
    /// The same.
    prices: Mutex<BTreeMap<SmscId, Arc<PriceList>>>,
    /// Which ways have been served, or not, since when. Of names that were configured since the start, as those above.
    served: Mutex<BTreeMap<Way, (bool, UnixMicros)>>,
    /// Who has another turn, and was not told to look for what it may lease now.
    turned: Mutex<Vec<SmscId>>,
}

struct Known {
    id: SmscId,
    name: String,
    /// Whether it has sessions shows here.
    pool: Pool,
    /// Whether other engines have some shows here.
    company: watch::Receiver<Company>,
    presence: Presence,
    /// `None`: it was not asked yet, and nothing is given to it.
    suspended: Option<bool>,
    stops: Stops,
    /// When it said so.
    stopped_at: UnixMicros,
    /// Since when it is what it is.
    marks: Marks,
    turn: watch::Sender<Turn>,
    quality: Arc<Mutex<Quality>>,
    speed: Speed,
    /// It is to get little where quality is preferred.
    probed: bool,
}

impl Traffic {
    /// Over these routes, as yet without SMSCs.
    pub(crate) fn new(
        store: &Store,
        (metrics, clock): (&Metrics, Clock),
        patience: Duration,
        routes: &[Served],
    ) -> Self {
        Self(Arc::new(Inner {
            store: store.clone(),
            metrics: metrics.clone(),
            clock,
            patience,
            routes: ArcSwap::from_pointee(routes.to_vec()),
            balances: Arc::new(Mutex::new(routes.iter().filter_map(balance_of).collect())),
            smscs: Mutex::default(),
            names: Mutex::default(),
            prices: Mutex::default(),
            served: Mutex::default(),
            turned: Mutex::default(),
        }))
    }

    /// One more SMSC, with the places of its sessions.
    pub(crate) fn add(&self, id: SmscId, name: &str, (pool, seats): (&Pool, &Seats)) -> Service {
        let (quality, speed) = (Arc::default(), Speed::default());
        let turn = watch::Sender::new(Turn {
            suspended: true,
            stopped: false,
            routes: Arc::default(),
        });
        let service = Service {
            id,
            turn: turn.subscribe(),
            traffic: self.clone(),
            quality: Arc::clone(&quality),
            speed: speed.clone(),
        };
        self.names().insert(id, name.to_owned());
        self.note_smsc(id, true);
        self.lock().push(Known {
            id,
            name: name.to_owned(),
            pool: pool.clone(),
            company: seats.company(id, pool),
            presence: Presence::new(self.0.clock.now()),
            suspended: None,
            stops: Stops::default(),
            stopped_at: UnixMicros::default(),
            marks: Marks::default(),
            turn,
            quality,
            speed,
            probed: false,
        });
        service
    }

    /// These routes hold from now on.
    pub(crate) fn set_routes(&self, routes: &[Served]) {
        let balances = routes.iter().filter_map(balance_of).collect();
        let before = self.0.routes.swap(Arc::new(routes.to_vec()));
        self.note_routes(&before, routes);
        *self.0.balances.lock().unwrap_or_else(PoisonError::into_inner) = balances;
        self.look();
    }

    /// Nothing more is given to that SMSC: it is gone.
    pub(crate) fn remove(&self, id: SmscId) {
        let mut smscs = self.lock();
        let Some(at) = smscs.iter().position(|known| known.id == id) else {
            return;
        };
        let gone = smscs.remove(at);
        drop(smscs);
        self.note_smsc(id, false);
        gone.turn.send_replace(Turn {
            suspended: true,
            stopped: false,
            routes: Arc::default(),
        });
        self.look();
    }

    /// What an SMSC is called that is configured, or was since the start.
    pub(crate) fn name(&self, id: SmscId) -> Option<String> {
        self.names().get(&id).cloned()
    }

    /// Every SMSC that is configured, or was since the start.
    pub(crate) fn all_ids(&self) -> Vec<SmscId> {
        self.names().keys().copied().collect()
    }

    /// What the routes' names are.
    pub(crate) fn route_name(&self, route: RouteId) -> Option<String> {
        let routes = self.0.routes.load();
        let served = routes.iter().find(|served| served.route == route);
        served.map(|served| served.name.clone())
    }

    /// Asks whom operators have suspended, and gives everybody a first turn.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn begin(&self) -> Result<(), StoreError> {
        self.ask().await?;
        self.look();
        Ok(())
    }

    /// Keeps turns as they should be. `ring` is told who has another turn.
    pub(crate) async fn watch(self, ring: impl Fn(SmscId), stop: CancellationToken) {
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut count = 0u32;
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            count = count.wrapping_add(1);
            if count.is_multiple_of(ASK_EVERY)
                && let Err(error) = self.ask().await
            {
                tracing::debug!(%error, "cannot ask which SMSCs are suspended");
            }
            self.look();
            let turned = std::mem::take(&mut *self.turned());
            turned.into_iter().for_each(&ring);
        }
    }

    /// Nothing more is given to that SMSC, or something may be again; kept for good. `false`: there is none of that name.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn suspend(&self, name: &str, suspended: bool) -> Result<bool, StoreError> {
        let id = {
            let mut smscs = self.lock();
            let Some(known) = smscs.iter_mut().find(|known| known.name == name) else {
                return Ok(false);
            };
            if !suspended && known.stops.resume() {
                tracing::info!(
                    smsc = known.name,
                    "an operator has resumed it: it is given messages again"
                );
            }
            known.id
        };
        self.0.store.suspend(id, suspended).await?;
        self.ask().await?;
        self.look();
        Ok(true)
    }

    /// How every SMSC stands, in the order of the configuration.
    pub(crate) fn smscs(&self) -> Vec<SmscStatus> {
        let now = self.0.clock.now();
        let routes = self.0.routes.load_full();
        let status = |known: &Known| {
            let turn = known.turn.borrow();
            let mine = routes.iter().filter(|served| turn.routes.contains(&served.route));
            SmscStatus {
                name: known.name.clone(),
                state: known.state(now),
                suspended: known.suspended == Some(true),
                stopped: known.stop_status(now),
                usable: known.presence.is_usable(),
                in_flight: known.pool.in_flight(),
                window: known.pool.window(),
                rate: known.speed.shown(),
                serving: mine.map(|served| served.name.clone()).collect(),
                quality: quality_of(&known.quality).standing(self.0.clock.unix()),
            }
        };
        self.lock().iter().map(status).collect()
    }

    async fn ask(&self) -> Result<(), StoreError> {
        let suspended = self.0.store.suspended().await?;
        self.hear_rates().await?;
        self.0.store.hear_gives_back().await?;
        for known in self.lock().iter_mut() {
            let is = suspended.contains(&known.id);
            let before = known.suspended.replace(is);
            if before.is_some_and(|before| before != is) || before.is_none() && is {
                tracing::info!(
                    smsc = known.name,
                    suspended = is,
                    "an operator has decided what it is given"
                );
            }
            let gauge = self.0.metrics.smsc_suspended.with_label_values(&[&known.name]);
            gauge.set(i64::from(is));
        }
        Ok(())
    }

    /// Gives turns anew.
    fn look(&self) {
        let (now, date) = (self.0.clock.now(), self.0.clock.unix());
        let mut smscs = self.lock();
        smscs.iter_mut().for_each(|known| known.judge(&self.0.metrics, date));
        self.mark(&mut smscs, now);
        let parties: Vec<Party> = smscs
            .iter_mut()
            .map(|known| known.party(now, self.0.patience))
            .collect();
        let all = self.0.routes.load();
        let turns = turns(&parties, &all, date);
        for (known, routes) in smscs.iter().zip(turns) {
            let turn = known.turn(routes, &all, now);
            let gauge = self.0.metrics.smsc_stopped.with_label_values(&[&known.name]);
            gauge.set(i64::from(turn.stopped));
            if known
                .turn
                .send_if_modified(|before| std::mem::replace(before, turn.clone()) != turn)
            {
                self.turned().push(known.id);
            }
        }
        self.balance(&smscs);
    }

    /// Tells the shares who has the turn, and, where quality is preferred, whose receipts have turned slow or bad.
    fn balance(&self, smscs: &[Known]) {
        let routes = self.0.routes.load();
        let mut balances = self.0.balances.lock().unwrap_or_else(PoisonError::into_inner);
        for (route, balance) in balances.iter_mut() {
            let served = routes.iter().find(|served| served.route == *route);
            let by_quality = served.is_some_and(|served| served.prefer == Some(Prefer::Quality));
            for known in smscs {
                let serves = known.turn.borrow().routes.contains(route);
                balance.set(known.id, (serves, by_quality && known.probed));
            }
        }
    }

    fn names(&self) -> MutexGuard<'_, BTreeMap<SmscId, String>> {
        self.0.names.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turned(&self) -> MutexGuard<'_, Vec<SmscId>> {
        self.0.turned.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Known>> {
        // Whole at every instant, so a panic elsewhere does not spoil it.
        self.0.smscs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn quality_of(quality: &Mutex<Quality>) -> MutexGuard<'_, Quality> {
    // Whole at every instant, so a panic elsewhere does not spoil it.
    quality.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The balance of a route, if its SMSCs have weights; where quality is preferred, they all have.
fn balance_of(served: &Served) -> Option<(RouteId, Balance)> {
    let usual = (served.prefer == Some(Prefer::Quality)).then_some(1);
    let weighted: Vec<_> = served
        .smscs
        .iter()
        .filter_map(|serving| Some((serving.smsc, serving.weight.or(usual)?.into())))
        .collect();
    (!weighted.is_empty()).then(|| (served.route, Balance::new(weighted)))
}

impl Known {
    fn judge(&mut self, metrics: &Metrics, now: UnixMicros) {
        let mut quality = quality_of(&self.quality);
        let probed = quality.judge(now);
        let Some(standing) = quality.standing(now) else {
            self.probed = probed;
            return;
        };
        drop(quality);
        let ratio = standing.recent / standing.usual;
        let gauge = &metrics.smsc_quality;
        gauge.with_label_values(&[&self.name]).set(ratio.min(1.0));
        if std::mem::replace(&mut self.probed, probed) != probed {
            let Standing { recent, usual, .. } = standing;
            tracing::warn!(
                smsc = self.name,
                probed,
                recent,
                usual,
                "how many of its messages are delivered soon has changed"
            );
        }
    }

    fn is_suspended(&self) -> bool {
        self.suspended != Some(false)
    }

    /// Whether another engine has a session that takes messages: what is queued for it is not another SMSC's then.
    fn is_usable_elsewhere(&self, now: Instant) -> bool {
        let company = *self.company.borrow();
        company.usable && company.until.is_some_and(|until| now < until)
    }

    fn party(&mut self, now: Instant, patience: Duration) -> Party {
        let before = self.presence.is_usable();
        let takes = self.pool.takes_messages() || self.is_usable_elsewhere(now);
        self.presence.note(takes, patience, now);
        let usable = self.presence.is_usable();
        if usable != before {
            tracing::warn!(smsc = self.name, usable, "who can take its messages has changed");
        }
        Party {
            smsc: self.id,
            usable,
            suspended: self.is_held(),
        }
    }

    /// Whether nothing is given to it: an operator has said so, or it has.
    fn is_held(&self) -> bool {
        self.is_suspended() || self.stops.stopped().is_some()
    }

    /// Its turn, on these routes. One that is stopped has none; when it is to be tried, a message of any of its routes does.
    fn turn(&self, routes: Vec<RouteId>, all: &[Served], now: Instant) -> Turn {
        let tries = !self.is_suspended() && self.stops.is_due(now);
        let serves = |served: &&Served| served.smscs.iter().any(|serving| serving.smsc == self.id);
        let routes = if tries {
            all.iter().filter(serves).map(|served| served.route).collect()
        } else {
            routes
        };
        Turn {
            suspended: self.is_held() && !tries,
            stopped: self.stops.stopped().is_some(),
            routes: routes.into(),
        }
    }

    /// Whether it would be fed and no engine has a session with it. A receiver is never fed.
    fn is_unbound(&self, now: Instant) -> bool {
        self.speed.is_fed() && !self.pool.is_bound() && !self.is_usable_elsewhere(now)
    }

    fn state(&self, now: Instant) -> &'static str {
        match self.stops.stopped() {
            _ if self.suspended == Some(true) => "suspended",
            Some(_) => "stopped",
            None if self.is_unbound(now) => "not_bound",
            None if self.pool.is_silent() => "stalled",
            None => "running",
        }
    }

    fn stop_status(&self, now: Instant) -> Option<StopStatus> {
        let stopped = self.stops.stopped()?;
        let since = self.stopped_at.timestamp();
        Some(StopStatus {
            reason: stopped.status.to_string(),
            since: since.map(|time| time.to_string()),
            try_in_seconds: stopped.try_at.saturating_duration_since(now).as_secs(),
        })
    }
}
