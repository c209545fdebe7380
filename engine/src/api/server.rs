//! The two listeners: connections with limits, and an orderly end.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::App;

/// Connections of each listener at once: a file descriptor and some 20 KB each. Others wait in the system's queue.
const CONNECTIONS_MAX: usize = 4_096;

/// How long a request's head may take, and how long a connection may be silent between two requests.
const HEAD_MAX: Duration = Duration::from_secs(30);

/// The longest head of a request, in octets, and what is buffered of a connection.
const BUFFER_MAX: usize = 64 << 10;

/// How long requests that are under way at the end may take.
const END_MAX: Duration = Duration::from_secs(10);

/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Where requests come in.
#[derive(Debug)]
pub struct Listeners {
    /// For resellers and tenants.
    pub public: TcpListener,
    /// For operators, metrics and health.
    pub admin: TcpListener,
}

/// Serves both listeners until `stop`, then lets the requests under way end.
pub async fn serve(listeners: Listeners, app: App, stop: CancellationToken) {
    let public = listen(listeners.public, super::public(app.clone()), stop.clone());
    let admin = listen(listeners.admin, super::admin(app), stop);
    tokio::join!(public, admin);
}

async fn listen(listener: TcpListener, router: Router, stop: CancellationToken) {
    let (connections, places) = (TaskTracker::new(), Arc::new(Semaphore::new(CONNECTIONS_MAX)));
    loop {
        let accept = async {
            let place = places.clone().acquire_owned().await;
            (place, listener.accept().await)
        };
        let Some((place, accepted)) = stop.run_until_cancelled(accept).await else {
            break;
        };
        match accepted {
            Ok((stream, _)) => {
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection keeps its delays");
                }
                let connection = converse(stream, router.clone(), stop.clone());
                connections.spawn(async move {
                    let _place = place;
                    connection.await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "no connection could be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    connections.close();
    if tokio::time::timeout(END_MAX, connections.wait()).await.is_err() {
        tracing::warn!(
            connections = connections.len(),
            "requests did not end in time; they are cut off"
        );
    }
}

/// One connection, to its end.
fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    router: Router,
    stop: CancellationToken,
) -> impl Future<Output = ()> + Send {
    let mut server = http1::Builder::new();
    server
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_MAX)
        .max_buf_size(BUFFER_MAX);
    let connection = server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    async move {
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(END_MAX, connection).await {
                    Ok(ended) => ended,
                    Err(_) => return,
                }
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection broke");
        }
    }
}
