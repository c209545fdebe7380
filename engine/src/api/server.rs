//! The two listeners: connections with places and timers, and an orderly end.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::App;
use super::client::{self, Client, Peer};
use super::foreign::Names;
use super::held;
use super::places::{NoPlace, Phase, Places, Room, Seat};
use super::secured::{Secured, Shown, shake_hands};
use super::timed::{Patience, Timed};
use super::trace::Ending;

/// Connections of operators and their machines, whose places are their own: a handful of scrapers and people.
const ADMIN_CONNECTIONS: usize = 256;

/// The longest head of a request, in octets, and what is buffered of a connection. One that comes at once may be twice as long: what one
/// read brings is not thrown away.
const BUFFER_MAX: usize = 64 << 10;

/// How long to wait when the system has no more file descriptors, until the one that gave way has left its own.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a connection without a place is told, if it still reads.
const ADDRESS_FULL: &[u8] =
    b"HTTP/1.1 429 Too Many Requests\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
const LISTENER_FULL: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Where requests come in.
pub(crate) struct Listeners {
    /// For resellers and tenants.
    pub(crate) public: TcpListener,
    /// For operators, metrics and health.
    pub(crate) admin: TcpListener,
    /// For those who follow short links.
    pub(crate) links: Option<TcpListener>,
    /// What the first two show.
    pub(crate) secured: Secured,
}

/// Serves the listeners until the engine is told to end, and that of operators until it is `over`; then lets the requests under way end.
pub(crate) async fn serve(listeners: Listeners, app: App, over: CancellationToken) {
    serve_with(Patience::default(), listeners, app, over).await;
}

pub(super) async fn serve_with(patience: Patience, listeners: Listeners, app: App, over: CancellationToken) {
    let (api, metrics, stop) = (&app.limits, &app.metrics, app.stopping.clone());
    let is_loopback = listeners
        .admin
        .local_addr()
        .is_ok_and(|address| address.ip().is_loopback());
    let names = match listeners.secured.admin.now() {
        None if is_loopback => Names::Local,
        None | Some(_) => Names::Any,
    };
    let room = Room {
        all: api.connections_max as usize,
        each: api.address_connections_max as usize,
    };
    let admin = Room {
        all: ADMIN_CONNECTIONS,
        each: ADMIN_CONNECTIONS,
    };
    let public = Server {
        places: Places::new(room, "public", metrics),
        tls: listeners.secured.public,
        router: super::public(app.clone()),
        proxies: api.trusted_proxies.clone(),
        patience,
        stop: stop.clone(),
    };
    let admin = Server {
        places: Places::new(admin, "admin", metrics),
        tls: listeners.secured.admin,
        router: super::admin(app.clone(), names),
        proxies: Vec::new(),
        patience,
        stop: over,
    };
    let links = Server {
        places: Places::new(room, "links", metrics),
        tls: Shown::default(),
        router: super::links::router(app.clone()),
        proxies: api.trusted_proxies.clone(),
        patience,
        stop,
    };
    let taken = async {
        tokio::join!(public.listen(listeners.public), links.listen_if(listeners.links));
        app.operations.close();
        if tokio::time::timeout(patience.end, app.operations.wait()).await.is_err() {
            tracing::warn!(operations = app.operations.len(), "operations did not end in time");
        }
    };
    tokio::join!(taken, admin.listen(listeners.admin));
}

/// One listener's side.
struct Server {
    places: Places,
    tls: Shown,
    router: Router,
    proxies: Vec<IpNet>,
    patience: Patience,
    stop: CancellationToken,
}

impl Server {
    async fn listen_if(self, listener: Option<TcpListener>) {
        if let Some(listener) = listener {
            self.listen(listener).await;
        }
    }

    async fn listen(self, listener: TcpListener) {
        let connections = TaskTracker::new();
        while let Some(accepted) = self.stop.run_until_cancelled(listener.accept()).await {
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    self.places.free_one();
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY cannot be set");
            }
            match self.place(peer.ip()) {
                Ok(seat) => {
                    let conversation = self.conversation(peer.ip(), seat);
                    connections.spawn(conversation.hold(stream, self.tls.now()));
                }
                // A client that wants TLS could not read it.
                Err(_) if self.tls.now().is_some() => {}
                Err(answer) => {
                    // Not waited for: there is no place to wait in.
                    if let Err(error) = stream.try_write(answer) {
                        tracing::debug!(%error, "a connection is closed without an answer");
                    }
                }
            }
        }
        drop(listener);
        connections.close();
        if tokio::time::timeout(self.patience.end, connections.wait())
            .await
            .is_err()
        {
            tracing::warn!(
                connections = connections.len(),
                "requests did not end in time; they are cut off"
            );
        }
    }

    fn place(&self, peer: IpAddr) -> Result<Arc<Seat>, &'static [u8]> {
        let client = (!client::is_proxy(peer, &self.proxies)).then(|| Client::of(peer));
        self.places.take(client).map_err(|full| match full {
            NoPlace::Address => ADDRESS_FULL,
            NoPlace::Listener => LISTENER_FULL,
        })
    }

    fn conversation(&self, peer: IpAddr, seat: Arc<Seat>) -> Conversation {
        Conversation {
            router: self.router.clone(),
            patience: self.patience,
            stop: self.stop.clone(),
            peer,
            seat,
        }
    }
}

/// One connection's side.
struct Conversation {
    router: Router,
    patience: Patience,
    stop: CancellationToken,
    peer: IpAddr,
    seat: Arc<Seat>,
}

impl Conversation {
    /// To its end, within TLS if there is any.
    async fn hold<S>(self, stream: S, tls: Option<TlsAcceptor>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Some(acceptor) = tls else {
            return self.converse(stream).await;
        };
        // A handshake and a head have the same time each.
        let shaken = shake_hands(acceptor, stream, self.patience.head, &self.seat);
        match self.stop.run_until_cancelled(shaken).await {
            Some(Ok(session)) => self.converse(session).await,
            Some(Err(error)) => tracing::debug!(peer = %self.peer, %error, "a connection has no TLS"),
            None => {}
        }
    }

    /// In requests and answers.
    async fn converse<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self {
            patience, stop, seat, ..
        } = self;
        let mut server = http1::Builder::new();
        server
            .timer(TokioTimer::new())
            .header_read_timeout(patience.idle)
            .max_buf_size(BUFFER_MAX);
        let answers = answers(self.router, (self.peer, Ending(stop.clone())), seat.clone());
        let stream = TokioIo::new(Timed::new(stream, seat.clone(), patience));
        let mut connection = std::pin::pin!(server.serve_connection(stream, answers));
        let ended = tokio::select! {
            // First, so that what can be written is written before it goes.
            biased;
            ended = connection.as_mut() => ended,
            () = seat.must_go() => return,
            () = stop.cancelled() => {
                if seat.phase() != Phase::Busy {
                    return;
                }
                connection.as_mut().graceful_shutdown();
                match tokio::time::timeout(patience.end, connection).await {
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

/// The routes, for one connection: it is in nobody's way while it is answered.
fn answers(
    router: Router,
    (peer, ending): (IpAddr, Ending),
    seat: Arc<Seat>,
) -> impl Service<Request<Incoming>, Response = Response, Error = io::Error, Future: Send> {
    let router = TowerToHyperService::new(router);
    service_fn(move |request: Request<Incoming>| {
        let (router, turn, ending) = (router.clone(), seat.begin(), ending.clone());
        async move {
            let turn = turn.ok_or(io::ErrorKind::ConnectionAborted)?;
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(Peer(peer));
            request.extensions_mut().insert(ending);
            let response = router.call(request).await.unwrap_or_else(|never| match never {});
            Ok(held::until_written(response, turn))
        }
    })
}
