//! Sockets: one task for each, which moves octets and does what the SMSC says. Begin with [`listen`],
//! then `session`, which owns one socket.

mod pace;
mod session;
pub(crate) mod tls;
mod transport;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::handle::Handle;
use transport::Transport;

/// After a failed accept (no file descriptor left), so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A port that somebody else has meanwhile is tried again so soon.
const REOPEN_US: u64 = 100_000;

/// Phases are looked at no later than this, if nobody says that they have changed.
const PHASE_MAX_US: u64 = 3_600_000_000;

/// A port of an SMSC: plain, or TLS.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    pub(crate) tls: Option<Arc<ServerConfig>>,
}

/// Accepts connections until told to stop. While the scenario refuses connections, the port is closed.
pub(crate) async fn listen(port: Port, handle: Handle, tasks: TaskTracker) {
    let Port { listener, tls } = port;
    let address = listener.local_addr();
    let doors = handle.smsc().doors();
    let mut listener = Some(listener);
    while !handle.stopping().is_cancelled() {
        // Asked for before looking, so that no change is missed.
        let changed = doors.notified();
        let (refuses, until_us) = handle.door();
        listener = match (listener, refuses) {
            (Some(_), true) => None,
            (None, false) => reopen(&address).await,
            (listener, _) => listener,
        };
        let patience_us = if listener.is_some() || refuses {
            PHASE_MAX_US
        } else {
            REOPEN_US
        };
        let look_again = handle.clock().instant(until_us.min(handle.now_us() + patience_us));
        tokio::select! {
            accepted = accept(listener.as_ref()) => match accepted {
                Ok((stream, peer)) => open((stream, peer), tls.clone(), &handle, &tasks),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = changed => {}
            () = tokio::time::sleep_until(look_again) => {}
            () = handle.stopping().cancelled() => {}
        }
    }
}

/// The next connection; it waits for ever where nobody listens.
async fn accept(listener: Option<&TcpListener>) -> std::io::Result<(TcpStream, SocketAddr)> {
    match listener {
        Some(listener) => listener.accept().await,
        None => std::future::pending().await,
    }
}

/// The same port again; `None` if it cannot be had now: it is tried again.
async fn reopen(address: &std::io::Result<SocketAddr>) -> Option<TcpListener> {
    let address = address.as_ref().ok()?;
    match TcpListener::bind(address).await {
        Ok(listener) => Some(listener),
        Err(error) => {
            tracing::warn!(%address, %error, "the port cannot be opened again yet");
            None
        }
    }
}

fn open((stream, peer): (TcpStream, SocketAddr), tls: Option<Arc<ServerConfig>>, handle: &Handle, tasks: &TaskTracker) {
    // Without it, delayed acknowledgements hold a client with a small window at some hundred messages a second.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%peer, %error, "TCP_NODELAY");
    }
    let transport = match Transport::new(stream, peer, tls, handle.capture()) {
        Ok(transport) => transport,
        Err(error) => return tracing::warn!(%peer, %error, "a connection could not be opened"),
    };
    match session::Driver::open(transport, peer, handle) {
        Some(driver) => drop(tasks.spawn(driver.run())),
        None => tracing::warn!(%peer, "too many connections: closed"),
    }
}
