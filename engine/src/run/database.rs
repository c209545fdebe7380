//! The databases, if they are to be relied on.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::RunFault;
use super::starting::in_turn;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::database::{Database, DatabaseFault, Redis, Tie};
use crate::encryption::TextKey;
use crate::guard::{Guard, Verdict};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::people::People;
use crate::store::{ConnectFault, Probe, Refusal, Servers, Store, StoreError};

/// How long a Redis that is not there yet is waited for at the start.
const REDIS_WITHIN: Duration = Duration::from_secs(10);

/// The pause between two attempts.
const REDIS_AGAIN: Duration = Duration::from_millis(200);

/// What every part of the engine works with. Cheap to clone.
#[derive(Clone)]
pub(super) struct Base {
    pub(super) store: Store,
    /// Where people are kept.
    pub(super) database: Database,
    pub(super) people: People,
    /// Where short links lead; `None`: they are not answered.
    pub(super) links: Option<Links>,
    /// Keeps in SQL what must outlive Redis.
    pub(super) mirror: Mirror,
    /// What is no tenant's is encrypted with it.
    pub(super) text_key: Arc<TextKey>,
    pub(super) metrics: Metrics,
    pub(super) clock: Clock,
    /// What the state of Redis allows.
    pub(super) verdict: Verdict,
}

/// Connects and looks; from here on the clock has the database server's time.
pub(super) async fn open(
    config: &Config,
    servers: &Servers,
    stop: &CancellationToken,
) -> Result<(Base, Guard), RunFault> {
    let (clock, metrics) = (Clock::new(), Metrics::new(config.metrics.tenants)?);
    let build = &metrics.build_info;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    let terms = (config.redis.partitions, config.redis.wait_replicas);
    let connected = connect(servers, terms, (clock, stop)).await;
    let store = connected.map_err(|fault| RunFault::Connect(servers.address().to_owned(), fault))?;
    let probe = Probe::connect(servers, clock).await?;
    let (guard, verdict) = Guard::start(probe, &config.redis, clock, metrics.clone()).await?;
    if let Some(warning) = store.slow_settings().await {
        tracing::warn!("{warning}");
    }
    let text_key = store.unlock(&config.encryption.key_file).await?;
    let agreed = agree(&config.database, (&store, guard.database_id()), (clock, &metrics));
    let (database, people, mirror) = in_turn((&store, clock), agreed).await?;
    let kept = (database.clone(), mirror.clone());
    let links = config.links.listen;
    let links = links.map(|_| Links::new(kept, (clock, &metrics), config.links.preview_within));
    let base = Base {
        store,
        links,
        people,
        mirror,
        text_key,
        database,
        metrics,
        clock,
        verdict,
    };
    Ok((base, guard))
}

/// SQL, and what of Redis it knows: these agree from here on. `redis`: its id.
async fn agree(
    settings: &config::Database,
    (store, redis): (&Store, &str),
    (clock, metrics): (Clock, &Metrics),
) -> Result<(Database, People, Mirror), RunFault> {
    let found = Redis {
        id: redis,
        is_blank: store.is_blank().await?,
    };
    let (database, tie) = Database::open(settings, found).await?;
    let people = People::new(database.clone(), clock);
    if tie == Tie::Lost {
        // Engines are numbered anew.
        people.interrupt_imports(&[]).await.map_err(DatabaseFault::Query)?;
    }
    let mirror = Mirror::new(store, &database, (clock, metrics));
    mirror.begin(tie, redis).await?;
    let refolded = people.refold().await.map_err(DatabaseFault::Query)?;
    if refolded > 0 {
        tracing::info!(refolded, "what filters compare of contacts was made anew");
    }
    Ok((database, people, mirror))
}

/// A Redis that reads what it has on disk is waited for as long as that takes: given up, the embedded one would begin anew at the next
/// start, and never come to its end.
async fn connect(
    servers: &Servers,
    terms: (u16, u32),
    (clock, stop): (Clock, &CancellationToken),
) -> Result<Store, ConnectFault> {
    let deadline = clock.deadline(REDIS_WITHIN);
    loop {
        match Store::connect(servers, terms).await {
            Err(ConnectFault::Store(error))
                if error.refusal() != Some(Refusal::Denied)
                    && (clock.deadline(Duration::ZERO) < deadline
                        || (will_be_there(&error) && !stop.is_cancelled())) =>
            {
                tracing::warn!(redis = servers.address(), %error, "waiting for Redis");
                tokio::time::sleep(REDIS_AGAIN).await;
            }
            connected => return connected,
        }
    }
}

/// It reads what it has on disk, or has a part of it on the way from one node of a cluster to another: it is waited for as long as that takes.
fn will_be_there(error: &StoreError) -> bool {
    error.is_loading() || error.refusal() == Some(Refusal::Moving)
}
