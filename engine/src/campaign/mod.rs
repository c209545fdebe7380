//! A tenant's orders: made from a body, priced, launched, expanded into messages, halted, settled and shown.

mod agreed;
mod allowances;
mod auditor;
mod backlogs;
mod bookkeeper;
mod news;
mod starts;
mod books;
mod cleaning;
mod codes;
mod control;
mod copy;
mod direct;
mod draft;
mod edit;
mod estimate;
mod expiry;
mod fault;
mod figures;
mod gates;
mod had;
mod housekeeping;
mod joining;
mod launch;
mod left_out;
mod life;
mod opening;
mod orders;
mod own_link;
mod packer;
mod pages;
mod past;
mod pasted;
mod price;
mod rates;
mod recall;
mod recut;
mod redaction;
pub(crate) mod refusal;
mod report;
mod resolve;
mod review;
mod roll_call;
mod routes;
mod schedule;
mod shortened;
mod taking;
mod texts;
mod trial;
mod watching;
mod worst;
pub(crate) mod view;
#[cfg(test)]
pub(crate) mod tests;

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::clock::Clock;
use crate::compose::ProtectedNames;
use crate::domain::{CampaignId, Countries, Country, Partition, TenantId, UnixMicros, Way};
use crate::flagged::FlaggedTexts;
use crate::history::History;
use crate::links::{Links, ShortLinks};
use crate::message_log::MessageLog;
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::numbers::Numbers;
use crate::people::People;
use crate::store::{Admission, Campaign, Share, Store, StoreError, Suspension};
use crate::webhooks::Webhooks;

pub(crate) use auditor::Auditor;
pub(crate) use backlogs::Backlogs;
pub(crate) use books::Books;
pub(crate) use cleaning::Cleaned;
pub(crate) use copy::{HAD, RESENT, Whom};
pub(crate) use direct::{DirectOrder, TriedMessage};
pub(crate) use estimate::Estimation;
pub(crate) use fault::CampaignFault;
pub(crate) use figures::{Figures, OfStatus, percent};
pub(crate) use gates::{Gates, zone_in};
pub(crate) use left_out::{Because, LeftOut};
pub(crate) use life::Placed;
pub(crate) use orders::{Order, Orders};
pub(crate) use own_link::DirectLink;
pub(crate) use price::too_long;
pub(crate) use recall::Recalled;
pub(crate) use refusal::code_of;
pub(crate) use report::{PAGE_MAX, PageCursor, Wanted, Which};
use resolve::Finding;
pub(crate) use roll_call::RollCall;
use routes::{Chooser, Whose};
pub(crate) use routes::{RouteTable, Routes, SANDBOX, Served, Serving};
use starts::Start;
pub(crate) use trial::{TRIAL_MAX, TrialOrder};
pub(crate) use watching::Glimpse;
use watching::Watchers;

/// Bodies that may be read at once: each takes a thread and some megabytes.
const CREATIONS_MAX: usize = 64;

/// Campaigns that are queued at once: more would only make each slower, and Redis busier for the messages under way.
const LAUNCHES_MAX: usize = 16;

/// The pauses between attempts while the store is away.
const PAUSE_MIN: Duration = Duration::from_millis(50);
const PAUSE_MAX: Duration = Duration::from_secs(2);

/// Tells the dispatchers that something is due for them in that partition; `true`: something urgent.
pub(crate) type Ring = Arc<dyn Fn(Way, Partition, bool) + Send + Sync>;

/// What a campaign may be.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    /// The most recipients of one campaign.
    pub(crate) recipients_max: u32,
    /// Whose national numbers are meant when a number has no `+`.
    pub(crate) country: Country,
    /// Whose numbers are taken, of every tenant.
    pub(crate) countries: Countries,
    /// Where people write STOP to; none: no clause is added to texts.
    pub(crate) stop_number: Option<String>,
    /// Names under which nobody writes but who was approved for them: somebody else's, and anybody's.
    pub(crate) protected: ProtectedNames,
}

/// What campaigns need of the engine.
pub(crate) struct CampaignDeps {
    /// Where they are kept.
    pub(crate) store: Store,
    pub(crate) metrics: Metrics,
    pub(crate) clock: Clock,
    /// Which SMSCs take whom.
    pub(crate) routes: RouteTable,
    /// Which rows share their hours.
    pub(crate) gates: Gates,
    /// The epoch of this process, under which it takes audiences in.
    pub(crate) epoch: u32,
    /// Whom audiences of contacts mean.
    pub(crate) people: People,
    /// Whose our numbers are.
    pub(crate) numbers: Numbers,
    /// What is looked at before it goes.
    pub(crate) flagged: FlaggedTexts,
    /// Knows which numbers of campaigns were ever given.
    pub(crate) mirror: Mirror,
    /// Where it is kept whither short links lead. Absent: nobody has any.
    pub(crate) links: Option<Links>,
    /// Told what happened to messages, before the books are.
    pub(crate) message_log: MessageLog,
    /// Told where campaigns are. Absent: nobody is told.
    pub(crate) webhooks: Option<Webhooks>,
    /// Asked what of the journal is still to be read. Absent: nobody but the books reads it.
    pub(crate) history: Option<History>,
    /// How long a campaign stays after it has ended.
    pub(crate) keep: Duration,
    /// Rung whenever something was enqueued.
    pub(crate) ring: Ring,
    /// What they may be.
    pub(crate) limits: Limits,
    /// Owns launches and what else goes on behind an answer.
    pub(crate) tracker: TaskTracker,
    /// Ends all that; a start takes it up again.
    pub(crate) stop: CancellationToken,
}

/// The campaigns of all tenants. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Campaigns(Arc<Shared>);

struct Shared {
    deps: CampaignDeps,
    orders: Orders,
    books: Books,
    creations: Arc<Semaphore>,
    launches: Semaphore,
    /// Being queued, or about to be: nobody else need start.
    launching: Mutex<FxHashSet<CampaignId>>,
    /// How many recipients have been found of those whose audience is being found out.
    found: Mutex<FxHashMap<CampaignId, Arc<Finding>>>,
    hours: Mutex<FxHashMap<direct::Sending, direct::Hour>>,
    watchers: Watchers,
}

impl Campaigns {
    /// The campaigns of that database.
    pub(crate) fn new(deps: CampaignDeps) -> Self {
        Self(Arc::new(Shared {
            orders: Orders::new(deps.store.clone(), deps.mirror.link_key()),
            books: Books::new(
                deps.store.clone(),
                (deps.clock, deps.metrics.clone()),
                (deps.message_log.clone(), deps.webhooks.clone(), deps.history.clone()),
                deps.keep,
            ),
            creations: Arc::new(Semaphore::new(CREATIONS_MAX)),
            launches: Semaphore::new(LAUNCHES_MAX),
            launching: Mutex::default(),
            found: Mutex::default(),
            hours: Mutex::default(),
            watchers: Watchers::default(),
            deps,
        }))
    }

    /// What is needed to compose messages, by campaign.
    pub(crate) fn orders(&self) -> Orders {
        self.0.orders.clone()
    }

    /// Which hours are open.
    pub(crate) fn gates(&self) -> &Gates {
        &self.0.deps.gates
    }

    /// What follows the journal.
    pub(crate) fn books(&self) -> Books {
        self.0.books.clone()
    }

    /// The first message of a campaign was leased, as far as is known at hand.
    /// It was due since then.
    pub(crate) fn begun(&self, order: &Order, (due, at): (UnixMicros, UnixMicros)) {
        self.0.books.begun(Start::of(order, (due, at)));
    }

    /// A campaign of that tenant.
    ///
    /// # Errors
    /// [`CampaignFault::NotFound`], also when it is another tenant's, or [`CampaignFault::Store`].
    pub(crate) async fn find(&self, tenant: TenantId, id: CampaignId) -> Result<Campaign, CampaignFault> {
        self.store().campaign(tenant, id).await?.ok_or(CampaignFault::NotFound)
    }

    /// Whether something new is taken of a tenant.
    ///
    /// # Errors
    /// [`CampaignFault::TenantSuspended`] or [`CampaignFault::Store`].
    async fn admit(&self, tenant: TenantId) -> Result<Admission, CampaignFault> {
        admitted(self.store().admission(tenant).await?)
    }

    /// Why no more is taken of a tenant on that day.
    async fn day_is_full(&self, tenant: TenantId, share: &Share) -> Result<CampaignFault, CampaignFault> {
        let (most, next) = (share.most.unwrap_or(u32::MAX), share.day.ends);
        let taken = self.store().taken_on(tenant, &share.day).await?;
        Ok(CampaignFault::DayFull {
            most,
            left: u64::from(most).saturating_sub(taken),
            next: self.local(tenant, next).await?,
            wait: next.since(self.now()),
        })
    }

    /// A number that no campaign has had, nor will have again.
    async fn next_id(&self) -> Result<CampaignId, CampaignFault> {
        let id = self.store().next_campaign().await?;
        self.0.deps.mirror.reserve(id).await?;
        Ok(id)
    }

    fn store(&self) -> &Store {
        &self.0.deps.store
    }

    /// What goes on behind an answer: its lines in the log are still its request's.
    fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.deps.tracker.spawn(work.in_current_span())
    }

    /// The routes that hold now.
    fn routes(&self) -> Arc<Routes> {
        self.0.deps.routes.now()
    }

    /// Whether what sandboxes send goes anywhere.
    pub(crate) fn has_sandbox(&self) -> bool {
        self.routes().has_sandbox()
    }

    fn now(&self) -> UnixMicros {
        self.0.deps.clock.unix()
    }

    /// Asks the store until it answers. `None`: the engine stops, or what is stored makes no sense; a start tries again.
    async fn insist<T, F>(&self, what: &'static str, mut ask: impl FnMut() -> F) -> Option<T>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let pauses = ExponentialBuilder::new()
            .with_min_delay(PAUSE_MIN)
            .with_max_delay(PAUSE_MAX)
            .without_max_times();
        let mut pauses = pauses.build();
        loop {
            match ask().await {
                Ok(reply) => return Some(reply),
                Err(error @ (StoreError::Corrupt(_) | StoreError::BadForm { .. })) => {
                    tracing::error!(%error, what, "given up");
                    return None;
                }
                Err(error) => {
                    self.0.deps.metrics.redis_errors_total.with_label_values(&[what]).inc();
                    tracing::warn!(%error, what, "the store did not do it; it is asked again");
                }
            }
            let pause = tokio::time::sleep(pauses.next().unwrap_or(PAUSE_MAX));
            self.0.deps.stop.run_until_cancelled(pause).await?;
        }
    }
}

/// What a tenant may send, unless it is suspended.
fn admitted(admission: Admission) -> Result<Admission, CampaignFault> {
    match admission.suspension {
        Some(Suspension { reason, .. }) => Err(CampaignFault::TenantSuspended { reason }),
        None => Ok(admission),
    }
}
