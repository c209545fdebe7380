//! The composition root: everything is made here, handed down, and ended here.
//!
//! [`run`] is the whole of it; `engine` says what is made in which order, `stages` what ends in which.

mod database;
mod files;
mod fleet;
mod gauges;
mod notify;
mod starting;
mod reloading;
mod stages;
mod told;
mod engine;

use std::net::SocketAddr;
use std::path::PathBuf;

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::account::OperatorKeyFault;
use crate::config::Config;
use crate::database::DatabaseFault;
use crate::guard::GuardFault;
use crate::inbound::BrokenWords;
use crate::logs::Logs;
use crate::mirror::MirrorFault;
use crate::otel::{Tracer, TracerFault};
use crate::outcome::BrokenTable;
use crate::shutdown::Shutdown;
use crate::store::{AddressFault, ConnectFault, Embedded, EmbeddedFault, Servers, StoreError, UnlockFault};
use crate::webhooks::WebhookFault;
use engine::Engine;
pub(crate) use files::{load, load_with_origins};
use notify::Phase;

/// Why the engine did not start, or ended.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunFault {
    /// The embedded server.
    #[error(transparent)]
    Embedded(#[from] EmbeddedFault),
    /// The database cannot be used.
    #[error("cannot use Redis at {0}: {1}")]
    Connect(String, #[source] ConnectFault),
    /// The keys of texts cannot be opened.
    #[error(transparent)]
    Unlock(#[from] UnlockFault),
    /// The database of people cannot be used.
    #[error(transparent)]
    Database(#[from] DatabaseFault),
    /// The database would lose data, or stopped answering.
    #[error(transparent)]
    Guard(#[from] GuardFault),
    /// The database stopped answering during the start.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Webhooks cannot be told.
    #[error(transparent)]
    Webhook(#[from] WebhookFault),
    /// A port is taken, or not ours to take.
    #[error("cannot listen on {0} ({1}): {2}")]
    Listen(SocketAddr, &'static str, #[source] std::io::Error),
    /// SQL and Redis could not be made to agree.
    #[error(transparent)]
    Mirror(#[from] MirrorFault),
    /// No start can be told from another.
    #[error("the system gives no random numbers: {0}")]
    NoRandom(#[from] getrandom::Error),
    /// It stood still for so long that another engine has its turn.
    #[error("another engine has started meanwhile: this one was silent for too long")]
    Overtaken,
    /// The operator key's file cannot be used.
    #[error(transparent)]
    OperatorKey(#[from] OperatorKeyFault),
    /// Traces can go nowhere.
    #[error(transparent)]
    Tracer(#[from] TracerFault),
    /// A defect of the build.
    #[error(transparent)]
    Table(#[from] BrokenTable),
    /// A defect of the build.
    #[error(transparent)]
    Words(#[from] BrokenWords),
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
    /// Where short links are answered.
    pub(crate) links: Option<SocketAddr>,
    /// The operator key, when it was made just now: it is never shown again.
    pub(crate) new_operator_key: Option<String>,
}

/// The database server.
struct Redis {
    servers: Servers,
    /// It is the embedded one, which no other process can use.
    is_ours: bool,
}

/// By what an engine runs.
pub(crate) struct Given {
    pub(crate) config: Config,
    /// The file that it was read from.
    pub(crate) file: PathBuf,
    pub(crate) logs: Logs,
    pub(crate) tracer: Tracer,
}

/// Runs an engine until it is told to stop; `on_ready` is called when it takes requests.
///
/// # Errors
/// See [`RunFault`].
pub(crate) async fn run(given: Given, shutdown: Shutdown, on_ready: impl FnOnce(&Ready)) -> Result<(), RunFault> {
    let mut manager = JoinSet::new();
    manager.spawn(notify::watch(shutdown.clone()));
    let redis_stop = CancellationToken::new();
    let servers = TaskTracker::new();
    let redis = match &given.config.redis.url {
        Some(address) => Redis {
            servers: reached(Servers::new(address), "redis.url")?,
            is_ours: false,
        },
        None => {
            let server = Embedded::start(&given.config.redis.data_dir).await?;
            let redis = Redis {
                servers: reached(server.servers(), "redis.data_dir")?,
                is_ours: true,
            };
            servers.spawn(server.supervise(redis_stop.clone()));
            redis
        }
    };
    let ended = start_and_serve(given, &redis, shutdown.clone(), on_ready).await;
    redis_stop.cancel();
    servers.close();
    tokio::select! {
        () = servers.wait() => {}
        // Killed when it is dropped, it finds its AOF again at the next start.
        () = shutdown.at_once.cancelled() => {}
    }
    ended
}

fn reached(servers: Result<Servers, AddressFault>, by: &str) -> Result<Servers, RunFault> {
    servers.map_err(|error| RunFault::Connect(by.to_owned(), ConnectFault::Address(error)))
}

/// Ports are taken first: an engine that cannot be reached sends nothing.
async fn start_and_serve(
    given: Given,
    redis: &Redis,
    shutdown: Shutdown,
    on_ready: impl FnOnce(&Ready),
) -> Result<(), RunFault> {
    let public = listen(given.config.api.listen, "api.listen").await?;
    let admin = listen(given.config.admin.listen, "admin.listen").await?;
    let address = |listener: &TcpListener| {
        listener
            .local_addr()
            .map_or_else(|_| String::new(), |at| at.to_string())
    };
    let addresses = [address(&public), address(&admin)];
    let links = match given.config.links.listen {
        Some(address) => Some(listen(address, "links.listen").await?),
        None => None,
    };
    let engine = Engine::start(given, (redis, addresses), &shutdown).await?;
    let ready = |ready: &Ready| {
        Phase::Ready.tell();
        on_ready(ready);
    };
    engine.serve(((public, admin, links), shutdown), ready).await
}

async fn listen(address: SocketAddr, key: &'static str) -> Result<TcpListener, RunFault> {
    TcpListener::bind(address)
        .await
        .map_err(|error| RunFault::Listen(address, key, error))
}
