//! The composition root: everything is made here, handed down, and ended here.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::{Accounts, OperatorKeyFault};
use crate::api::{self, App, Listeners};
use crate::audience::Country;
use crate::bind::{self, Binds, Stop};
use crate::campaign::{CampaignDeps, Campaigns, Limits, Routes};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::dispatch::{Dispatcher, Doorbell, Leases, Meter, REDO_MAX, Sweeper};
use crate::domain::SmscId;
use crate::metrics::Metrics;
use crate::outcome::{BrokenTable, Collector, Meanings};
use crate::receipt::Recent;
use crate::settle::{self, Gatherer, Settler, SmscSide, UNPARKED_MAX, Unparked};
use crate::shutdown::Shutdown;
use crate::store::{ConnectFault, Embedded, EmbeddedFault, Store, StoreError};

/// How long a Redis that is not there yet is waited for at the start.
const REDIS_WITHIN: Duration = Duration::from_secs(10);

/// How often gauges that have to be asked for are refreshed.
const GAUGES: Duration = Duration::from_secs(2);

/// Why the engine did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub enum RunFault {
    /// The embedded server.
    #[error(transparent)]
    Embedded(#[from] EmbeddedFault),
    /// The database cannot be used.
    #[error(transparent)]
    Connect(#[from] ConnectFault),
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
pub struct Ready {
    /// The API.
    pub api: SocketAddr,
    /// Metrics, health, operators.
    pub admin: SocketAddr,
    /// The operator key, when it was made just now: it is never shown again.
    pub new_operator_key: Option<String>,
}

/// Runs an engine until it is told to stop; `on_ready` is called when it takes requests.
///
/// # Errors
/// See [`RunFault`].
pub async fn run(config: Config, shutdown: Shutdown, on_ready: impl FnOnce(&Ready)) -> Result<(), RunFault> {
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
    let ended = Engine::start(config, &url, alone, &shutdown).await;
    let ended = match ended {
        Ok(engine) => engine.serve(shutdown, on_ready).await,
        Err(fault) => Err(fault),
    };
    redis_stop.cancel();
    servers.close();
    servers.wait().await;
    ended
}

/// A started engine.
struct Engine {
    config: Config,
    store: Store,
    metrics: Metrics,
    clock: Clock,
    smscs: Vec<(SmscId, Arc<config::Smsc>)>,
    leases: Arc<Leases>,
    campaigns: Campaigns,
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
    async fn start(config: Config, url: &str, alone: bool, shutdown: &Shutdown) -> Result<Self, RunFault> {
        let (clock, metrics) = (Clock, Metrics::new()?);
        metrics
            .build_info
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let store = connect(url, config.redis.partitions).await?;
        if let Some(warning) = store.slow_settings().await {
            tracing::warn!("{warning}");
        }
        let smscs = number(&store, &config.smsc).await?;
        let leases = Arc::new(Leases::new(&store, clock).await?);
        let doorbells: HashMap<SmscId, Doorbell> = smscs.iter().map(|(id, _)| (*id, Doorbell::default())).collect();
        let (helpers, helpers_stop) = (TaskTracker::new(), CancellationToken::new());
        let bells = doorbells.clone();
        let campaigns = Campaigns::new(CampaignDeps {
            store: store.clone(),
            metrics: metrics.clone(),
            clock,
            routes: Arc::new(Routes::new(smscs.clone())),
            ring: Arc::new(move |smsc, partition, urgent| {
                if let Some(bell) = bells.get(&smsc) {
                    bell.ring(partition, urgent);
                }
            }),
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
            smscs,
            leases,
            campaigns,
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
        let (unparked, receipts) = mpsc::channel(UNPARKED_MAX);
        engine.start_hot_path(binds, &doorbells, receipts)?;
        engine.start_helpers(&doorbells, alone, unparked);
        Ok(engine)
    }

    /// Dispatchers and the group commit: what a message passes through.
    fn start_hot_path(
        &mut self,
        binds: Binds,
        doorbells: &HashMap<SmscId, Doorbell>,
        unparked: mpsc::Receiver<Unparked>,
    ) -> Result<(), RunFault> {
        let mut sides = HashMap::new();
        for (id, smsc) in &self.smscs {
            let (Some(pool), Some(doorbell)) = (binds.pools.get(id), doorbells.get(id)) else {
                continue;
            };
            let (redo, redone) = mpsc::channel(REDO_MAX);
            let brake = Arc::new(Mutex::default());
            if let Some(rate) = smsc.rate {
                let limit = self
                    .metrics
                    .throttle_limit_messages_per_second
                    .with_label_values(&[&smsc.name]);
                limit.set(rate.segments_per_second());
            }
            let dispatcher = Dispatcher {
                smsc: *id,
                config: smsc.clone(),
                store: self.store.clone(),
                pool: pool.clone(),
                meter: Meter::new(smsc.rate, self.clock),
                doorbell: doorbell.clone(),
                brake: Arc::clone(&brake),
                leases: self.leases.clone(),
                orders: self.campaigns.orders(),
                feed: binds.feed.clone(),
                metrics: self.metrics.smsc(&smsc.name),
                clock: self.clock,
            };
            // A receiver takes nothing to send.
            if smsc.bind.transmits() {
                dispatcher.start(redone, &self.dispatching, &self.dispatchers);
            }
            let side = SmscSide {
                meanings: Meanings::of(smsc)?,
                brake,
                doorbell: doorbell.clone(),
                metrics: self.metrics.smsc(&smsc.name),
                redo,
            };
            sides.insert(*id, side);
        }
        let smscs = Arc::new(sides);
        let gatherer = Gatherer {
            clock: self.clock,
            smscs: smscs.clone(),
            in_doubt: self.config.engine.in_doubt,
            collector: Collector::default(),
        };
        let settler = Settler {
            store: self.store.clone(),
            clock: self.clock,
            metrics: self.metrics.clone(),
            smscs,
            books: self.campaigns.books(),
            abandon: self.abandon.clone(),
            recent: Recent::default(),
        };
        settle::start((gatherer, settler), binds.events, unparked, &self.settler);
        self.settler.close();
        self.dispatchers.close();
        Ok(())
    }

    /// What goes on beside the messages.
    fn start_helpers(&self, doorbells: &HashMap<SmscId, Doorbell>, alone: bool, unparked: mpsc::Sender<Unparked>) {
        let sweeper = Sweeper {
            store: self.store.clone(),
            leases: self.leases.clone(),
            clock: self.clock,
            in_doubt: self.config.engine.in_doubt,
            receipt_timeout: self.config.engine.receipt_timeout,
            alone,
            unparked,
            doorbells: doorbells.iter().map(|(id, bell)| (*id, bell.clone())).collect(),
        };
        self.helpers.spawn(sweeper.run(self.helpers_stop.clone()));
        self.helpers.spawn(self.leases.clone().beat(self.helpers_stop.clone()));
        self.helpers
            .spawn(self.campaigns.books().run(self.helpers_stop.clone()));
        let gauges = Gauges {
            store: self.store.clone(),
            metrics: self.metrics.clone(),
            smscs: self.smscs.clone(),
        };
        self.helpers.spawn(gauges.refresh(self.helpers_stop.clone()));
    }

    async fn serve(self, shutdown: Shutdown, on_ready: impl FnOnce(&Ready)) -> Result<(), RunFault> {
        let accounts = Arc::new(Accounts::new(self.store.clone(), self.clock));
        let new_operator_key = accounts.ensure_operator_key(&self.config.api).await?;
        self.campaigns.resume_all().await?;
        let listeners = Listeners {
            public: listen(self.config.api.listen, "api.listen").await?,
            admin: listen(self.config.admin.listen, "admin.listen").await?,
        };
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
            metrics: self.metrics.clone(),
            clock: self.clock,
            board: self.board.clone(),
            body_max: self.config.api.body_max,
        };
        let serving = api::serve(listeners, app, shutdown.orderly.clone());
        on_ready(&ready);
        serving.await;
        self.stop(&shutdown).await;
        Ok(())
    }

    /// Stop leasing → let the windows empty → unbind → settle → close the books.
    async fn stop(self, shutdown: &Shutdown) {
        self.dispatching.cancel();
        self.dispatchers.wait().await;
        self.binds_stop.drain.cancel();
        let drained = tokio::time::timeout(self.config.engine.shutdown_timeout, self.binds.wait()).await;
        if drained.is_err() {
            tracing::warn!("windows did not empty in time: what was not answered is in doubt");
            self.binds_stop.now.cancel();
            self.binds.wait().await;
        }
        let settled = tokio::time::timeout(self.config.engine.shutdown_timeout, self.settler.wait()).await;
        if settled.is_err() {
            self.abandon.cancel();
        }
        self.helpers_stop.cancel();
        self.helpers.close();
        self.helpers.wait().await;
        if settled.is_ok() && !shutdown.at_once.is_cancelled() {
            self.leases.close().await;
        }
        tracing::info!("stopped");
    }
}

async fn connect(url: &str, partitions: u16) -> Result<Store, ConnectFault> {
    let deadline = tokio::time::Instant::from_std(Clock.now()) + REDIS_WITHIN;
    loop {
        match Store::connect(url, partitions).await {
            Err(ConnectFault::Store(error)) if tokio::time::Instant::from_std(Clock.now()) < deadline => {
                tracing::info!(%error, "waiting for Redis");
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
    smscs: Vec<(SmscId, Arc<config::Smsc>)>,
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
        for (id, smsc) in &self.smscs {
            let (queued, deferred) = self.store.depths(*id).await?;
            for (purpose, depth) in crate::domain::Purpose::ALL.into_iter().zip(queued) {
                self.metrics
                    .queue_messages
                    .with_label_values(&[&smsc.name, purpose.code()])
                    .set(depth as i64);
            }
            self.metrics
                .queue_deferred_messages
                .with_label_values(&[&smsc.name])
                .set(deferred as i64);
        }
        self.metrics
            .receipt_pending
            .set(self.store.parked_count().await? as i64);
        self.metrics
            .redis_used_memory_bytes
            .set(self.store.used_memory().await? as i64);
        Ok(())
    }
}
