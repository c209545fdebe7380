//! A started engine: what is made in which order, and what is handed to whom.

use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use super::database::{self, Base};
use super::gauges::Gauges;
use super::stages::Stages;
use super::{Ready, Redis, RunFault};
use crate::account::Accounts;
use crate::api::{self, App, Listeners, Shares};
use crate::audience::Country;
use crate::bind::{Binds, Board, Events};
use crate::campaign::{CampaignDeps, Campaigns, Gates, Limits, Routes};
use crate::config::{self, Config};
use crate::dispatch::{Bells, Dispatcher, Leases, Outlet, Sweeper};
use crate::domain::SmscId;
use crate::inbound::{Inbox, Struck};
use crate::outcome::{Collector, Meanings};
use crate::pressure::Pressure;
use crate::receipt::{Replay, Whereabouts};
use crate::settle::{self, Gatherer, Settler, Sides, SmscSide, UNPARKED_MAX, Unparked};
use crate::shutdown::Shutdown;
use crate::store::{Store, StoreError};
use crate::traffic::Traffic;

pub(super) struct Engine {
    config: Config,
    base: Base,
    outlets: Vec<Arc<Outlet>>,
    routes: Arc<Routes>,
    traffic: Traffic,
    inbox: Inbox,
    struck: Struck,
    leases: Arc<Leases>,
    campaigns: Campaigns,
    pressure: Pressure,
    board: Board,
    /// Receipts that are to be tried again.
    unparked: mpsc::Sender<Unparked>,
    stages: Stages,
}

impl Engine {
    /// Sends from here on.
    pub(super) async fn start(config: Config, redis: &Redis, shutdown: &Shutdown) -> Result<Self, RunFault> {
        let (base, guard) = database::open(&config, &redis.url).await?;
        base.metrics
            .build_info
            .with_label_values(&[env!("CARGO_PKG_VERSION")])
            .set(1);
        let stages = Stages::new(shutdown);
        stages.helpers.tasks.spawn(guard.run(stages.helpers.stop.clone()));
        let smscs = number(&base.store, &config.smsc).await?;
        let routes = Arc::new(Routes::new(&base.store, &smscs, &config.route).await?);
        let times = (&base.metrics, base.clock);
        let traffic = Traffic::new(&base.store, times, config.engine.failover_after, routes.served());
        let (unparked, to_settle) = mpsc::channel(UNPARKED_MAX);
        let for_leases = (base.clock, base.metrics.clone());
        let leases = Arc::new(Leases::new(&base.store, for_leases, unparked.clone()).await?);
        let (binds, events) = Binds::new(
            base.metrics.clone(),
            base.clock,
            stages.binds_stop.clone(),
            stages.binds.clone(),
        );
        let open = |(id, smsc): &(SmscId, Arc<config::Smsc>)| {
            Outlet::open((*id, smsc), (&binds, &traffic), times).map(Arc::new)
        };
        let outlets = smscs.iter().map(open).collect::<Result<Vec<Arc<Outlet>>, _>>()?;
        traffic.begin().await?;
        let bell = |outlet: &Arc<Outlet>| (outlet.doorbell.clone(), outlet.service.clone());
        let bells = Bells::new(outlets.iter().map(bell));
        let gates = Gates::default();
        let campaigns = campaigns(&config, &base, (&routes, &gates), (&leases, &bells), &stages);
        let struck = Struck::default();
        let for_inbox = (base.clock, &base.metrics);
        let inbox = Inbox::new(&base.store, for_inbox, &struck, config.retention.campaigns)?;
        let engine = Self {
            pressure: Pressure::new(base.clock.now(), settle::SETTLERS),
            config,
            base,
            outlets,
            routes,
            traffic,
            inbox,
            struck,
            leases,
            campaigns,
            board: binds.board(),
            unparked,
            stages,
        };
        engine.start_dispatchers(&gates, &binds.feed());
        engine.start_settlers(events, to_settle, &bells);
        engine.start_helpers(redis.is_ours, bells)?;
        Ok(engine)
    }

    /// The hot path out.
    fn start_dispatchers(&self, gates: &Gates, feed: &mpsc::Sender<Events>) {
        // A receiver takes nothing to send.
        for outlet in self.outlets.iter().filter(|outlet| outlet.config.bind.transmits()) {
            let dispatcher = Dispatcher {
                outlet: outlet.clone(),
                version: self.routes.version(),
                gates: gates.clone(),
                store: self.base.store.clone(),
                leases: self.leases.clone(),
                orders: self.campaigns.orders(),
                campaigns: self.campaigns.clone(),
                pressure: self.pressure.clone(),
                verdict: self.base.verdict.clone(),
                struck: self.struck.clone(),
                feed: feed.clone(),
                clock: self.base.clock,
            };
            dispatcher.start(&self.stages.dispatchers.stop, &self.stages.dispatchers.tasks);
        }
    }

    /// The hot path in.
    fn start_settlers(&self, events: mpsc::Receiver<Events>, unparked: mpsc::Receiver<Unparked>, bells: &Bells) {
        let side = |outlet: &Arc<Outlet>| {
            let by_id = outlet.config.receipts_by_id;
            let side = SmscSide {
                outlet: outlet.clone(),
                index_for: by_id.then_some(self.config.engine.receipt_timeout),
            };
            (outlet.id, side)
        };
        let smscs: Sides = Arc::new(self.outlets.iter().map(side).collect());
        let gatherer = Gatherer {
            clock: self.base.clock,
            partitions: self.base.store.partitions(),
            smscs: smscs.clone(),
            in_doubt: self.config.engine.in_doubt,
            collector: Collector::default(),
            busy: false,
        };
        let settler = Settler {
            store: self.base.store.clone(),
            clock: self.base.clock,
            metrics: self.base.metrics.clone(),
            smscs,
            in_doubt: self.config.engine.in_doubt,
            inbox: self.inbox.clone(),
            orders: self.campaigns.orders(),
            bells: bells.clone(),
            pressure: self.pressure.clone(),
            verdict: self.base.verdict.clone(),
            abandon: self.stages.settlers.stop.clone(),
            whereabouts: Whereabouts::default(),
        };
        settle::start((gatherer, settler), events, unparked, &self.stages.settlers.tasks);
    }

    /// What goes on beside the messages. `alone`: no other process can use the database.
    fn start_helpers(&self, alone: bool, bells: Bells) -> Result<(), RunFault> {
        let Base {
            store,
            metrics,
            clock,
            verdict,
        } = self.base.clone();
        let helpers = &self.stages.helpers;
        let stop = || helpers.stop.clone();
        let sweeper = Sweeper {
            store: store.clone(),
            leases: self.leases.clone(),
            clock,
            verdict: verdict.clone(),
            in_doubt: self.config.engine.in_doubt,
            meanings: Meanings::of(&config::Smsc::new("any", "", ""))?,
            receipt_timeout: self.config.engine.receipt_timeout,
            trails_kept: self.config.retention.trails,
            alone,
            unparked: self.unparked.clone(),
            bells,
        };
        helpers.tasks.spawn(sweeper.run(stop()));
        helpers.tasks.spawn(self.inbox.clone().watch_parts(stop()));
        helpers.tasks.spawn(self.traffic.clone().watch(self.ringing(), stop()));
        helpers
            .tasks
            .spawn(self.traffic.clone().pass_on(self.campaigns.clone(), stop()));
        helpers.tasks.spawn(self.leases.clone().beat(verdict, stop()));
        helpers.tasks.spawn(self.campaigns.books().run(stop()));
        helpers.tasks.spawn(self.campaigns.clone().keep_house(stop()));
        let gauges = Gauges {
            store,
            metrics,
            routes: self.routes.clone(),
            names: self.names(),
            pressure: self.pressure.clone(),
            clock,
        };
        helpers.tasks.spawn(gauges.refresh(stop()));
        Ok(())
    }

    /// Has an SMSC's dispatchers look everywhere.
    fn ringing(&self) -> impl Fn(SmscId) + Send + use<> {
        let (outlets, store) = (self.outlets.clone(), self.base.store.clone());
        move |smsc| {
            let outlet = outlets.iter().find(|outlet| outlet.id == smsc);
            outlet.inspect(|outlet| outlet.doorbell.ring_all(store.all_partitions()));
        }
    }

    /// Takes requests until it is told to stop, and ends then.
    pub(super) async fn serve(
        self,
        (listeners, shutdown): (Listeners, Shutdown),
        on_ready: impl FnOnce(&Ready),
    ) -> Result<(), RunFault> {
        let accounts = Arc::new(Accounts::new(self.base.store.clone(), self.base.clock));
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
        let serving = api::serve(listeners, self.app(accounts), shutdown.orderly.clone());
        on_ready(&ready);
        let ending = async {
            shutdown.orderly.cancelled().await;
            let within = self.config.engine.shutdown_timeout;
            self.stages.end(self.base.clock, within, &self.leases).await;
        };
        let ended = async { tokio::join!(serving, ending) };
        tokio::select! {
            _ = ended => tracing::info!("stopped"),
            () = shutdown.at_once.cancelled() => tracing::warn!("stopped at once: what was under way is in doubt"),
        }
        Ok(())
    }

    fn app(&self, accounts: Arc<Accounts>) -> App {
        App {
            store: self.base.store.clone(),
            accounts,
            campaigns: self.campaigns.clone(),
            replay: Replay::new(self.base.store.clone(), self.unparked.clone()),
            names: self.names(),
            metrics: self.base.metrics.clone(),
            clock: self.base.clock,
            board: self.board.clone(),
            traffic: self.traffic.clone(),
            inbox: self.inbox.clone(),
            verdict: self.base.verdict.clone(),
            shares: Shares::new(&self.config.api),
            limits: Arc::new(self.config.api.clone()),
            operations: TaskTracker::new(),
        }
    }

    fn names(&self) -> Vec<(SmscId, String)> {
        let name = |outlet: &Arc<Outlet>| (outlet.id, outlet.config.name.clone());
        self.outlets.iter().map(name).collect()
    }
}

fn campaigns(
    config: &Config,
    base: &Base,
    (routes, gates): (&Arc<Routes>, &Gates),
    (leases, bells): (&Leases, &Bells),
    stages: &Stages,
) -> Campaigns {
    let bells = bells.clone();
    Campaigns::new(CampaignDeps {
        store: base.store.clone(),
        metrics: base.metrics.clone(),
        clock: base.clock,
        routes: routes.clone(),
        gates: gates.clone(),
        epoch: leases.epoch(),
        keep: config.retention.campaigns,
        ring: Arc::new(move |way, partition, urgent| bells.ring(way, partition, urgent)),
        limits: Limits {
            recipients_max: config.api.recipients_max,
            country: Country::FRANCE,
        },
        tracker: stages.helpers.tasks.clone(),
        stop: stages.helpers.stop.clone(),
    })
}

/// The numbers that keys and records have in place of names.
async fn number(store: &Store, smscs: &[Arc<config::Smsc>]) -> Result<Vec<(SmscId, Arc<config::Smsc>)>, StoreError> {
    let mut numbered = Vec::with_capacity(smscs.len());
    for smsc in smscs {
        numbered.push((store.smsc_id(&smsc.name).await?, smsc.clone()));
    }
    Ok(numbered)
}
