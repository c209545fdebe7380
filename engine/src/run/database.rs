//! The databases, if they are to be relied on.

use std::sync::Arc;
use std::time::Duration;

use super::RunFault;
use crate::clock::Clock;
use crate::config::Config;
use crate::database::{Database, DatabaseFault, Redis};
use crate::encryption::TextKey;
use crate::guard::{Guard, Verdict};
use crate::links::Links;
use crate::metrics::Metrics;
use crate::mirror::Mirror;
use crate::people::People;
use crate::store::{ConnectFault, Probe, Servers, Store};

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
pub(super) async fn open(config: &Config, servers: &Servers) -> Result<(Base, Guard), RunFault> {
    let (clock, metrics) = (Clock::new(), Metrics::new(config.metrics.tenants)?);
    let build = &metrics.build_info;
    build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    let connected = connect(servers, (config.redis.partitions, config.redis.wait_replicas), clock).await;
    let store = connected.map_err(|fault| RunFault::Connect(servers.address().to_owned(), fault))?;
    let probe = Probe::connect(servers, clock).await?;
    let (guard, verdict) = Guard::start(probe, &config.redis, clock, metrics.clone()).await?;
    if let Some(warning) = store.slow_settings().await {
        tracing::warn!("{warning}");
    }
    let text_key = store.unlock(&config.encryption.key_file).await?;
    let redis = Redis {
        id: guard.database_id(),
        is_blank: store.is_blank().await?,
    };
    let (database, tie) = Database::open(&config.database, redis).await?;
    let mirror = Mirror::new(&store, &database, (clock, &metrics));
    mirror.begin(tie, redis.id).await?;
    let people = People::new(database.clone(), clock);
    let interrupted = people.interrupt_imports().await.map_err(DatabaseFault::Query)?;
    if interrupted > 0 {
        tracing::warn!(
            interrupted,
            "imports were interrupted; the same files may be sent again"
        );
    }
    let refolded = people.refold().await.map_err(DatabaseFault::Query)?;
    if refolded > 0 {
        tracing::info!(refolded, "what filters compare of contacts was made anew");
    }
    let kept = (database.clone(), mirror.clone());
    let links = config.links.listen;
    let links = links.map(|_| Links::new(kept, clock, config.links.preview_within));
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

async fn connect(servers: &Servers, terms: (u16, u32), clock: Clock) -> Result<Store, ConnectFault> {
    let deadline = clock.deadline(REDIS_WITHIN);
    loop {
        match Store::connect(servers, terms).await {
            Err(ConnectFault::Store(error)) if clock.deadline(Duration::ZERO) < deadline => {
                tracing::warn!(redis = servers.address(), %error, "waiting for Redis");
                tokio::time::sleep(REDIS_AGAIN).await;
            }
            connected => return connected,
        }
    }
}
