//! TLS at the listeners: what they show, which is read again while the engine runs, and the time that a handshake may take.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::places::{Cut, Seat};
use crate::config::{Config, ListenerTls};
use crate::metrics::Metrics;

/// What both listeners show now. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Secured {
    pub(super) public: Shown,
    pub(super) admin: Shown,
    metrics: Metrics,
}

/// What one listener shows to whoever connects now; nothing: it speaks plain HTTP.
#[derive(Clone, Default)]
pub(super) struct Shown(Option<Arc<ArcSwap<ServerConfig>>>);

impl Secured {
    /// As the configuration says.
    pub(crate) fn new(config: &Config, metrics: &Metrics) -> Self {
        let secured = Self {
            public: Shown::new(config.api.tls.as_ref()),
            admin: Shown::new(config.admin.tls.as_ref()),
            metrics: metrics.clone(),
        };
        secured.note(config);
        secured
    }

    /// From now on; connections that there are stay as they are.
    pub(crate) fn set(&self, config: &Config) {
        self.public.set(config.api.tls.as_ref());
        self.admin.set(config.admin.tls.as_ref());
        self.note(config);
    }

    fn note(&self, config: &Config) {
        for (listener, tls) in [("public", &config.api.tls), ("admin", &config.admin.tls)] {
            let expiry = tls.as_ref().and_then(ListenerTls::expiry);
            self.metrics.certificate_expiry("", listener, expiry);
        }
    }
}

impl Shown {
    fn new(tls: Option<&ListenerTls>) -> Self {
        Self(tls.map(|tls| Arc::new(ArcSwap::new(tls.server().clone()))))
    }

    fn set(&self, tls: Option<&ListenerTls>) {
        if let (Some(shown), Some(tls)) = (&self.0, tls) {
            shown.store(tls.server().clone());
        }
    }

    /// Who begins a session now does so by this; `None`: in plain HTTP.
    pub(super) fn now(&self) -> Option<TlsAcceptor> {
        self.0.as_ref().map(|shown| TlsAcceptor::from(shown.load_full()))
    }
}

/// A session with a client that begins one within that time, and keeps its place until then.
pub(super) async fn shake_hands<S>(
    acceptor: TlsAcceptor,
    stream: S,
    within: Duration,
    seat: &Seat,
) -> io::Result<TlsStream<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let shaken = tokio::select! {
        shaken = tokio::time::timeout(within, acceptor.accept(stream)) => shaken,
        () = seat.must_go() => return Err(io::ErrorKind::ConnectionAborted.into()),
    };
    match shaken {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => {
            seat.count(Cut::FailedHandshake);
            Err(error)
        }
        Err(_) => {
            seat.count(Cut::LateHandshake);
            Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "the TLS handshake did not end in time",
            ))
        }
    }
}
