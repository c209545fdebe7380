//! The composition root: everything is made here, handed down, and ended here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::timeout_at;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{Accounts, OperatorKeyFault};
use crate::api::{self, App, Listeners, Shares};
use crate::audience::Country;
use crate::bind::{self, Binds, Events, Pool, Stop};
use crate::campaign::{CampaignDeps, Campaigns, Gates, Limits, Routes};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::dispatch::{Bells, Dispatcher, Doorbell, Leases, Meter, Sweeper};
use crate::domain::{Purpose, RouteId, SmscId, Way};
use crate::guard::{Guard, GuardFault, Verdict};
use crate::metrics::Metrics;
use crate::outcome::{BrokenTable, Collector, Meanings};
use crate::pressure::Pressure;
use crate::receipt::{Replay, Whereabouts};
use crate::settle::{self, Gatherer, Settler, SmscSide, UNPARKED_MAX, Unparked};
use crate::shutdown::Shutdown;
use crate::store::{ConnectFault, Embedded, EmbeddedFault, Probe, Store, StoreError};

/// How long a Redis that is not there yet is waited for at the start.
const REDIS_WITHIN: Duration = Duration::from_secs(10);

/// What the last steps of an orderly end may take beyond the time for it.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// How often gauges that have to be asked for are refreshed.
const GAUGES: Duration = Duration::from_secs(2);

/// Why the engine did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFault {
    /// The embedded server.
    #[error(transparent)]
    Embedded(#[from] EmbeddedFault),
    /// The database cannot be used.
    #[error("cannot use Redis at {0}: {1}")]
    Connect(String, #[source] ConnectFault),
    /// The database would lose data, or stopped answering.
    #[error(transparent)]
    Guard(#[from] GuardFault),
    /// The database stopped answering during the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A port is taken, or not ours to take.
    #[error("cannot listen on {0} ({1}): {2}")]
    Listen(SocketAddr, &'static str, #[source] std::io::Error),
    /// The operator key's file cannot be used.
    #[error(transparent)]
    OperatorKey(#[from] OperatorKeyFault),
    /// A defect of the build.
    #[error(transparent)]
    Table(#[from] BrokenTable),
    /// A defect of the build.
    #[error("metrics cannot be declared: {0}")]
    Metrics(#[from] prometheus::Error),
}

/// What a started engine is reached by.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// The API.
    pub(crate) api: SocketAddr,
    /// Metrics, health, operators.
    pub(crate) admin: SocketAddr,
    /// The operator key, when it was made just now: it is never shown again.
    pub(crate) new_operator_key: Option<String>,
}

/// Runs an engine until it is told to stop; `on_ready` is called when it takes requests.
///
/// # Errors
/// See [`RunFault`].
pub(crate) async fn run(config: Config, shutdown: Shutdown, on_ready: impl FnOnce(&Ready)) -> Result<(), RunFault> {
    let redis_stop = CancellationToken::new();
    let servers = TaskTracker::new();
    let alone = config.redis.url.is_none();
    let url = match &config.redis.url {
        Some(url) => url.reveal().to_owned(),
        None => {
            let server = Embedded::start(&config.redis.data_dir).await?;
            let url = server.url();
            servers.spawn(server.supervise(redis_stop.clone()));
            url
        }
    };
    let ended = start_and_serve(config, (&url, alone), shutdown.clone(), on_ready).await;
    redis_stop.cancel();
    servers.close();
    tokio::select! {
        () = servers.wait() => {}
        // Killed when it is dropped, it finds its AOF again at the next start.
        () = shutdown.at_once.cancelled() => {}
    }
    ended
}

/// Ports are taken first: an engine that cannot be reached sends nothing.
async fn start_and_serve(
    config: Config,
    redis: (&str, bool),
    shutdown: Shutdown,
    on_ready: impl FnOnce(&Ready),
) -> Result<(), RunFault> {
    let listeners = Listeners {
        public: listen(config.api.listen, "api.listen").await?,
        admin: listen(config.admin.listen, "admin.listen").await?,
    };
    let engine = Engine::start(config, redis, &shutdown).await?;
    engine.serve((listeners, shutdown), on_ready).await
}

/// One SMSC with all that is made for it.
struct Account {
    id: SmscId,
    config: Arc<config::Smsc>,
    doorbell: Doorbell,
    routes: Arc<[RouteId]>,
}

/// A started engine.
struct Engine {
    config: Config,
    store: Store,
    metrics: Metrics,
    clock: Clock,
    accounts: Vec<Account>,
    routes: Arc<Routes>,
    gates: Gates,
    bells: Bells,
    leases: Arc<Leases>,
    campaigns: Campaigns,
    pressure: Pressure,
    verdict: Verdict,
    unparked: mpsc::Sender<Unparked>,
    binds_stop: Stop,
    board: bind::Board,
    binds: TaskTracker,
    dispatching: CancellationToken,
    dispatchers: TaskTracker,
    settler: TaskTracker,
    abandon: CancellationToken,
    helpers_stop: CancellationToken,
    helpers: TaskTracker,
}

impl Engine {
    async fn start(config: Config, (url, alone): (&str, bool), shutdown: &Shutdown) -> Result<Self, RunFault> {
        let (clock, metrics) = (Clock::new(), Metrics::new()?);
        metrics
            .build_info
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let (store, guard, verdict) = open(&config, url, (clock, &metrics)).await?;
        let smscs = number(&store, &config.smsc).await?;
        let routes = Arc::new(Routes::new(&store, &smscs).await?);
        let accounts: Vec<Account> = smscs
            .iter()
            .map(|(id, smsc)| Account::new(*id, smsc, &routes))
            .collect();
        let bells: Vec<_> = accounts.iter().map(Account::bell).collect();
        let bells = Bells::new(&bells);
        let (unparked, receipts) = mpsc::channel(UNPARKED_MAX);
        let leases = Arc::new(Leases::new(&store, (clock, metrics.clone()), unparked.clone()).await?);
        let (helpers, helpers_stop, gates) = (TaskTracker::new(), CancellationToken::new(), Gates::default());
        helpers.spawn(guard.run(helpers_stop.clone()));
        let rung = bells.clone();
        let campaigns = Campaigns::new(CampaignDeps {
            store: store.clone(),
            metrics: metrics.clone(),
            clock,
            routes: routes.clone(),
            gates: gates.clone(),
            epoch: leases.epoch(),
            keep: config.retention.campaigns,
            ring: Arc::new(move |way, partition, urgent| rung.ring(way, partition, urgent)),
            limits: Limits {
                recipients_max: config.api.recipients_max,
                country: Country::FRANCE,
            },
            tracker: helpers.clone(),
            stop: helpers_stop.clone(),
        });
        let binds_stop = Stop {
            now: shutdown.at_once.child_token(),
            ..Stop::default()
        };
        let binds = bind::start(&smscs, &metrics, clock, &binds_stop);
        let mut engine = Self {
            config,
            store,
            metrics,
            clock,
            accounts,
            routes,
            gates,
            bells,
            leases,
            campaigns,
            pressure: Pressure::new(clock.now(), settle::SETTLERS),
            verdict,
            unparked,
            binds_stop,
            board: binds.board.clone(),
            binds: binds.tasks.clone(),
            dispatching: CancellationToken::new(),
            dispatchers: TaskTracker::new(),
            settler: TaskTracker::new(),
            abandon: shutdown.at_once.child_token(),
            helpers_stop,
            helpers,
        };
        engine.start_hot_path(binds, receipts)?;
        engine.start_helpers(alone)?;
        Ok(engine)
    }

    /// Dispatchers and the group commit: what a message passes through.
    fn start_hot_path(&mut self, binds: Binds, unparked: mpsc::Receiver<Unparked>) -> Result<(), RunFault> {
        let mut sides = HashMap::new();
        for account in &self.accounts {
            let Some(pool) = binds.pools.get(&account.id) else {
                continue;
            };
            let (smsc, metrics) = (&account.config, self.metrics.smsc(&account.config.name));
            let meter = Meter::new(smsc, pool.wire().clone(), metrics.clone(), self.clock);
            if let Some(rate) = smsc.rate {
                let limit = &self.metrics.throttle_limit_messages_per_second;
                limit.with_label_values(&[&smsc.name]).set(rate.segments_per_second());
            }
            // A receiver takes nothing to send.
            if smsc.bind.transmits() {
                let dispatcher = self.dispatcher(account, pool.clone(), meter.clone(), binds.feed.clone());
                dispatcher.start(&self.dispatching, &self.dispatchers);
            }
            let side = SmscSide {
                meanings: Meanings::of(smsc)?,
                meter,
                metrics,
                index_for: smsc.receipts_by_id.then_some(self.config.engine.receipt_timeout),
            };
            sides.insert(account.id, side);
        }
        let smscs = Arc::new(sides);
        let gatherer = Gatherer {
            clock: self.clock,
            partitions: self.store.partitions(),
            smscs: smscs.clone(),
            in_doubt: self.config.engine.in_doubt,
            collector: Collector::default(),
            busy: false,
        };
        let settler = Settler {
            store: self.store.clone(),
            clock: self.clock,
            metrics: self.metrics.clone(),
            smscs,
            in_doubt: self.config.engine.in_doubt,
            orders: self.campaigns.orders(),
            bells: self.bells.clone(),
            pressure: self.pressure.clone(),
            verdict: self.verdict.clone(),
            abandon: self.abandon.clone(),
            whereabouts: Whereabouts::default(),
        };
        settle::start((gatherer, settler), binds.events, unparked, &self.settler);
        self.settler.close();
        self.dispatchers.close();
        Ok(())
    }

    fn dispatcher(&self, account: &Account, pool: Pool, meter: Meter, feed: mpsc::Sender<Events>) -> Dispatcher {
        Dispatcher {
            smsc: account.id,
            config: account.config.clone(),
            routes: account.routes.clone(),
            version: self.routes.version(),
            gates: self.gates.clone(),
            store: self.store.clone(),
            pool,
            meter,
            doorbell: account.doorbell.clone(),
            leases: self.leases.clone(),
            orders: self.campaigns.orders(),
            campaigns: self.campaigns.clone(),
            pressure: self.pressure.clone(),
            verdict: self.verdict.clone(),
            feed,
            metrics: self.metrics.smsc(&account.config.name),
            clock: self.clock,
        }
    }

    /// What goes on beside the messages.
    fn start_helpers(&self, alone: bool) -> Result<(), RunFault> {
        let sweeper = Sweeper {
            store: self.store.clone(),
            leases: self.leases.clone(),
            clock: self.clock,
            verdict: self.verdict.clone(),
            in_doubt: self.config.engine.in_doubt,
            meanings: Meanings::of(&config::Smsc::new("any", "", ""))?,
            receipt_timeout: self.config.engine.receipt_timeout,
            trails_kept: self.config.retention.trails,
            alone,
            unparked: self.unparked.clone(),
            bells: self.bells.clone(),
        };
        let stop = || self.helpers_stop.clone();
        self.helpers.spawn(sweeper.run(stop()));
        self.helpers
            .spawn(self.leases.clone().beat(self.verdict.clone(), stop()));
        self.helpers.spawn(self.campaigns.books().run(stop()));
        self.helpers.spawn(self.campaigns.clone().keep_house(stop()));
        let gauges = Gauges {
            store: self.store.clone(),
            metrics: self.metrics.clone(),
            routes: self.routes.clone(),
            names: self
                .accounts
                .iter()
                .map(|account| (account.id, account.config.name.clone()))
                .collect(),
            pressure: self.pressure.clone(),
            clock: self.clock,
        };
        self.helpers.spawn(gauges.refresh(stop()));
        Ok(())
    }

    async fn serve(
        self,
        (listeners, shutdown): (Listeners, Shutdown),
        on_ready: impl FnOnce(&Ready),
    ) -> Result<(), RunFault> {
        let accounts = Arc::new(Accounts::new(self.store.clone(), self.clock));
        let new_operator_key = accounts.ensure_operator_key(&self.config.api).await?;
        self.campaigns.resume_all().await?;
        if let Err(error) = self.campaigns.rescue_stranded().await {
            tracing::warn!(%error, "what is queued for routes that are gone could not be queued anew; it is tried again");
        }
        self.campaigns.warn_of_pinned().await?;
        let address = |listener: &TcpListener, configured| listener.local_addr().unwrap_or(configured);
        let ready = Ready {
            api: address(&listeners.public, self.config.api.listen),
            admin: address(&listeners.admin, self.config.admin.listen),
            new_operator_key,
        };
        let app = App {
            store: self.store.clone(),
            accounts,
            campaigns: self.campaigns.clone(),
            replay: Replay::new(self.store.clone(), self.unparked.clone()),
            names: self
                .accounts
                .iter()
                .map(|account| (account.id, account.config.name.clone()))
                .collect(),
            metrics: self.metrics.clone(),
            clock: self.clock,
            board: self.board.clone(),
            verdict: self.verdict.clone(),
            shares: Shares::new(&self.config.api),
            limits: Arc::new(self.config.api.clone()),
            operations: TaskTracker::new(),
        };
        let serving = api::serve(listeners, app, shutdown.orderly.clone());
        on_ready(&ready);
        let ending = async {
            shutdown.orderly.cancelled().await;
            self.stop().await;
        };
        let ended = async { tokio::join!(serving, ending) };
        tokio::select! {
            _ = ended => tracing::info!("stopped"),
            () = shutdown.at_once.cancelled() => tracing::warn!("stopped at once: what was under way is in doubt"),
        }
        Ok(())
    }

    /// Stop leasing → let the windows empty → unbind → settle → close the books; all within the time for it.
    async fn stop(self) {
        let deadline = tokio::time::Instant::from_std(self.clock.now()) + self.config.engine.shutdown_timeout;
        self.dispatching.cancel();
        let mut orderly = timeout_at(deadline, self.dispatchers.wait()).await.is_ok();
        self.binds_stop.drain.cancel();
        if timeout_at(deadline, self.binds.wait()).await.is_err() {
            tracing::warn!("windows did not empty in time: what was not answered is in doubt");
            self.binds_stop.now.cancel();
        }
        let grace = deadline.max(tokio::time::Instant::from_std(self.clock.now()) + STOP_GRACE);
        orderly &= timeout_at(grace, self.binds.wait()).await.is_ok();
        if timeout_at(grace, self.settler.wait()).await.is_err() {
            self.abandon.cancel();
            orderly = false;
        }
        self.helpers_stop.cancel();
        self.helpers.close();
        let last = async {
            self.helpers.wait().await;
            if orderly {
                self.leases.close().await;
            }
        };
        let grace = grace.max(tokio::time::Instant::from_std(self.clock.now()) + STOP_GRACE);
        if timeout_at(grace, last).await.is_err() {
            tracing::warn!("the store is away and time is up");
        }
    }
}

impl Account {
    fn new(id: SmscId, config: &Arc<config::Smsc>, routes: &Routes) -> Self {
        Self {
            id,
            config: config.clone(),
            doorbell: Doorbell::default(),
            routes: routes.served_by(id).into(),
        }
    }

    fn bell(&self) -> (SmscId, Doorbell, Vec<RouteId>) {
        (self.id, self.doorbell.clone(), self.routes.to_vec())
    }
}

/// The database, if it is one to rely on; from here on the clock has its time.
async fn open(
    config: &Config,
    url: &str,
    (clock, metrics): (Clock, &Metrics),
) -> Result<(Store, Guard, Verdict), RunFault> {
    let address = Store::address(url);
    let connected = connect((url, &address), config.redis.partitions, clock).await;
    let store = connected.map_err(|fault| RunFault::Connect(address, fault))?;
    let probe = Probe::connect(url, clock).await?;
    let (guard, verdict) = Guard::start(probe, &config.redis, clock, metrics.clone()).await?;
    if let Some(warning) = store.slow_settings().await {
        tracing::warn!("{warning}");
    }
    Ok((store, guard, verdict))
}

async fn connect((url, address): (&str, &str), partitions: u16, clock: Clock) -> Result<Store, ConnectFault> {
    let deadline = tokio::time::Instant::from_std(clock.now()) + REDIS_WITHIN;
    loop {
        match Store::connect(url, partitions).await {
            Err(ConnectFault::Store(error)) if tokio::time::Instant::from_std(clock.now()) < deadline => {
                tracing::warn!(redis = address, %error, "waiting for Redis");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            connected => return connected,
        }
    }
}

async fn number(store: &Store, smscs: &[Arc<config::Smsc>]) -> Result<Vec<(SmscId, Arc<config::Smsc>)>, StoreError> {
    let mut numbered = Vec::with_capacity(smscs.len());
    for smsc in smscs {
        numbered.push((store.smsc_id(&smsc.name).await?, smsc.clone()));
    }
    Ok(numbered)
}

async fn listen(address: SocketAddr, key: &'static str) -> Result<TcpListener, RunFault> {
    TcpListener::bind(address)
        .await
        .map_err(|error| RunFault::Listen(address, key, error))
}

/// Gauges that only the store knows.
struct Gauges {
    store: Store,
    metrics: Metrics,
    routes: Arc<Routes>,
    names: Vec<(SmscId, String)>,
    pressure: Pressure,
    clock: Clock,
}

impl Gauges {
    async fn refresh(self, stop: CancellationToken) {
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
                .into_iter()
                .find(|purpose| purpose.lane() == depth.line.lane);
            let lane = lane.map_or("other", Purpose::code);
            queued.with_label_values(&[way.as_str(), lane]).add(depth.queued as i64);
            deferred.with_label_values(&[&way]).add(depth.deferred as i64);
        }
        metrics.receipts_parked.set(self.store.parked_count().await? as i64);
        metrics
            .redis_used_memory_bytes
            .set(self.store.used_memory().await? as i64);
        Ok(())
    }

    /// A way as operators know it: the names of its SMSCs, `@` and a name for what one of them has a part of.
    fn name(&self, way: Way) -> String {
        let of = |id: &SmscId| {
            let known = self.names.iter().find(|(known, _)| known == id);
            known.map_or_else(|| "removed".to_owned(), |(_, name)| name.clone())
        };
        match way {
            Way::Pinned(smsc) => format!("@{}", of(&smsc)),
            Way::Route(route) => {
                let smscs = self.routes.smscs().find(|(known, _)| *known == route);
                smscs.map_or_else(
                    || "stranded".to_owned(),
                    |(_, smscs)| smscs.iter().map(of).collect::<Vec<_>>().join("+"),
                )
            }
        }
    }
}
