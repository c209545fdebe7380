//! Webhooks: tenants are told of what happens, at URLs of theirs, signed as Standard Webhooks 1.0.0 has it.
//!
//! ```text
//! journal ─► follow ─► [database: deliveries] ─► courier ─► receiver
//! ```
//!
//! *follow* reads the journal at positions of its own, beside the books, and commits these with the deliveries that it makes:
//! each event is in the backlog once. The *courier* posts them until the receiver has taken each: at least once, and twice only
//! when its answer was lost. Neither is waited for by anybody: the journal is kept for [`HELD`] when this cannot follow, the
//! backlog is bounded, and what is given up is counted.

mod signature;
mod schedule;
mod reach;
mod post;
mod event;
mod ask;
mod endpoint;
mod backlog;
mod gather;
mod body;
mod attempt;
mod courier;
mod follow;
mod manage;
mod marks;
mod other;
mod balance;
mod clicks;
mod tidy;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config;
use crate::database::{Database, DatabaseError};
use crate::domain::{CampaignId, EndpointId, Partition, TenantId, UnixMicros};
use crate::metrics::Metrics;
use crate::store::{Store, StoreError, journal_place};

pub(crate) use ask::Question;
use backlog::DeliveryKind;
pub(crate) use backlog::{Delivery, DeliveryState};
pub(crate) use endpoint::{DESCRIPTION_MAX, Endpoint};
pub(crate) use event::FILTERS;
use event::{
    ANSWERED, DECIDED, FLAGGED, HELD_UP, IMPORTED, NOT_CONTENT, NOT_IMPORTED, OFFER_ENDED, OFFER_TAKEN, OPTED_IN,
    SLOT_ENDED, SLOT_FREED, SLOT_TAKEN, SURVEY_ANSWERED, TRAFFIC_DECIDED, TRAFFIC_FLAGGED, WAITS,
};
pub(crate) use manage::{Changes, EndpointFault};
use post::Postman;
use reach::Reach;

/// How long the journal is kept for endpoints when they cannot follow it: 2 minutes at 10,000 messages a second are some 100 MB.
const HELD: Duration = Duration::from_secs(120);

/// How far the clock of the database's server may be from ours.
const MARGIN: Duration = Duration::from_secs(1);

/// Why webhooks cannot do something.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WebhookFault {
    #[error(transparent)]
    Database(#[from] DatabaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("TLS cannot be had: {0}")]
    Tls(#[from] rustls::Error),
    #[error("what was read has been told meanwhile")]
    ToldElsewhere,
}

/// What webhooks work with.
pub(crate) struct WebhookDeps {
    pub(crate) store: Store,
    pub(crate) database: Database,
    pub(crate) clock: Clock,
    pub(crate) metrics: Metrics,
    pub(crate) settings: config::Webhooks,
}

/// Webhooks. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Webhooks(Arc<Shared>);

struct Shared {
    store: Store,
    database: Database,
    clock: Clock,
    metrics: Metrics,
    settings: config::Webhooks,
    postman: Postman,
    /// Whom anything is to be told.
    active: ArcSwap<Active>,
    /// How far each partition's journal was followed.
    positions: Mutex<Vec<String>>,
    /// How far SQL says that each source was read: older than that where nothing was to be told.
    kept: Mutex<FxHashMap<String, String>>,
    /// When it was read to its end.
    read_at: Mutex<Option<UnixMicros>>,
    /// How far what people write was read, by source.
    written: Mutex<FxHashMap<String, Vec<String>>>,
    /// How many deliveries wait, by endpoint.
    waiting: Mutex<FxHashMap<EndpointId, u64>>,
    /// What may have changed that is in no journal.
    hints: Mutex<Hints>,
    /// Endpoints that have something to be told.
    woken: Mutex<FxHashSet<EndpointId>>,
    bell: Notify,
    /// Called when something may have changed that is in no journal.
    on_change: OnceLock<Box<dyn Fn() + Send + Sync>>,
    /// Held while endpoints are changed.
    changing: tokio::sync::Mutex<()>,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfferNews {
    /// Somebody has a place.
    Taken,
    Ended,
    /// A time became free, and is offered to those who wait, or to nobody.
    SlotFreed,
    /// Somebody has it.
    SlotTaken,
    SlotEnded,
}

/// Endpoints that are not disabled, by tenant.
type Active = FxHashMap<TenantId, Vec<Endpoint>>;

/// Where to look for events that are in no journal.
#[derive(Default)]
struct Hints {
    /// Somebody wrote to them.
    written_to: FxHashSet<TenantId>,
    /// Each of their campaigns may have another state.
    scanned: FxHashSet<TenantId>,
    /// They may have another state.
    campaigns: other::Moved,
    /// Their balances may be others.
    balances: FxHashSet<TenantId>,
    /// So may those of all, at the start.
    all_balances: bool,
}

impl Webhooks {
    /// An occurrence of a tenant's automation was held up: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_automation(
        &self,
        tenant: TenantId,
        about: &serde_json::Value,
    ) -> Result<(), WebhookFault> {
        self.0
            .tell_at_once(tenant, (DeliveryKind::Automation, HELD_UP), about)
            .await
    }

    /// Somebody has answered to a tenant's appointments: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_appointment(
        &self,
        tenant: TenantId,
        about: &serde_json::Value,
    ) -> Result<(), WebhookFault> {
        self.0
            .tell_at_once(tenant, (DeliveryKind::Appointment, ANSWERED), about)
            .await
    }

    /// A tenant's conversation waits for people: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_conversation(
        &self,
        tenant: TenantId,
        about: &serde_json::Value,
    ) -> Result<(), WebhookFault> {
        self.0
            .tell_at_once(tenant, (DeliveryKind::Conversation, WAITS), about)
            .await
    }

    /// Something became of a tenant's offer: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_offer(
        &self,
        tenant: TenantId,
        (news, about): (OfferNews, &serde_json::Value),
    ) -> Result<(), WebhookFault> {
        let kind = match news {
            OfferNews::Taken => (DeliveryKind::OfferTaken, OFFER_TAKEN),
            OfferNews::Ended => (DeliveryKind::OfferEnded, OFFER_ENDED),
            OfferNews::SlotFreed => (DeliveryKind::SlotFreed, SLOT_FREED),
            OfferNews::SlotTaken => (DeliveryKind::SlotTaken, SLOT_TAKEN),
            OfferNews::SlotEnded => (DeliveryKind::SlotEnded, SLOT_ENDED),
        };
        self.0.tell_at_once(tenant, kind, about).await
    }

    /// Somebody has answered a question of a tenant's survey, and may not be content: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_survey(
        &self,
        tenant: TenantId,
        (is_alert, about): (bool, &serde_json::Value),
    ) -> Result<(), WebhookFault> {
        self.0
            .tell_at_once(tenant, (DeliveryKind::SurveyAnswered, SURVEY_ANSWERED), about)
            .await?;
        if !is_alert {
            return Ok(());
        }
        self.0
            .tell_at_once(tenant, (DeliveryKind::SurveyAlert, NOT_CONTENT), about)
            .await
    }

    /// A file of a tenant's contacts was read to its end, or was not: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_import(
        &self,
        tenant: TenantId,
        (is_whole, about): (bool, &serde_json::Value),
    ) -> Result<(), WebhookFault> {
        let kind = match is_whole {
            true => (DeliveryKind::Imported, IMPORTED),
            false => (DeliveryKind::NotImported, NOT_IMPORTED),
        };
        self.0.tell_at_once(tenant, kind, about).await
    }

    /// Somebody has written that they want a tenant's advertising: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_opt_in(&self, tenant: TenantId, about: &serde_json::Value) -> Result<(), WebhookFault> {
        self.0
            .tell_at_once(tenant, (DeliveryKind::OptedIn, OPTED_IN), about)
            .await
    }

    /// A text of a tenant's is to be looked at, or it was decided of one: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_text(
        &self,
        tenant: TenantId,
        (is_decided, about): (bool, &serde_json::Value),
    ) -> Result<(), WebhookFault> {
        let kind = match is_decided {
            true => (DeliveryKind::Decided, DECIDED),
            false => (DeliveryKind::Flagged, FLAGGED),
        };
        self.0.tell_at_once(tenant, kind, about).await
    }

    /// A tenant's traffic is to be looked at, or it was decided of some: endpoints that want to know are told.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn tell_of_traffic(
        &self,
        tenant: TenantId,
        (is_decided, about): (bool, &serde_json::Value),
    ) -> Result<(), WebhookFault> {
        let kind = match is_decided {
            true => (DeliveryKind::TrafficDecided, TRAFFIC_DECIDED),
            false => (DeliveryKind::TrafficFlagged, TRAFFIC_FLAGGED),
        };
        self.0.tell_at_once(tenant, kind, about).await
    }

    /// Reads who is to be told, and how far the journal was followed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn open(deps: WebhookDeps) -> Result<Self, WebhookFault> {
        let WebhookDeps {
            store,
            database,
            clock,
            metrics,
            settings,
        } = deps;
        let postman = Postman::new(Reach::new(&settings.allow), settings.timeout)?;
        let kept = backlog::positions(&database).await?;
        let positions = Mutex::new(positions(&store, &kept));
        let webhooks = Self(Arc::new(Shared {
            store,
            database,
            clock,
            metrics,
            settings,
            postman,
            active: ArcSwap::default(),
            positions,
            kept: Mutex::new(kept),
            read_at: Mutex::default(),
            written: Mutex::default(),
            waiting: Mutex::default(),
            hints: Mutex::new(Hints {
                all_balances: true,
                ..Hints::default()
            }),
            woken: Mutex::default(),
            bell: Notify::new(),
            on_change: OnceLock::new(),
            changing: tokio::sync::Mutex::default(),
        }));
        webhooks.0.load().await?;
        webhooks.0.go_on();
        webhooks.0.count_waiting().await?;
        Ok(webhooks)
    }

    /// Follows what happens, tells it, and forgets what is over, until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        if let Err(error) = self.0.take_over().await {
            tracing::warn!(%error, "what another process has told cannot be read: some may be told twice");
        }
        let follow = self.clone().follow(stop.clone());
        let tell = self.clone().tell(stop.clone());
        tokio::join!(follow, tell, self.tidy(stop));
    }

    /// The oldest entry of a partition's journal that is still to be read, when the books are at `books`.
    pub(crate) fn trims(&self, partition: Partition, books: &str) -> String {
        if self.0.active.load().is_empty() {
            return books.to_owned();
        }
        let positions = self.0.positions.lock().unwrap_or_else(PoisonError::into_inner);
        let ours = positions.get(usize::from(partition.0)).map_or("", String::as_str);
        let (at, known) = (journal_place(ours), journal_place(books));
        if at >= known {
            return books.to_owned();
        }
        if self.0.behind() > HELD {
            self.0.metrics.webhook_journal_passed_over_total.inc();
            return books.to_owned();
        }
        ours.to_owned()
    }

    /// Somebody may have written to a tenant.
    pub(crate) fn written_to(&self, tenant: TenantId) {
        if self.0.active.load().contains_key(&tenant) {
            self.0.hint(|hints| hints.written_to.extend([tenant]));
        }
    }

    /// Another process has changed something: whom it concerns is not known.
    pub(crate) async fn look_everywhere(&self) {
        if let Err(error) = self.0.load().await {
            tracing::debug!(%error, "endpoints cannot be read again");
        }
    }

    /// `told` is called whenever something may have changed that is in no journal.
    pub(crate) fn on_change(&self, told: impl Fn() + Send + Sync + 'static) {
        let _once = self.0.on_change.set(Box::new(told));
    }

    /// Somebody has given a campaign another state, here. The engine with the duty tells of it, which may be another.
    pub(crate) async fn campaign_stepped(&self, tenant: TenantId, id: CampaignId) {
        match self.0.store.note_moved(tenant, id).await {
            Ok(()) => self.0.changed(),
            Err(error) => {
                tracing::debug!(%error, campaign = %id, "other engines cannot be told that it has another state");
                self.campaign_moved(tenant, id);
            }
        }
    }

    /// A campaign may have another state.
    pub(crate) fn campaign_moved(&self, tenant: TenantId, id: CampaignId) {
        if self.0.active.load().contains_key(&tenant) {
            self.0.hint(|hints| hints.campaigns.extend([((tenant, id), true)]));
        }
    }
}

/// How far each partition's journal was followed.
fn positions(store: &Store, kept: &FxHashMap<String, String>) -> Vec<String> {
    let place = |partition| kept.get(&follow::journal_of(partition)).cloned().unwrap_or_default();
    store.all_partitions().map(place).collect()
}

impl Shared {
    fn hint(&self, note: impl FnOnce(&mut Hints)) {
        note(&mut self.hints.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed();
    }

    fn changed(&self) {
        if let Some(told) = self.on_change.get() {
            told();
        }
    }

    /// Goes on where the last process was, or where this one was, when it does not know.
    async fn take_over(&self) -> Result<(), DatabaseError> {
        let kept = backlog::positions(&self.database).await?;
        *self.positions.lock().unwrap_or_else(PoisonError::into_inner) = positions(&self.store, &kept);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept;
        self.written.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.load().await?;
        self.go_on();
        self.count_waiting().await
    }

    fn now(&self) -> UnixMicros {
        self.clock.unix()
    }

    /// Reads the endpoints again. While nobody was to be told, the journal was not read: nothing that was in it until now matters.
    async fn reload(&self) -> Result<(), DatabaseError> {
        let nobody = self.active.load().is_empty();
        self.load().await?;
        self.changed();
        if nobody {
            self.begin(self.now().minus(2 * MARGIN), |_| true);
        }
        Ok(())
    }

    async fn load(&self) -> Result<(), DatabaseError> {
        let all = Endpoint::all(&self.database).await?;
        let disabled = all.iter().filter(|endpoint| endpoint.disabled.is_some()).count();
        self.metrics.webhook_endpoints_disabled.set(disabled as i64);
        let mut active = Active::default();
        for endpoint in all.into_iter().filter(|endpoint| endpoint.disabled.is_none()) {
            active.entry(endpoint.tenant).or_default().push(endpoint);
        }
        self.active.store(Arc::new(active));
        self.hint_all();
        Ok(())
    }

    /// At the start: from where the last process was; where it has read nothing for anybody, from when the first was to be told.
    fn go_on(&self) {
        let active = self.active.load();
        let from = active.values().flatten().map(|endpoint| endpoint.told_from).min();
        if let Some(from) = from {
            self.begin(from.minus(MARGIN), str::is_empty);
        }
    }

    /// Has the journal be read from a time on, where its position is an older one that `may` be given up.
    fn begin(&self, from: UnixMicros, may: impl Fn(&str) -> bool) {
        *self.read_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.now());
        let from = from.0 / 1_000;
        let mut positions = self.positions.lock().unwrap_or_else(PoisonError::into_inner);
        for position in positions.iter_mut().filter(|position| may(position)) {
            if journal_place(position).0 < from {
                *position = format!("{from}-0");
            }
        }
    }

    /// How long ago the journal was read to its end; 0 when nobody is to be told.
    fn behind(&self) -> Duration {
        let read_at = *self.read_at.lock().unwrap_or_else(PoisonError::into_inner);
        read_at.map_or(Duration::ZERO, |at| self.now().since(at))
    }

    /// Something may have been missed of any tenant.
    fn hint_all(&self) {
        let active = self.active.load();
        self.hint(|hints| {
            hints.written_to.extend(active.keys());
            hints.scanned.extend(active.keys());
        });
    }

    async fn count_waiting(&self) -> Result<(), DatabaseError> {
        let counted: FxHashMap<_, _> = backlog::waiting(&self.database).await?.into_iter().collect();
        self.wake(counted.keys().copied());
        *self.waiting.lock().unwrap_or_else(PoisonError::into_inner) = counted;
        self.show_waiting(|_| {});
        Ok(())
    }

    /// Changes what is known of how many wait, and shows it.
    fn show_waiting(&self, change: impl FnOnce(&mut FxHashMap<EndpointId, u64>)) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut waiting);
        self.metrics.webhook_backlog.set(waiting.values().sum::<u64>() as i64);
    }

    /// Endpoints have something to be told.
    fn wake(&self, endpoints: impl Iterator<Item = EndpointId>) {
        self.woken
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(endpoints);
        self.bell.notify_one();
    }
}
