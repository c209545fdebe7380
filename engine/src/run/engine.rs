//! A started engine: what is made in which order, and what is handed to whom.

mod duties;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::database::{self, Base};
use super::fleet::{Fleet, FleetDeps, number};
use super::gauges::Gauges;
use super::reloading::Reloading;
use super::stages::Stages;
use super::told::{Told, feeds};
use super::{Given, Ready, Redis, RunFault};
use crate::account::Accounts;
use crate::agenda::Agenda;
use crate::api::problem::field_detail;
use crate::api::{self, App, Guesses, Listeners, Secured, Shares, Submissions};
use crate::automation::Automations;
use crate::bind::{Binds, Board, Events, Seats, Traces};
use crate::campaign::{CampaignDeps, Campaigns, Gates, Limits, RouteTable, Routes};
use crate::compose::ProtectedNames;
use crate::config::{self, Config};
use crate::database::DatabaseFault;
use crate::dispatch::{Bells, Leases, Sweeper};
use crate::domain::Country;
use crate::engines::Engines;
use crate::flagged::FlaggedTexts;
use crate::history::{History, HistoryDeps, obeys};
use crate::import::Imports;
use crate::inbound::{Inbox, Struck, Told as InboxTold};
use crate::message_log::MessageLog;
use crate::numbers::Numbers;
use crate::outcome::{Collector, Meanings};
use crate::pressure::{Fullness, Pressure};
use crate::receipt::{Replay, Whereabouts};
use crate::reload::{Reloads, Wish};
use crate::replies::{Replies, ReplyDeps};
use crate::settle::{self, Gatherer, Settler, Sides, Traced, UNPARKED_MAX, Unparked};
use crate::shutdown::Shutdown;
use crate::traffic::Traffic;
use crate::waiting::Waiting;
use crate::webhooks::{WebhookDeps, Webhooks};

pub(super) struct Engine {
    config: Config,
    told: Told,
    base: Base,
    traffic: Traffic,
    waiting: Waiting,
    inbox: Inbox,
    numbers: Numbers,
    replies: Replies,
    reloads: Reloads,
    leases: Arc<Leases>,
    engines: Engines,
    campaigns: Campaigns,
    message_log: MessageLog,
    webhooks: Webhooks,
    history: History,
    pressure: Pressure,
    /// What the listeners show.
    secured: Secured,
    board: Board,
    traces: Traces,
    /// Receipts that are to be tried again.
    unparked: mpsc::Sender<Unparked>,
    stages: Stages,
}

impl Engine {
    /// Sends from here on.
    pub(super) async fn start(
        Given {
            config,
            file,
            logs,
            tracer,
        }: Given,
        (redis, addresses): (&Redis, [String; 2]),
        shutdown: &Shutdown,
    ) -> Result<Self, RunFault> {
        let (base, guard) = database::open(&config, &redis.servers, &shutdown.orderly).await?;
        let (stages, journal) = (Stages::new(shutdown), guard.journal());
        let told = Told::start((logs, tracer), &config, &base);
        stages.helpers.tasks.spawn(guard.run(stages.helpers.stop.clone()));
        let smscs = number(&base.store, &config.smsc).await?;
        let routes = RouteTable::new(Routes::new(&base.store, &smscs, &config.route).await?);
        let traffic = traffic(&config, &base, &routes);
        let (unparked, to_settle) = mpsc::channel(UNPARKED_MAX);
        let (seats, leases, engines) = beside_others((&base, &config), (redis, addresses), &unparked).await?;
        let (bells, sides, struck) = (Bells::default(), Sides::default(), Struck::default());
        bells.ring_others(&engines);
        let gates = Gates::new(&base.store, config.rules.obeyed(), base.clock).await?;
        let message_log = message_log(&config, &base, &traffic);
        let (webhooks, history) = followers(&config, &base, (&traffic, journal)).await?;
        let for_campaigns = (&*leases, &bells, (&message_log, &webhooks, &history));
        let numbers = numbers(&config, &base).await?;
        let campaigns = campaigns(&config, &base, (&routes, &gates, &numbers), for_campaigns, &stages);
        let of_two_way = (&campaigns, &webhooks, &struck);
        let (replies, inbox) = two_way((&config, &base), &numbers, of_two_way, (&engines, &routes)).await?;
        let (binds, events) = binds(&base, &seats, &stages);
        let (pressure, (reloads, asked)) = (Pressure::new(base.clock.now(), settle::SETTLERS), Reloads::new());
        let waiting = Waiting::new(&base.store, &traffic, &gates, &base.verdict);
        let (board, traces) = (binds.board(), binds.traces());
        let mut fleet = Fleet::new(FleetDeps {
            feed: binds.feed(),
            base: base.clone(),
            routes,
            traffic: traffic.clone(),
            binds,
            bells: bells.clone(),
            sides: sides.clone(),
            gates,
            leases: leases.clone(),
            campaigns: campaigns.clone(),
            pressure: pressure.clone(),
            struck,
            seats,
            stage: stages.dispatchers.clone(),
        });
        let (_, _nobody_leaves) = fleet.set(&smscs, None)?;
        traffic.begin().await?;
        let engine = Self {
            pressure,
            secured: Secured::new(&config, &base.metrics),
            config,
            told,
            base,
            traffic,
            waiting,
            inbox,
            numbers,
            replies,
            reloads,
            leases,
            engines,
            campaigns,
            message_log,
            webhooks,
            history,
            board,
            traces,
            unparked,
            stages,
        };
        engine.start_settlers(events, to_settle, (sides, &bells));
        engine.start_helpers(redis, bells)?;
        engine.start_reloading((file, fleet), asked);
        Ok(engine)
    }

    /// Ends with the dispatchers: as long as it runs, more of them may be started.
    fn start_reloading(&self, (path, fleet): (PathBuf, Fleet), asked: mpsc::Receiver<Wish>) {
        let reloading = Reloading {
            path,
            config: self.config.clone(),
            base: self.base.clone(),
            audit: self.told.audit.clone(),
            fleet,
            traffic: self.traffic.clone(),
            inbox: self.inbox.clone(),
            numbers: self.numbers.clone(),
            campaigns: self.campaigns.clone(),
            leases: self.leases.clone(),
            engines: self.engines.clone(),
            secured: self.secured.clone(),
        };
        let stage = &self.stages.dispatchers;
        stage.tasks.spawn(reloading.run(asked, stage.stop.clone()));
    }

    /// The hot path in.
    fn start_settlers(
        &self,
        events: mpsc::Receiver<Events>,
        unparked: mpsc::Receiver<Unparked>,
        (smscs, bells): (Sides, &Bells),
    ) {
        let traced = Traced::new(&self.told.tracer, self.campaigns.orders());
        let gatherer = Gatherer {
            clock: self.base.clock,
            partitions: self.base.store.partitions(),
            smscs: smscs.clone(),
            in_doubt: self.config.engine.in_doubt,
            collector: Collector::default(),
            traced: traced.clone(),
            text_key: self.base.text_key.clone(),
            busy: false,
        };
        let settler = Settler {
            store: self.base.store.clone(),
            clock: self.base.clock,
            metrics: self.base.metrics.clone(),
            present: smscs.all(),
            smscs,
            in_doubt: self.config.engine.in_doubt,
            receipt_timeout: self.config.engine.receipt_timeout,
            inbox: self.inbox.clone(),
            orders: self.campaigns.orders(),
            traced,
            bells: bells.clone(),
            pressure: self.pressure.clone(),
            verdict: self.base.verdict.clone(),
            abandon: self.stages.settlers.stop.clone(),
            whereabouts: Whereabouts::default(),
            text_key: self.base.text_key.clone(),
            is_patient: !self.base.store.is_on_several(),
        };
        settle::start((gatherer, settler), events, unparked, &self.stages.settlers.tasks);
    }

    /// What goes on beside the messages.
    fn start_helpers(&self, redis: &Redis, bells: Bells) -> Result<(), RunFault> {
        let Base {
            store,
            metrics,
            clock,
            database: _,
            people: _,
            links: _,
            mirror,
            text_key: _,
            verdict,
        } = self.base.clone();
        let helpers = &self.stages.helpers;
        let stop = || helpers.stop.clone();
        let (all, bells_of_all) = (store.clone(), bells.clone());
        let traffic = self.traffic.clone();
        let bells_of_others = bells.clone();
        let ringing = move |smsc| bells_of_all.ring_all_of(smsc, all.all_partitions());
        let engines = self.engines.clone();
        let sweeper = Sweeper {
            store: store.clone(),
            leases: self.leases.clone(),
            clock,
            verdict: verdict.clone(),
            in_doubt: self.config.engine.in_doubt,
            meanings: Meanings::of(&config::Smsc::new("any", "", ""))?,
            receipt_timeout: self.config.engine.receipt_timeout,
            receipt_overdue: self.config.engine.receipt_overdue,
            name: Arc::new(move |smsc| traffic.name(smsc)),
            metrics: metrics.clone(),
            trails_kept: self.config.retention.trails,
            has_duty: Arc::new(move || engines.has_duty()),
            alone: redis.is_ours,
            unparked: self.unparked.clone(),
            bells,
        };
        self.engines.configured(self.config.digests());
        self.engines.tell_feeds(feeds(&self.traffic, &self.board));
        helpers.tasks.spawn(self.engines.clone().run(verdict.clone(), stop()));
        helpers.tasks.spawn(sweeper.run(stop()));
        helpers.tasks.spawn(self.inbox.clone().watch_parts(stop()));
        helpers.tasks.spawn(self.traffic.clone().watch(ringing, stop()));
        helpers
            .tasks
            .spawn(self.traffic.clone().pass_on(self.campaigns.clone(), stop()));
        helpers.tasks.spawn(self.numbers.clone().run(stop()));
        helpers.tasks.spawn(self.leases.clone().attend(verdict.clone(), stop()));
        helpers.tasks.spawn(self.leases.clone().beat(verdict, stop()));
        let engines = self.engines.clone();
        let has_duty = move || engines.has_duty();
        helpers.tasks.spawn(self.campaigns.books().run(has_duty, stop()));
        helpers.tasks.spawn(mirror.run(stop()));
        self.listen(redis, bells_of_others);
        self.start_links();
        self.start_duties();
        let gauges = Gauges {
            store,
            metrics,
            traffic: self.traffic.clone(),
            waiting: self.waiting.clone(),
            orders: self.campaigns.orders(),
            gates: self.campaigns.gates().clone(),
            pressure: self.pressure.clone(),
            clock,
            engines: self.engines.clone(),
        };
        helpers.tasks.spawn(gauges.refresh(stop()));
        Ok(())
    }

    fn start_links(&self) {
        let helpers = &self.stages.helpers;
        if let Some(links) = self.base.links.clone() {
            helpers.tasks.spawn(links.run(helpers.stop.clone()));
        }
    }

    /// Takes requests until it is told to stop, and ends then.
    pub(super) async fn serve(
        mut self,
        ((public, admin, links), shutdown): ((TcpListener, TcpListener, Option<TcpListener>), Shutdown),
        on_ready: impl FnOnce(&Ready),
    ) -> Result<(), RunFault> {
        let accounts = Arc::new(Accounts::new(
            self.base.store.clone(),
            self.base.mirror.clone(),
            self.base.clock,
        ));
        let new_operator_key = accounts.ensure_operator_key(&self.config.api).await?;
        self.campaigns.resume_all().await?;
        if let Err(error) = self.campaigns.fill_catalogue().await {
            tracing::warn!(%error, "operators are not shown the campaigns of before: the next start lists them");
        }
        if let Err(error) = self.campaigns.rescue_stranded().await {
            tracing::warn!(%error, "what is queued for routes that are gone could not be queued anew; it is tried again");
        }
        self.campaigns.warn_of_pinned().await?;
        self.campaigns.warn_of_sandboxes().await?;
        self.inbox.warn_of_strangers(&self.config.number).await?;
        let address = |listener: &TcpListener, configured| listener.local_addr().unwrap_or(configured);
        let ready = Ready {
            api: address(&public, self.config.api.listen),
            admin: address(&admin, self.config.admin.listen),
            links: links.as_ref().and_then(|listener| listener.local_addr().ok()),
            new_operator_key,
        };
        let listeners = Listeners {
            public,
            admin,
            links,
            secured: self.secured.clone(),
        };
        let over = CancellationToken::new();
        let serving = api::serve(listeners, self.app(accounts, &shutdown), over.clone());
        on_ready(&ready);
        let ending = async {
            shutdown.orderly.cancelled().await;
            let within = self.config.engine.shutdown_timeout;
            self.stages.end(self.base.clock, within, &self.leases).await;
            over.cancel();
        };
        let ended = async {
            tokio::join!(serving, ending);
            self.base.database.close().await;
            self.told.end().await;
        };
        tokio::select! {
            _ = ended => tracing::info!("stopped"),
            () = shutdown.at_once.cancelled() => tracing::warn!("stopped at once: what was under way is in doubt"),
        }
        Ok(())
    }

    fn imports(&self) -> Imports {
        let (people, store) = (self.base.people.clone(), self.base.store.clone());
        Imports::new(
            people,
            (store, self.base.mirror.clone(), self.leases.number()),
            field_detail,
            &self.config.database.spool(),
        )
        .telling(self.webhooks.clone())
    }

    fn automations(&self) -> Automations {
        let of = (self.base.database.clone(), self.base.clock);
        Automations::new(of, self.campaigns.clone(), self.webhooks.clone())
    }

    fn agenda(&self) -> Agenda {
        agenda(&self.base, &self.campaigns)
    }

    fn app(&self, accounts: Arc<Accounts>, shutdown: &Shutdown) -> App {
        App {
            stopping: shutdown.orderly.clone(),
            store: self.base.store.clone(),
            database: self.base.database.clone(),
            accounts,
            campaigns: self.campaigns.clone(),
            automations: self.automations(),
            agenda: self.agenda(),
            people: self.base.people.clone(),
            mirror: self.base.mirror.clone(),
            imports: self.imports(),
            replay: Replay::new(self.base.store.clone(), self.unparked.clone()),
            reloads: self.reloads.clone(),
            metrics: self.base.metrics.clone(),
            clock: self.base.clock,
            board: self.board.clone(),
            traces: self.traces.clone(),
            traffic: self.traffic.clone(),
            engines: self.engines.clone(),
            pressure: self.pressure.clone(),
            started: self.base.clock.now(),
            waiting: self.waiting.clone(),
            links: self.base.links.clone(),
            inbox: self.inbox.clone(),
            numbers: self.numbers.clone(),
            replies: self.replies.clone(),
            logs: self.told.logs.clone(),
            audit: self.told.audit.clone(),
            tracer: self.told.tracer.clone(),
            message_log: self.message_log.clone(),
            webhooks: self.webhooks.clone(),
            history: self.history.clone(),
            verdict: self.base.verdict.clone(),
            guesses: Guesses::new(&self.config.api),
            submissions: Submissions::default(),
            shares: Shares::new(&self.config.api),
            limits: Arc::new(self.config.api.clone()),
            operations: TaskTracker::new(),
        }
    }
}

fn binds(base: &Base, seats: &Seats, stages: &Stages) -> (Binds, mpsc::Receiver<Events>) {
    Binds::new(
        base.metrics.clone(),
        (base.clock, seats.clone()),
        stages.binds_stop.clone(),
        stages.binds.clone(),
    )
}

fn traffic(config: &Config, base: &Base, routes: &RouteTable) -> Traffic {
    let times = (&base.metrics, base.clock);
    Traffic::new(&base.store, times, config.engine.failover_after, routes.now().served())
}

fn agenda(base: &Base, campaigns: &Campaigns) -> Agenda {
    let of = (base.database.clone(), base.store.clone(), base.clock);
    Agenda::new(of, base.people.clone(), campaigns.clone())
}

async fn numbers(config: &Config, base: &Base) -> Result<Numbers, RunFault> {
    let numbers = Numbers::new(base.database.clone(), base.clock);
    numbers.set(&config.number);
    numbers.load().await.map_err(DatabaseFault::Query)?;
    Ok(numbers)
}

/// What is made of what people write to our numbers.
async fn two_way(
    (config, base): (&Config, &Base),
    numbers: &Numbers,
    (campaigns, webhooks, struck): (&Campaigns, &Webhooks, &Struck),
    (engines, routes): (&Engines, &RouteTable),
) -> Result<(Replies, Inbox), RunFault> {
    let replies = Replies::new(ReplyDeps {
        store: base.store.clone(),
        database: base.database.clone(),
        campaigns: campaigns.clone(),
        agenda: agenda(base, campaigns),
        people: base.people.clone(),
        mirror: base.mirror.clone(),
        webhooks: webhooks.clone(),
        numbers: numbers.clone(),
        clock: base.clock,
        metrics: base.metrics.clone(),
        inbound_for: config.retention.campaigns,
        kept_for: config.history.keep,
        answered_within: config.retention.replies,
    });
    let told = InboxTold {
        webhooks: webhooks.clone(),
        replies: replies.clone(),
        engines: engines.clone(),
    };
    let inbox = Inbox::new(
        (&base.store, &base.mirror),
        (base.clock, &base.metrics),
        (struck, numbers, Some(told)),
        (routes, config.retention.campaigns),
    )?;
    Ok((replies, inbox))
}

fn message_log(config: &Config, base: &Base, traffic: &Traffic) -> MessageLog {
    let (traffic, metrics) = (traffic.clone(), &base.metrics);
    let names = Arc::new(move |smsc| traffic.name(smsc));
    if config.message_log.path.is_some() {
        base.store.tell_ids();
    }
    MessageLog::start(&config.message_log, (base.store.partitions(), metrics), names)
}

/// What this engine has alone, and what it leases, where others may be.
async fn beside_others(
    (base, config): (&Base, &Config),
    (redis, addresses): (&Redis, [String; 2]),
    unparked: &mpsc::Sender<Unparked>,
) -> Result<(Seats, Arc<Leases>, Engines), RunFault> {
    let seats = if redis.is_ours {
        Seats::all_ours()
    } else {
        Seats::shared()
    };
    let of_leases = (base.clock, base.metrics.clone(), seats.clone());
    let under = obeys(&base.database, config.rules.packs())
        .await
        .map_err(DatabaseFault::Query)?;
    let leases = Arc::new(Leases::new(&base.store, of_leases, (unparked.clone(), under)).await?);
    let engines = Engines::begin(&base.store, base.clock, &seats, (leases.epoch(), addresses)).await?;
    Ok((seats, leases, engines))
}

/// Who follows the journal beside the books.
async fn followers(
    config: &Config,
    base: &Base,
    (traffic, fullness): (&Traffic, Fullness),
) -> Result<(Webhooks, History), RunFault> {
    let (named, priced) = (traffic.clone(), traffic.clone());
    let webhooks = webhooks(config, base).await?;
    let deps = HistoryDeps {
        store: base.store.clone(),
        database: base.database.clone(),
        clock: base.clock,
        metrics: base.metrics.clone(),
        settings: config.history.clone(),
        webhooks: Some(webhooks.clone()),
        fullness,
        names: Arc::new(move |smsc| named.name(smsc)),
        prices: Arc::new(move |smsc| priced.prices(smsc)),
        erased: base.mirror.erased(),
    };
    let history = History::open(deps).await.map_err(DatabaseFault::Query)?;
    Ok((webhooks, history))
}

async fn webhooks(config: &Config, base: &Base) -> Result<Webhooks, RunFault> {
    let deps = WebhookDeps {
        store: base.store.clone(),
        database: base.database.clone(),
        clock: base.clock,
        metrics: base.metrics.clone(),
        settings: config.webhooks.clone(),
    };
    Ok(Webhooks::open(deps).await?)
}

fn campaigns(
    config: &Config,
    base: &Base,
    (routes, gates, numbers): (&RouteTable, &Gates, &Numbers),
    (leases, bells, (message_log, webhooks, history)): (&Leases, &Bells, (&MessageLog, &Webhooks, &History)),
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
        people: base.people.clone(),
        numbers: numbers.clone(),
        flagged: FlaggedTexts::new(
            (base.store.clone(), base.database.clone()),
            base.clock,
            Some(webhooks.clone()),
        ),
        mirror: base.mirror.clone(),
        links: base.links.clone(),
        message_log: message_log.clone(),
        webhooks: Some(webhooks.clone()),
        history: Some(history.clone()),
        keep: config.retention.campaigns,
        ring: Arc::new(move |way, partition, urgent| bells.ring(way, partition, urgent)),
        limits: Limits {
            recipients_max: config.api.recipients_max,
            country: Country::FRANCE,
            countries: config.engine.countries.clone(),
            stop_number: config.engine.stop_number.clone(),
            protected: ProtectedNames::new(&config.engine.protected_senders)
                .and_generic(&config.engine.generic_senders),
        },
        tracker: stages.helpers.tasks.clone(),
        stop: stages.helpers.stop.clone(),
    })
}
